"""`nsnn data get` and `check` of the data sets that come in one archive, from a local server."""

import hashlib
import io
import tarfile
import zipfile

import numpy as np
import pytest

from nsnn.data import archive, cifar, commands, download
from nsnn.data.sources import ARCHIVES
from nsnn.errors import RunError

LAYOUT = cifar.Layout((("data_batch_1.bin", 4), ("data_batch_2.bin", 4)), (("test.bin", 3),), (10,))
SOURCE = ARCHIVES["cifar10"]


def records():
    """Content of each file of a small CIFAR-10."""
    rng = np.random.default_rng(0)
    content = {"readme.html": b"about"}
    for name, count in (*LAYOUT.train, *LAYOUT.test):
        rows = rng.integers(0, 256, size=(count, 1 + cifar.PIXELS)).astype(np.uint8)
        rows[:, 0] %= 10
        content[name] = rows.tobytes()
    return content


def tar_of(content, top):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as opened:
        for name, data in content.items():
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def serve(server, monkeypatch):
    """Serve an archive as that of a data set, from mirrors with the given misbehaviours."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def serve(content, source=SOURCE, modes=("good",)):
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        urls = tuple(f"{server.url}/{mode}/" for mode in modes)
        server.content = {source.archive: content}
        monkeypatch.setitem(ARCHIVES, source.name, source._replace(md5=digest, mirrors=urls))

    return serve


@pytest.fixture
def cifar10(serve, monkeypatch):
    """CIFAR-10, small, on the local server; gives the content of its files."""
    monkeypatch.setitem(cifar.LAYOUTS, "cifar10", LAYOUT)
    content = records()
    serve(tar_of(content, SOURCE.folder))
    return content


def unpacked(tmp_path):
    return tmp_path / "cifar10" / SOURCE.folder


def test_get_downloads_unpacks_and_reads(cifar10, tmp_path):
    assert commands.get("cifar10", tmp_path) == tmp_path / "cifar10"
    found = {path.name: path.read_bytes() for path in unpacked(tmp_path).iterdir()}
    assert found == cifar10
    assert sorted(path.name for path in (tmp_path / "cifar10").iterdir()) == [
        SOURCE.folder,
        SOURCE.archive,
    ]
    train, _ = cifar.read_splits("cifar10", tmp_path)
    assert train.labels[0] == cifar10["data_batch_1.bin"][0]


def test_get_into_the_cache_is_found_from_there(cifar10, cache):
    commands.get("cifar10")
    assert cifar.find("cifar10")[0].parent == cache / "cifar10" / SOURCE.folder
    row = next(x for x in commands.list_datasets().splitlines() if x.startswith("cifar10 "))
    assert row.endswith(str(cache / "cifar10" / SOURCE.folder))


def test_nothing_is_done_twice(cifar10, tmp_path, server, monkeypatch):
    commands.get("cifar10", tmp_path)
    server.requests.clear()
    monkeypatch.setattr(archive, "_put", lambda *arguments: pytest.fail("unpacked again"))
    commands.get("cifar10", tmp_path)
    assert server.requests == []


def test_what_is_damaged_or_missing_comes_out_of_the_archive_again(cifar10, tmp_path, server):
    commands.get("cifar10", tmp_path)
    server.requests.clear()
    path = unpacked(tmp_path) / "data_batch_1.bin"
    path.write_bytes(b"\x0b" + path.read_bytes()[1:])  # a label that is none
    (unpacked(tmp_path) / "test.bin").unlink()
    commands.get("cifar10", tmp_path)
    assert path.read_bytes() == cifar10["data_batch_1.bin"]
    assert len(cifar.read_splits("cifar10", tmp_path)[1]) == 3
    assert server.requests == []


def test_an_interrupted_download_is_continued(cifar10, serve, tmp_path, server):
    content = server.content[SOURCE.archive]
    serve(content, modes=["cut"])
    with pytest.raises(RunError, match="connection lost after 40 of"):
        download.fetch("cifar10", tmp_path)
    assert not unpacked(tmp_path).exists()
    serve(content)
    download.fetch("cifar10", tmp_path)
    assert server.requests[-1] == ("good", SOURCE.archive, 40)
    assert unpacked(tmp_path).is_dir()


def test_a_wrong_checksum_is_not_unpacked(cifar10, serve, tmp_path, server, refused):
    serve(server.content[SOURCE.archive], modes=["wrong"])
    # Without a network the archive can be put there by hand: `get` then unpacks it.
    where = tmp_path / "cifar10"
    parts = (SOURCE.archive, "instead of", where, f"nsnn data get cifar10 --dir {where}")
    with refused(*parts, error=RunError):
        commands.get("cifar10", tmp_path)
    assert list(where.iterdir()) == []


def test_an_archive_put_there_by_hand(cifar10, serve, tmp_path, server):
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / SOURCE.archive).write_bytes(server.content[SOURCE.archive])
    commands.get("cifar10", tmp_path / "cifar10")
    assert server.requests == []
    assert unpacked(tmp_path).is_dir()


def test_a_zip(serve, tmp_path):
    source = ARCHIVES["tiny-imagenet"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr(f"{source.folder}/wnids.txt", "n01\n")
    serve(buffer.getvalue(), source)
    folder = commands.get("tiny-imagenet", tmp_path)
    assert (folder / source.folder / "wnids.txt").read_text() == "n01\n"


def test_the_script(cifar10, tmp_path, capsys):
    assert download.script("cifar10", "help", ["--dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'cifar10'}\n"
    assert unpacked(tmp_path).is_dir()


def test_a_full_disk_while_unpacking(cifar10, tmp_path, monkeypatch, refused):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.shutil, "copyfileobj", full)
    with refused("No space left", tmp_path / "cifar10", "--dir", error=RunError):
        commands.get("cifar10", tmp_path)
    assert [path.name for path in (tmp_path / "cifar10").iterdir()] == [SOURCE.archive]


class TestCheck:
    def test_with_the_archive(self, cifar10, tmp_path):
        commands.get("cifar10", tmp_path)
        lines = commands.check("cifar10", tmp_path).splitlines()
        assert f"equal to {SOURCE.archive}, md5 {ARCHIVES['cifar10'].md5} as published" in lines[0]
        assert lines[1].startswith("train: 8 samples of 3 × 32 × 32 uint8")
        assert lines[2].startswith("test: 3 samples")

    def test_without(self, cifar10, tmp_path):
        commands.get("cifar10", tmp_path)
        (tmp_path / "cifar10" / SOURCE.archive).unlink()
        lines = commands.check("cifar10", tmp_path).splitlines()
        assert "checksum unknown" in lines[0]
        assert lines[1].startswith("train: 8 samples")

    def test_a_pixel_that_differs(self, cifar10, tmp_path, refused):
        commands.get("cifar10", tmp_path)
        path = unpacked(tmp_path) / "test.bin"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        with refused(path, f"not as in {SOURCE.archive}", "nsnn data get cifar10"):
            commands.check("cifar10", tmp_path)

    def test_another_archive(self, cifar10, tmp_path, refused):
        commands.get("cifar10", tmp_path)
        path = tmp_path / "cifar10" / SOURCE.archive
        path.write_bytes(b"other")
        with refused(path, "expected md5", "nsnn data get cifar10"):
            commands.check("cifar10", tmp_path)

    def test_a_damaged_file_without_the_archive(self, cifar10, tmp_path, refused):
        commands.get("cifar10", tmp_path)
        (tmp_path / "cifar10" / SOURCE.archive).unlink()
        path = unpacked(tmp_path) / "test.bin"
        path.write_bytes(path.read_bytes()[:-1])
        with refused(path, "expected 9219 bytes", "nsnn data get cifar10"):
            commands.check("cifar10", tmp_path)
