"""Downloads against a local server that can fail in each way a mirror does."""

import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nsnn.data import DATASETS
from nsnn.data.download import RemoteSource
from nsnn.data.idx import MNIST
from nsnn.errors import RunError

SCRIPTS = Path(__file__).parents[2] / "data_scripts"
FIRST = MNIST.files[0].name
REMOTE = [each for each in DATASETS.values() if isinstance(each, RemoteSource)]


@pytest.fixture
def mnist(server):
    """MNIST with the files of the local server, from mirrors with the given misbehaviours."""

    def md5(name):
        return hashlib.md5(server.content[name], usedforsecurity=False).hexdigest()

    files = tuple(file._replace(md5=md5(file.name)) for file in MNIST.files)
    return lambda *modes: replace(MNIST, files=files, mirrors=server.mirrors(*modes))


def complete(folder, server):
    """True if the folder holds the four files, right, and nothing else."""
    return {p.name: p.read_bytes() for p in folder.iterdir()} == server.content


def put_part(tmp_path, content):
    folder = tmp_path / "mnist"
    folder.mkdir()
    (folder / f"{FIRST}.part").write_bytes(content)


@pytest.mark.parametrize("mode", ["good", "nolength", "norange"])
def test_all_files_arrive(mnist, server, tmp_path, mode, capsys):
    folder = mnist(mode).get(tmp_path)
    assert folder == tmp_path / "mnist"
    assert complete(folder, server)
    assert capsys.readouterr() == ("", "")  # no bar: this is not a terminal


def test_nothing_is_fetched_twice(mnist, server, tmp_path):
    mnist("good").get(tmp_path)
    server.requests.clear()
    mnist("good").get(tmp_path)
    assert server.requests == []


def test_a_damaged_file_is_replaced(mnist, server, tmp_path):
    folder = mnist("good").get(tmp_path)
    (folder / FIRST).write_bytes(b"damaged")
    server.requests.clear()
    assert complete(mnist("good").get(tmp_path), server)
    assert server.requests == [("good", FIRST, 0)]


def test_a_part_is_continued(mnist, server, tmp_path):
    put_part(tmp_path, server.content[FIRST][:50])
    assert complete(mnist("good").get(tmp_path), server)
    assert server.requests[0] == ("good", FIRST, 50)


def test_a_part_that_is_whole_needs_no_request(mnist, server, tmp_path):
    put_part(tmp_path, server.content[FIRST])
    assert complete(mnist("good").get(tmp_path), server)
    assert FIRST not in [name for _, name, _ in server.requests]


def test_a_server_that_ignores_range_sends_it_all_again(mnist, server, tmp_path):
    put_part(tmp_path, server.content[FIRST][:50])
    assert complete(mnist("norange").get(tmp_path), server)
    assert len(server.requests) == 4


def test_a_part_that_is_too_long_is_started_anew(mnist, server, tmp_path):
    put_part(tmp_path, server.content[FIRST] + b"more")
    assert complete(mnist("good").get(tmp_path), server)
    assert server.requests[1] == ("good", FIRST, 0)


def test_a_part_of_something_else_is_given_up(mnist, server, tmp_path):
    put_part(tmp_path, b"x" * 50)
    assert complete(mnist("good", "good").get(tmp_path), server)
    assert [start for _, name, start in server.requests if name == FIRST] == [50, 0]


@pytest.mark.parametrize("mode", ["missing", "wrong"])
def test_the_next_mirror_is_tried(mnist, server, tmp_path, mode):
    assert complete(mnist(mode, "good").get(tmp_path), server)
    assert [mode for mode, _, _ in server.requests] == [mode, "good"] * 4


def test_a_lost_connection_is_continued_elsewhere(mnist, server, tmp_path):
    assert complete(mnist("cut", "good").get(tmp_path), server)
    assert server.requests[:2] == [("cut", FIRST, 0), ("good", FIRST, 40)]


def test_a_lost_connection_is_continued_by_the_next_run(mnist, server, tmp_path):
    for received in (40, 80):
        with pytest.raises(RunError, match=f"lost after {received} of"):
            mnist("cut").get(tmp_path)
        assert (tmp_path / "mnist" / f"{FIRST}.part").stat().st_size == received
    assert complete(mnist("good").get(tmp_path), server)


def test_an_answer_from_the_wrong_place_is_not_appended(mnist, server, tmp_path):
    put_part(tmp_path, server.content[FIRST][:50])
    assert complete(mnist("shifted", "good").get(tmp_path), server)
    assert server.requests[:2] == [("shifted", FIRST, 50), ("good", FIRST, 50)]


def test_a_silent_server_is_left(mnist, tmp_path, refused):
    with refused("timed out", error=RunError):
        replace(mnist("hang"), timeout=0.2).get(tmp_path)


def test_a_wrong_checksum_leaves_nothing(mnist, tmp_path, refused):
    with refused(FIRST, "md5", "instead of", error=RunError):
        mnist("wrong").get(tmp_path)
    assert list((tmp_path / "mnist").iterdir()) == []


def test_no_network_says_what_to_do_by_hand(mnist, server, tmp_path, refused):
    # Port 9 on the loopback, where nothing listens.
    source = replace(mnist(), mirrors=("http://127.0.0.1:9/",))
    names = [part for file in source.files for part in (file.name, file.md5)]
    command = f"nsnn data get mnist --dir {tmp_path / 'mnist'}"
    with refused("cannot download", *names, command, error=RunError):
        source.get(tmp_path)
    for name, content in server.content.items():
        (tmp_path / "mnist" / name).write_bytes(content)
    assert complete(source.get(tmp_path / "mnist"), server)


def test_a_folder_that_cannot_be_made(mnist, tmp_path, refused):
    (tmp_path / "file").write_bytes(b"")
    with refused("cannot write", tmp_path / "file", "--dir", error=RunError):
        mnist("good").get(tmp_path / "file" / "below")


def test_a_full_disk_is_not_blamed_on_the_mirror(mnist, server, tmp_path, full_disk, refused):
    with refused("cannot write", "File too large", "--dir", error=RunError), full_disk():
        mnist("good", "good").get(tmp_path)
    assert len(server.requests) == 1


def test_where_files_go(mnist, tmp_path, cache, server):
    for given, folder in (
        (tmp_path, tmp_path / "mnist"),
        (tmp_path / "in" / "mnist", tmp_path / "in" / "mnist"),
        (None, cache / "mnist"),
    ):
        assert mnist("good").get(given) == folder
        assert complete(folder, server)


def test_no_home_asks_for_a_folder(no_home, refused):
    with refused("no home directory", "--dir"):
        MNIST.get()


@pytest.mark.parametrize("source", REMOTE, ids=lambda source: source.name)
def test_the_scripts_get_their_data_set(source, tmp_path):
    script = f"get_{source.name.replace('-', '_')}.py"
    assert f"data_scripts/{script}" in source.how
    (tmp_path / "file").write_bytes(b"")
    command = [sys.executable, SCRIPTS / script, "--dir", tmp_path / "file"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr.startswith(f"nsnn: error: {source.name}: cannot write")
    assert result.stderr.count("\n") == 1


def test_published_checksums_are_distinct_md5():
    digests = [file.md5 for source in REMOTE for file in source.files]
    assert len(set(digests)) == 11
    assert all(re.fullmatch(r"[0-9a-f]{32}", digest) for digest in digests)
