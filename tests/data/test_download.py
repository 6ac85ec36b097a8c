"""Downloads against a local server that can fail in each way a mirror does."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nsnn.data import download
from nsnn.data.sources import ARCHIVES, SOURCES
from nsnn.errors import RunError, UserError

SCRIPTS = Path(__file__).parents[2] / "data_scripts"
FIRST = SOURCES["mnist"].files[0].name


@pytest.fixture
def mirrors(server, monkeypatch):
    """Set the misbehaviours of MNIST's mirrors; its files are those of the local server."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    source = SOURCES["mnist"]

    def md5(name):
        return hashlib.md5(server.content[name], usedforsecurity=False).hexdigest()

    files = tuple(file._replace(md5=md5(file.name)) for file in source.files)

    def set_mirrors(*modes):
        urls = tuple(f"{server.url}/{mode}/" for mode in modes)
        monkeypatch.setitem(SOURCES, "mnist", source._replace(files=files, mirrors=urls))

    return set_mirrors


def complete(folder, server):
    """True if the folder holds the four files, right, and nothing else."""
    return {p.name: p.read_bytes() for p in folder.iterdir()} == server.content


def put_part(tmp_path, content):
    folder = tmp_path / "mnist"
    folder.mkdir()
    (folder / f"{FIRST}.part").write_bytes(content)


@pytest.mark.parametrize("mode", ["good", "nolength", "norange"])
def test_all_files_arrive(mirrors, server, tmp_path, mode):
    mirrors(mode)
    folder = download.fetch("mnist", tmp_path)
    assert folder == tmp_path / "mnist"
    assert complete(folder, server)


def test_nothing_is_fetched_twice(mirrors, server, tmp_path):
    mirrors("good")
    download.fetch("mnist", tmp_path)
    server.requests.clear()
    download.fetch("mnist", tmp_path)
    assert server.requests == []


def test_a_damaged_file_is_replaced(mirrors, server, tmp_path):
    mirrors("good")
    folder = download.fetch("mnist", tmp_path)
    (folder / FIRST).write_bytes(b"damaged")
    server.requests.clear()
    download.fetch("mnist", tmp_path)
    assert complete(folder, server)
    assert server.requests == [("good", FIRST, 0)]


def test_a_part_is_continued(mirrors, server, tmp_path):
    mirrors("good")
    put_part(tmp_path, server.content[FIRST][:50])
    assert complete(download.fetch("mnist", tmp_path), server)
    assert server.requests[0] == ("good", FIRST, 50)


def test_a_part_that_is_whole_needs_no_request(mirrors, server, tmp_path):
    mirrors("good")
    put_part(tmp_path, server.content[FIRST])
    assert complete(download.fetch("mnist", tmp_path), server)
    assert FIRST not in [name for _, name, _ in server.requests]


def test_a_server_that_ignores_range_sends_it_all_again(mirrors, server, tmp_path):
    mirrors("norange")
    put_part(tmp_path, server.content[FIRST][:50])
    assert complete(download.fetch("mnist", tmp_path), server)
    assert len(server.requests) == 4


def test_a_part_that_is_too_long_is_started_anew(mirrors, server, tmp_path):
    mirrors("good")
    put_part(tmp_path, server.content[FIRST] + b"more")
    assert complete(download.fetch("mnist", tmp_path), server)
    assert server.requests[1] == ("good", FIRST, 0)


def test_a_part_of_something_else_is_given_up(mirrors, server, tmp_path):
    mirrors("good", "good")
    put_part(tmp_path, b"x" * 50)
    assert complete(download.fetch("mnist", tmp_path), server)
    assert [start for _, name, start in server.requests if name == FIRST] == [50, 0]


@pytest.mark.parametrize("mode", ["missing", "wrong"])
def test_the_next_mirror_is_tried(mirrors, server, tmp_path, mode):
    mirrors(mode, "good")
    assert complete(download.fetch("mnist", tmp_path), server)
    assert [mode for mode, _, _ in server.requests] == [mode, "good"] * 4


def test_a_lost_connection_is_continued_elsewhere(mirrors, server, tmp_path):
    mirrors("cut", "good")
    assert complete(download.fetch("mnist", tmp_path), server)
    assert server.requests[:2] == [("cut", FIRST, 0), ("good", FIRST, 40)]


def test_a_lost_connection_is_continued_by_the_next_run(mirrors, server, tmp_path):
    mirrors("cut")
    for received in (40, 80):
        with pytest.raises(RunError, match=f"lost after {received} of"):
            download.fetch("mnist", tmp_path)
        assert (tmp_path / "mnist" / f"{FIRST}.part").stat().st_size == received
    mirrors("good")
    assert complete(download.fetch("mnist", tmp_path), server)


def test_an_answer_from_the_wrong_place_is_not_appended(mirrors, server, tmp_path):
    mirrors("shifted", "good")
    put_part(tmp_path, server.content[FIRST][:50])
    assert complete(download.fetch("mnist", tmp_path), server)
    assert server.requests[:2] == [("shifted", FIRST, 50), ("good", FIRST, 50)]


def test_a_silent_server_is_left(mirrors, server, tmp_path, refused):
    mirrors("hang")
    with refused("timed out", error=RunError):
        download.fetch("mnist", tmp_path, timeout=0.2)


def test_a_wrong_checksum_leaves_nothing(mirrors, server, tmp_path, refused):
    mirrors("wrong")
    with refused(FIRST, "md5", "instead of", error=RunError):
        download.fetch("mnist", tmp_path)
    assert list((tmp_path / "mnist").iterdir()) == []


def test_no_network_says_what_to_do_by_hand(mirrors, server, tmp_path, monkeypatch, refused):
    mirrors("good")
    # Port 9 on the loopback, where nothing listens.
    source = SOURCES["mnist"]._replace(mirrors=("http://127.0.0.1:9/",))
    monkeypatch.setitem(SOURCES, "mnist", source)
    names = [part for file in source.files for part in (file.name, file.md5)]
    with refused("cannot download", *names, tmp_path / "mnist", "data check mnist", error=RunError):
        download.fetch("mnist", tmp_path)


def test_a_folder_that_cannot_be_made(mirrors, tmp_path, refused):
    mirrors("good")
    (tmp_path / "file").write_bytes(b"")
    with refused("cannot write", tmp_path / "file", "--dir", error=RunError):
        download.fetch("mnist", tmp_path / "file" / "below")


def test_a_full_disk_is_not_blamed_on_the_mirror(mirrors, server, tmp_path, monkeypatch, refused):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *exception):
            pass

        def update(self, n):
            raise OSError(28, "No space left on device")

    mirrors("good", "good")
    monkeypatch.setattr(download, "_progress", lambda *arguments: Full())
    with refused("No space left", "--dir", error=RunError):
        download.fetch("mnist", tmp_path)
    assert len(server.requests) == 1


def test_where_files_go(tmp_path, cache, monkeypatch):
    assert download.target_folder("mnist", tmp_path) == tmp_path / "mnist"
    assert download.target_folder("mnist", tmp_path / "mnist") == tmp_path / "mnist"
    assert download.target_folder("mnist") == cache / "mnist"
    monkeypatch.setattr(download, "user_cache", lambda name: None)
    with pytest.raises(UserError, match="--dir"):
        download.target_folder("mnist")


def test_script_prints_the_folder(mirrors, tmp_path, capsys):
    mirrors("good")
    assert download.script("mnist", "help", ["--dir", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{tmp_path / 'mnist'}\n"
    assert captured.err == ""  # no bar: this is not a terminal


def test_script_fails_in_one_line(mirrors, tmp_path, capsys):
    mirrors("missing")
    assert download.script("mnist", "help", ["--dir", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: cannot download")
    assert error.count("\n") == 1


def test_script_names_a_mistake_of_the_caller(monkeypatch, capsys):
    monkeypatch.setattr(download, "user_cache", lambda name: None)
    assert download.script("mnist", "help", []) == 2
    assert "no home directory" in capsys.readouterr().err


def test_script_can_be_interrupted(monkeypatch, capsys):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "fetch", interrupt)
    assert download.script("mnist", "help", []) == 130
    assert "to continue" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*SOURCES, *ARCHIVES])
def test_the_scripts_start(name):
    path = SCRIPTS / f"get_{name.replace('-', '_')}.py"
    assert f'script("{name}", __doc__)' in path.read_text()
    command = [sys.executable, path, "--help"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert f"nsnn data get {name}" in result.stdout
    assert "--dir" in result.stdout


def test_published_checksums_are_distinct_md5():
    sources = [*SOURCES.values(), *ARCHIVES.values()]
    digests = [file.md5 for source in sources for file in source.files]
    assert len(set(digests)) == 11
    assert all(re.fullmatch(r"[0-9a-f]{32}", digest) for digest in digests)
