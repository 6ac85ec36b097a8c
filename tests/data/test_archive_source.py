"""`nsnn data get` and `check` of the data sets that come in one archive, from a local server."""

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from nsnn.data.cifar import CIFAR10, PIXELS
from nsnn.data.tiny_imagenet import TINY_IMAGENET
from nsnn.errors import RunError

ARCHIVE, FOLDER = CIFAR10.files[0].name, CIFAR10.folder
SMALL = replace(
    CIFAR10,
    sizes=(8, 3),
    train_files=("data_batch_1.bin", "data_batch_2.bin"),
    test_file="test.bin",
)


@pytest.fixture(scope="module")
def content():
    """Content of each file of a small CIFAR-10."""
    rng = np.random.default_rng(0)
    content = {"readme.html": b"about"}
    for name, count in (("data_batch_1.bin", 4), ("data_batch_2.bin", 4), ("test.bin", 3)):
        rows = rng.integers(0, 256, size=(count, 1 + PIXELS)).astype(np.uint8)
        rows[:, 0] %= 10
        content[name] = rows.tobytes()
    return content


@pytest.fixture(scope="module")
def packed(content):
    """The archive of `content`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as opened:
        for name, data in content.items():
            info = tarfile.TarInfo(f"{FOLDER}/{name}")
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def serve(server):
    """A data set whose archive has the given content, on mirrors with the given misbehaviours."""

    def serve(source, packed, *modes):
        md5 = hashlib.md5(packed, usedforsecurity=False).hexdigest()
        file = source.files[0]._replace(md5=md5)
        server.content = {file.name: packed}
        return replace(source, files=(file,), mirrors=server.mirrors(*modes or ["good"]))

    return serve


@pytest.fixture
def cifar10(serve, packed):
    """CIFAR-10, small, on the local server."""
    return serve(SMALL, packed)


def unpacked(tmp_path):
    return tmp_path / "cifar10" / FOLDER


def test_get_downloads_unpacks_and_reads(cifar10, content, tmp_path):
    assert cifar10.get(tmp_path) == tmp_path / "cifar10"
    found = {path.name: path.read_bytes() for path in unpacked(tmp_path).iterdir()}
    assert found == content
    assert sorted(path.name for path in (tmp_path / "cifar10").iterdir()) == [FOLDER, ARCHIVE]
    train, *_ = cifar10.read(tmp_path)
    assert train.labels[0] == content["data_batch_1.bin"][0]


def test_get_into_the_cache_is_found_from_there(cifar10, cache):
    cifar10.get()
    assert cifar10.find()[0].parent == cache / "cifar10" / FOLDER
    assert cifar10.where() == str(cache / "cifar10" / FOLDER)


def test_nothing_is_done_twice(cifar10, tmp_path, server):
    cifar10.get(tmp_path)
    server.requests.clear()
    before = unpacked(tmp_path).stat()
    cifar10.get(tmp_path)
    assert server.requests == []
    assert unpacked(tmp_path).stat() == before  # the same folder, not a new one


def test_what_is_damaged_or_missing_comes_out_of_the_archive_again(
    cifar10, content, tmp_path, server
):
    cifar10.get(tmp_path)
    server.requests.clear()
    path = unpacked(tmp_path) / "data_batch_1.bin"
    path.write_bytes(b"\x0b" + path.read_bytes()[1:])  # a label that is none
    (unpacked(tmp_path) / "test.bin").unlink()
    cifar10.get(tmp_path)
    assert path.read_bytes() == content["data_batch_1.bin"]
    assert len(cifar10.read(tmp_path).test) == 3
    assert server.requests == []


def test_an_interrupted_download_is_continued(serve, packed, tmp_path, server):
    with pytest.raises(RunError, match="connection lost after 40 of"):
        serve(SMALL, packed, "cut").get(tmp_path)
    assert not unpacked(tmp_path).exists()
    serve(SMALL, packed).get(tmp_path)
    assert server.requests[-1] == ("good", ARCHIVE, 40)
    assert unpacked(tmp_path).is_dir()


def test_a_wrong_checksum_is_not_unpacked(serve, packed, tmp_path, refused):
    # Without a network the archive can be put there by hand: `get` then unpacks it.
    where = tmp_path / "cifar10"
    parts = (ARCHIVE, "instead of", where, f"nsnn data get cifar10 --dir {where}")
    with refused(*parts, error=RunError):
        serve(SMALL, packed, "wrong").get(tmp_path)
    assert list(where.iterdir()) == []


def test_an_archive_put_there_by_hand(cifar10, packed, tmp_path, server):
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / ARCHIVE).write_bytes(packed)
    cifar10.get(tmp_path / "cifar10")
    assert server.requests == []
    assert unpacked(tmp_path).is_dir()


def test_a_zip(serve, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(f"{TINY_IMAGENET.folder}/wnids.txt", "n01\n")
    folder = serve(TINY_IMAGENET, buffer.getvalue()).get(tmp_path)
    assert (folder / TINY_IMAGENET.folder / "wnids.txt").read_text() == "n01\n"


def test_a_full_disk_while_unpacking(cifar10, packed, tmp_path, full_disk, refused):
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / ARCHIVE).write_bytes(packed)
    with refused("too large", tmp_path / "cifar10", "--dir", error=RunError), full_disk():
        cifar10.get(tmp_path)
    assert [path.name for path in (tmp_path / "cifar10").iterdir()] == [ARCHIVE]


class TestCheck:
    @pytest.fixture
    def folder(self, cifar10, tmp_path):
        return cifar10.get(tmp_path) / FOLDER

    def test_with_the_archive(self, cifar10, folder, tmp_path):
        lines = cifar10.check(tmp_path).splitlines()
        assert f"equal to {ARCHIVE}, md5 {cifar10.files[0].md5} as published" in lines[0]
        assert lines[1].startswith("train: 8 samples of 3 × 32 × 32 uint8")
        assert lines[2].startswith("test: 3 samples")

    def test_without(self, cifar10, folder, tmp_path):
        (folder.parent / ARCHIVE).unlink()
        lines = cifar10.check(tmp_path).splitlines()
        assert "checksum unknown" in lines[0]
        assert lines[1].startswith("train: 8 samples")

    def test_a_pixel_that_differs(self, cifar10, folder, tmp_path, refused):
        content = bytearray((folder / "test.bin").read_bytes())
        content[-1] ^= 1
        (folder / "test.bin").write_bytes(content)
        with refused(folder / "test.bin", f"not as in {ARCHIVE}", "nsnn data get cifar10"):
            cifar10.check(tmp_path)

    def test_another_archive(self, cifar10, folder, tmp_path, refused):
        (folder.parent / ARCHIVE).write_bytes(b"other")
        with refused(folder.parent / ARCHIVE, "expected md5", "nsnn data get cifar10"):
            cifar10.check(tmp_path)

    def test_a_damaged_file_without_the_archive(self, cifar10, folder, tmp_path, refused):
        (folder.parent / ARCHIVE).unlink()
        path = folder / "test.bin"
        path.write_bytes(path.read_bytes()[:-1])
        with refused(path, "expected 9219 bytes", "nsnn data get cifar10"):
            cifar10.check(tmp_path)
