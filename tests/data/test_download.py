"""Downloads against a local server that can fail in each way a mirror does."""

import runpy
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
def mnist(server, small_mnist):
    """MNIST with the files of the local server, from mirrors with the given misbehaviours."""
    return lambda *modes: replace(small_mnist, mirrors=server.mirrors(*modes))


def complete(folder, server):
    """True if the folder holds the four files, right, and nothing else."""
    return {p.name: p.read_bytes() for p in folder.iterdir()} == server.content


@pytest.mark.parametrize(("part", "modes", "asked"), [
    # It is continued; whole, it needs no request.
    (lambda whole: whole[:50], "good", [("good", 50)]),
    (lambda whole: whole, "good", []),
    # Too long, or of something else, or from a server that ignores Range: started anew.
    (lambda whole: whole + b"more", "good", [("good", len), ("good", 0)]),
    (lambda whole: b"x" * 50, "good good", [("good", 50), ("good", 0)]),
    (lambda whole: whole[:50], "norange", [("norange", 50)]),
    # The next mirror is tried; a lost connection is continued there.
    (lambda whole: b"", "nolength", [("nolength", 0)]),
    (lambda whole: b"", "missing good", [("missing", 0), ("good", 0)]),
    (lambda whole: b"", "wrong good", [("wrong", 0), ("good", 0)]),
    (lambda whole: b"", "cut good", [("cut", 0), ("good", 40)]),
])  # fmt: skip
def test_a_part_of_a_file_is_made_whole(mnist, server, tmp_path, part, modes, asked):
    whole, folder = server.content[FIRST], tmp_path / "mnist"
    folder.mkdir()
    (folder / f"{FIRST}.part").write_bytes(part(whole))
    assert complete(mnist(*modes.split()).get(tmp_path), server)
    requests = [(mode, start) for mode, name, start in server.requests if name == FIRST]
    expected = [(mode, len(part(whole)) if start is len else start) for mode, start in asked]
    assert requests == expected


def test_what_is_there_is_fetched_again_only_when_damaged(mnist, server, tmp_path, capsys):
    folder = mnist("good").get(tmp_path)
    assert folder == tmp_path / "mnist"
    assert capsys.readouterr() == ("", "")  # no bar: this is not a terminal
    server.requests.clear()
    mnist("good").get(tmp_path)
    assert server.requests == []
    (folder / FIRST).write_bytes(b"damaged")
    assert complete(mnist("good").get(tmp_path), server)
    assert server.requests == [("good", FIRST, 0)]


@pytest.mark.parametrize(
    ("mode", "message"), [("hang", "timed out"), ("wrong", "instead of"), ("missing", "404")]
)
def test_a_mirror_that_gives_nothing_leaves_nothing(mnist, tmp_path, mode, message, refused):
    with refused(FIRST, "md5", message, error=RunError):
        replace(mnist(mode), timeout=0.2).get(tmp_path)
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


def test_a_full_disk_is_not_blamed_on_the_mirror(mnist, server, tmp_path, full_disk, refused):
    with refused("cannot write", "File too large", "--dir", error=RunError), full_disk():
        mnist("good", "good").get(tmp_path)
    assert len(server.requests) == 1


def test_no_home_asks_for_a_folder(no_home, refused):
    with refused("no home directory", "--dir"):
        MNIST.get()


@pytest.mark.parametrize("source", REMOTE, ids=lambda source: source.name)
def test_the_scripts_get_their_data_set(source, tmp_path, monkeypatch, capsys):
    script = f"get_{source.name.replace('-', '_')}.py"
    assert source.how == f"run `nsnn data get {source.name}`"  # the scripts are in a clone only
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(sys, "argv", [script, "--dir", str(tmp_path / "file")])
    with pytest.raises(SystemExit, match=r"^1$"):
        runpy.run_path(str(SCRIPTS / script), run_name="__main__")
    error = capsys.readouterr().err
    assert error.startswith(f"nsnn: error: {source.name}: cannot write")
    assert error.count("\n") == 1
