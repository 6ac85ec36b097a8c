"""MNIST and Fashion-MNIST from IDX files: what is read and what is refused."""

import gzip
import struct
from dataclasses import replace

import numpy as np
import pytest

from nsnn.data import idx, load
from nsnn.data.idx import FASHION_MNIST, MNIST

HOW = "run `nsnn data get mnist`"
ARRAY = np.random.default_rng(0).integers(0, 256, size=(30, 3, 2)).astype(np.uint8)


@pytest.fixture
def write(idx_folder, as_idx):
    """Write a file of the small data set after changing its bytes."""

    def write(change=lambda content: content, array=ARRAY, number=0):
        path = idx_folder / MNIST.files[number].name
        path.write_bytes(change(as_idx(np.asarray(array))))
        return path

    return write


@pytest.mark.parametrize("suffix", [".gz", ""])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_plain_and_compressed_under_either_name(write, compress, suffix):
    for number, n in ((0, 30), (2, 20)):
        path = write(compress, ARRAY[:n], number)
        path.rename(path.with_suffix(suffix))
    train, test, _ = MNIST.read(path.parent)
    assert np.array_equal(train.images[:, 0], ARRAY)
    assert np.array_equal(test.images[:, 0], ARRAY[:20])
    assert train.images.flags.writeable


HUGE = 2**32 - 1


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize(("change", "message"), [
    (lambda c: struct.pack(">I", 2049) + c[4:], "number 2051 (IDX images), found 2049"),
    (lambda c: c[:-5], "expected 180 bytes after the header (30 × 3 × 2) and"),
    (lambda c: c[:-5], "found 175"),
    (lambda c: c + b"x", "found 181"),
    (lambda c: c[:4] + struct.pack(">3I", 30, 0, 2), "(30 × 0 × 2) and more than 0 pixels"),
    (lambda c: c[:7], "more than 0 pixels, found -9"),
    (lambda c: b"", "number 2051 (IDX images), found 0"),
    (lambda c: c[:4] + struct.pack(">3I", *[HUGE] * 3) + c[16:], f"expected {HUGE**3} bytes"),
])  # fmt: skip
def test_damaged_content(write, compress, change, message, refused):
    path = write(lambda content: compress(change(content)))
    with refused(path, message, HOW):
        MNIST.read(path.parent)


def flip(content):
    content = bytearray(gzip.compress(content))
    content[-8] ^= 1  # of the checksum
    return bytes(content)


@pytest.mark.parametrize(
    "change",
    [lambda c: gzip.compress(c)[:-9], flip, lambda c: gzip.compress(c)[:10] + b"\xff" * 30],
)
@pytest.mark.parametrize("number", range(4))
def test_damaged_compression(write, change, number, refused):
    path = write(change, number=number)
    with refused(path, "damaged gzip", HOW):
        MNIST.read(path.parent)


@pytest.mark.parametrize("file", MNIST.files)
def test_a_file_that_is_missing_or_cannot_be_read_is_named(idx_folder, file, refused):
    path = idx_folder / file.name
    path.unlink()
    with refused(idx_folder, f"no {file.name}", "nsnn data get mnist"):
        MNIST.read(idx_folder)
    path.symlink_to("/proc/self/mem")  # it exists, and reading it fails
    with refused(path, "cannot be read"):
        MNIST.read(idx_folder)


@pytest.mark.parametrize(("number", "array", "parts"), [
    (3, np.arange(19) % 10, ("19 labels", "20 images")),
    (2, np.zeros((20, 5, 5)), ("(6, 5)", "(5, 5)")),
])  # fmt: skip
def test_files_that_disagree(write, number, array, parts, refused):
    path = write(array=array, number=number)
    with refused(path, *parts):
        MNIST.read(path.parent)


def test_no_images_at_all(write, refused):
    write(array=np.zeros((0, 6, 5)), number=2)
    path = write(array=np.zeros(0), number=3)
    with refused("0 labels", "0 images"):
        MNIST.read(path.parent)


def test_files_of_the_other_set_are_refused(idx_folder, small_mnist, monkeypatch, refused):
    path = idx_folder / MNIST.files[1].name
    fashion = replace(FASHION_MNIST, files=small_mnist.files)
    monkeypatch.setattr(idx, "IDX_SETS", (MNIST, fashion))
    with refused(path, "belongs to fashion-mnist, not to mnist"):
        MNIST.read(idx_folder)
    assert len(fashion.read(idx_folder).train) == 30


def test_real_mnist(real_data):
    train, test, _ = MNIST.read(real_data)
    assert train.images.shape == (60000, 1, 28, 28)
    assert test.images.shape == (10000, 1, 28, 28)
    # Counts of the digits 0 … 9 in the official files.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(train.labels).tolist() == counts
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert MNIST.check(real_data).count("as published") == 4
    data = load("mnist", real_data)
    assert data.mean == pytest.approx(0.1307, abs=5e-5)
    assert data.std == pytest.approx(0.3081, abs=5e-5)
