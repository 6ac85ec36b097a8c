"""What `nsnn data get` and `check` say of files that need no unpacking."""

import gzip
from dataclasses import replace

import pytest

from nsnn.data import source
from nsnn.data.idx import MNIST


def test_what_cannot_be_got_or_is_missing_says_so(refused):
    with refused("arrays", "nothing to download", ".npz"):
        source("arrays").get()
    with refused("glyphs", "nothing to download", "drawn at first use"):
        source("glyphs").get()
    with refused("mnist", "not found", "nsnn data get mnist"):
        MNIST.check()


def test_check_official_files(small_mnist, idx_folder):
    lines = small_mnist.check(idx_folder).splitlines()
    assert len(lines) == 6
    assert all("as published" in line for line in lines[:4])
    assert lines[4] == "train: 30 samples of 1 × 6 × 5 uint8, 10 classes of 3 to 3"
    assert lines[5].startswith("test: 20 samples")


def test_check_plain_files(small_mnist, idx_folder):
    for path in list(idx_folder.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert small_mnist.check(idx_folder).count("as published") == 4
    files = tuple(file._replace(content_md5=None) for file in small_mnist.files)
    assert replace(small_mnist, files=files).check(idx_folder).count("checksum unknown") == 4


@pytest.mark.parametrize("number", range(4))
def test_check_finds_another_checksum(small_mnist, idx_folder, number, refused):
    path = idx_folder / small_mnist.files[number].name
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content, mtime=1))
    with refused(path, "expected md5", "nsnn data get mnist"):
        small_mnist.check(idx_folder)


def test_check_glyphs(small_glyphs, cache):
    drawn = small_glyphs.check()
    assert drawn.startswith("train: 40 samples of 1 × 28 × 28 uint8")
    (path,) = (cache / "glyphs").iterdir()
    path.write_bytes(b"damaged")
    assert small_glyphs.check() == drawn  # drawn anew
