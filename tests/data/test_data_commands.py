"""What `nsnn data list | get | check` print and refuse."""

import gzip
import hashlib

import numpy as np
import pytest

from nsnn.data import commands
from nsnn.data.sources import SOURCES
from nsnn.errors import RunError


@pytest.fixture
def known(idx_folder, monkeypatch):
    """The small IDX files, with their checksums as the published ones."""

    def digest(content):
        return hashlib.md5(content, usedforsecurity=False).hexdigest()

    files = []
    for file in SOURCES["mnist"].files:
        content = (idx_folder / file.name).read_bytes()
        plain = digest(gzip.decompress(content))
        files.append(file._replace(md5=digest(content), content_md5=plain))
    monkeypatch.setitem(SOURCES, "mnist", SOURCES["mnist"]._replace(files=tuple(files)))
    return idx_folder


def row(name):
    return next(line for line in commands.list_datasets().splitlines() if line.startswith(name))


def test_list_without_data():
    table = commands.list_datasets().splitlines()
    assert len(table) == 8
    assert "60,000 + 10,000" in row("mnist")
    assert "not here: run `nsnn data get fashion-mnist`" in row("fashion-mnist")
    for name in ("cifar10", "cifar100", "tiny-imagenet"):
        assert f"not here: run `nsnn data get {name}`" in row(name)
    assert "train_images" in row("arrays")
    assert "drawn at first use" in row("glyphs")


def test_list_with_data(idx_folder, monkeypatch, small_glyphs):
    monkeypatch.setenv("NSNN_DATA", str(idx_folder))
    path = commands.get("glyphs")
    assert row("mnist").endswith(str(idx_folder))
    assert row("glyphs").endswith(str(path))


def test_get_glyphs(tmp_path, cache, small_glyphs):
    assert commands.get("glyphs").parent == cache / "glyphs"
    assert commands.get("glyphs", tmp_path / "here").parent == tmp_path / "here" / "glyphs"


def test_get_glyphs_where_nothing_can_be_written(tmp_path, small_glyphs, refused):
    (tmp_path / "file").write_bytes(b"")
    with refused("cannot write", tmp_path / "file", "--dir", error=RunError):
        commands.get("glyphs", tmp_path / "file")


def test_get_arrays_is_refused(refused):
    with refused("arrays", "nothing to download", ".npz"):
        commands.get("arrays")


@pytest.mark.parametrize("command", [commands.get, commands.check])
def test_unknown_names(command, refused):
    with refused("minst", "the nearest is mnist"):
        command("minst")


def test_check_official_files(known):
    lines = commands.check("mnist", known).splitlines()
    assert len(lines) == 6
    assert all("as published" in line for line in lines[:4])
    assert lines[4] == "train: 30 samples of 1 × 6 × 5 uint8, 10 classes of 3 to 3"
    assert lines[5].startswith("test: 20 samples")


def test_check_plain_files(known):
    for file in SOURCES["mnist"].files:
        path = known / file.name
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert commands.check("mnist", known).count("as published") == 4


def test_check_says_when_there_is_no_checksum(known, monkeypatch):
    files = tuple(file._replace(content_md5=None) for file in SOURCES["mnist"].files)
    monkeypatch.setitem(SOURCES, "mnist", SOURCES["mnist"]._replace(files=files))
    path = known / files[0].name
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    path.unlink()
    assert "checksum unknown" in commands.check("mnist", known).splitlines()[0]


@pytest.mark.parametrize("number", range(4))
def test_check_finds_another_checksum(known, number, refused):
    path = known / SOURCES["mnist"].files[number].name
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content, mtime=1))
    with refused(path, "expected md5", "nsnn data get mnist"):
        commands.check("mnist", known)


def test_check_missing_data(refused):
    with refused("mnist", "not found", "nsnn data get mnist"):
        commands.check("mnist")


def test_check_glyphs(small_glyphs):
    assert "not cached" in commands.check("glyphs")
    assert "equal to newly drawn" in commands.check("glyphs")


def test_check_glyphs_that_differ(small_glyphs, refused):
    path = commands.get("glyphs")
    with np.load(path) as file:
        content = dict(file)
    content["train_images"][0, 0, 0, 0] ^= 1
    np.savez(path, **content)
    with refused(path, "differs", "nsnn data get glyphs"):
        commands.check("glyphs")


def test_check_glyphs_that_are_damaged(small_glyphs, refused):
    path = commands.get("glyphs")
    path.write_bytes(b"damaged")
    with refused(path, "nsnn data get glyphs"):
        commands.check("glyphs")


def test_check_arrays(tmp_path, small_glyphs):
    path = commands.get("glyphs", tmp_path)
    report = commands.check("arrays", path).splitlines()
    assert report[0].startswith(str(path))
    assert report[-1] == "validation: none"


def test_check_real_mnist(real_data):
    report = commands.check("mnist", real_data)
    assert report.count("as published") == 4
    assert "train: 60,000 samples" in report
