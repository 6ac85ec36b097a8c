"""Unpacking archives; `nsnn data get` and `check` of the sets that come in one, from a server."""

import hashlib
from dataclasses import replace

import pytest

from nsnn.data import download
from nsnn.data.cifar import CIFAR10
from nsnn.errors import RunError

ARCHIVE, FOLDER = CIFAR10.files[0].name, CIFAR10.folder
SMALL = replace(
    CIFAR10,
    sizes=(8, 3),
    train_files=("data_batch_1.bin", "data_batch_2.bin"),
    test_file="test.bin",
)


@pytest.fixture(scope="module")
def content(cifar_records):
    """Content of each file of a small CIFAR-10."""
    files = {name: records.tobytes() for name, records in cifar_records(SMALL).items()}
    return {"readme.html": b"about", **files}


@pytest.fixture(scope="module")
def packed(content, pack, tmp_path_factory):
    """The archive of `content`."""
    files = {f"{FOLDER}/{name}": data for name, data in content.items()}
    return pack(tmp_path_factory.mktemp("archive") / ARCHIVE, files).read_bytes()


@pytest.fixture
def cifar10(server, packed):
    """CIFAR-10, small, on the local server."""
    md5 = hashlib.md5(packed, usedforsecurity=False).hexdigest()
    server.content = {ARCHIVE: packed}
    file = SMALL.files[0]._replace(md5=md5)
    return replace(SMALL, files=(file,), mirrors=server.mirrors("good"))


def unpacked(tmp_path):
    return tmp_path / "cifar10" / FOLDER


@pytest.mark.parametrize("given", [True, False])
def test_get_downloads_unpacks_and_reads(cifar10, content, tmp_path, cache, given):
    place = tmp_path if given else None
    folder = (tmp_path if given else cache) / "cifar10"
    assert cifar10.get(place) == folder
    found = {path.name: path.read_bytes() for path in (folder / FOLDER).iterdir()}
    assert found == content
    assert sorted(path.name for path in folder.iterdir()) == [FOLDER, ARCHIVE]
    train, *_ = cifar10.read(place)
    assert train.labels[0] == content["data_batch_1.bin"][0]
    assert cifar10.find(place)[0].parent == folder / FOLDER
    assert given or cifar10.where() == str(folder / FOLDER)


def test_only_what_is_damaged_or_missing_is_unpacked_again(cifar10, content, tmp_path, server):
    cifar10.get(tmp_path)
    server.requests.clear()
    before = unpacked(tmp_path).stat()
    cifar10.get(tmp_path)
    assert unpacked(tmp_path).stat() == before  # the same folder, not a new one
    path = unpacked(tmp_path) / "data_batch_1.bin"
    path.write_bytes(b"\x0b" + path.read_bytes()[1:])  # a label that is none
    (unpacked(tmp_path) / "test.bin").unlink()
    cifar10.get(tmp_path)
    assert path.read_bytes() == content["data_batch_1.bin"]
    assert len(cifar10.read(tmp_path).test) == 3
    assert server.requests == []


def test_an_archive_by_hand_and_a_full_disk(cifar10, packed, tmp_path, server, full_disk, refused):
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / ARCHIVE).write_bytes(packed)
    with refused("too large", tmp_path / "cifar10", "--dir", error=RunError), full_disk():
        cifar10.get(tmp_path)
    assert [path.name for path in (tmp_path / "cifar10").iterdir()] == [ARCHIVE]
    cifar10.get(tmp_path / "cifar10")
    assert server.requests == []
    assert unpacked(tmp_path).is_dir()


class TestCheck:
    @pytest.fixture
    def folder(self, cifar10, tmp_path):
        return cifar10.get(tmp_path) / FOLDER

    def test_with_and_without_the_archive(self, cifar10, folder, tmp_path):
        lines = cifar10.check(tmp_path).splitlines()
        assert f"equal to {ARCHIVE}, md5 {cifar10.files[0].md5} as published" in lines[0]
        assert lines[1].startswith("train: 8 samples of 3 × 32 × 32 uint8")
        assert lines[2].startswith("test: 3 samples")
        (folder.parent / ARCHIVE).unlink()
        first, *others = cifar10.check(tmp_path).splitlines()
        assert "checksum unknown" in first
        assert others == lines[1:]

    @pytest.mark.parametrize(("name", "change", "archive", "message"), [
        (f"{FOLDER}/test.bin", lambda c: c[:-1] + bytes([c[-1] ^ 1]), True, "not as in"),
        (ARCHIVE, lambda c: b"other", True, "expected md5"),
        (f"{FOLDER}/test.bin", lambda c: c[:-1], False, "expected 9219 bytes"),
    ])  # fmt: skip
    def test_what_differs(self, cifar10, folder, tmp_path, name, change, archive, message, refused):
        path = folder.parent / name
        path.write_bytes(change(path.read_bytes()))
        if not archive:
            (folder.parent / ARCHIVE).unlink()
        with refused(path, message, "nsnn data get cifar10"):
            cifar10.check(tmp_path)


FILES = {"top/a.bin": b"a" * 5000, "top/sub/b.txt": b"bb", "top/empty": b""}


@pytest.fixture(params=["files.tar.gz", "files.zip"])
def path(request, tmp_path):
    return tmp_path / request.param


def held(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {f"top/{path.relative_to(folder)}": path.read_bytes() for path in files}


def beside(path):
    """What else is in the archive's folder."""
    return sorted(p.name for p in path.parent.iterdir() if p != path)


OUTSIDE = ("__MACOSX/top/a.bin", "notes", "top", "../evil", "top/../../evil", "/evil")


def test_everything_in_the_folder_is_unpacked_and_nothing_else(path, pack):
    download.unpack(pack(path, FILES | dict.fromkeys(OUTSIDE, b"x")), path.parent / "top")
    assert held(path.parent / "top") == FILES
    assert beside(path) == ["top"]


@pytest.mark.parametrize("damage", ["missing", "longer", "changed", "folder"])
def test_differences_are_found_and_mended(path, pack, damage):
    folder = path.parent / "top"
    download.unpack(pack(path, FILES), folder)
    assert download.first_difference(path, folder) is None
    target = folder / "sub" / "b.txt"
    target.unlink()
    if damage == "folder":
        target.mkdir()
    elif damage != "missing":
        target.write_bytes({"longer": b"bbb", "changed": b"bx"}[damage])
    assert download.first_difference(path, folder) == target
    download.unpack(path, folder)
    assert held(folder) == FILES
    assert beside(path) == ["top"]


def test_remains_of_an_earlier_attempt_and_other_files_are_removed(path, pack):
    for name in ("top.part", "top"):
        (path.parent / name).mkdir()
        (path.parent / name / "stale").write_bytes(b"")
    download.unpack(pack(path, FILES), path.parent / "top")
    assert held(path.parent / "top") == FILES
    assert beside(path) == ["top"]
