"""The IDX reader: what it reads and what it refuses."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from nsnn.data import idx
from nsnn.data.sources import IMAGES, LABELS, SOURCES

HOW = "run `nsnn data get mnist`"
ARRAY = np.random.default_rng(0).integers(0, 256, size=(4, 3, 2)).astype(np.uint8)


@pytest.fixture
def write(tmp_path, as_idx):
    """Write an IDX file after changing its bytes."""

    def write(change=lambda content: content, array=ARRAY, name="images"):
        path = tmp_path / name
        path.write_bytes(change(as_idx(array)))
        return path

    return write


@pytest.mark.parametrize("name", ["images", "images.gz"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_plain_and_compressed_under_either_name(write, compress, name):
    array = idx.read_idx(write(compress, name=name), IMAGES, HOW)
    assert array.dtype == np.uint8
    assert np.array_equal(array, ARRAY)
    assert array.flags.writeable


def test_labels(write):
    labels = np.arange(9, dtype=np.uint8)
    assert np.array_equal(idx.read_idx(write(array=labels), LABELS, HOW), labels)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
class TestDamage:
    def test_wrong_magic(self, write, compress, refused):
        path = write(lambda c: compress(struct.pack(">I", 2049) + c[4:]))
        with refused(path, "magic number 2051", "found 2049", HOW):
            idx.read_idx(path, IMAGES, HOW)

    def test_truncated(self, write, compress, refused):
        path = write(lambda c: compress(c[:-5]))
        with refused(path, "expected 24 bytes", "4 × 3 × 2", "only 19", HOW):
            idx.read_idx(path, IMAGES, HOW)

    def test_trailing_bytes(self, write, compress, refused):
        path = write(lambda c: compress(c + b"x"))
        with refused(path, "expected 24 bytes", "found more", HOW):
            idx.read_idx(path, IMAGES, HOW)

    def test_images_without_pixels(self, write, compress, refused):
        path = write(lambda c: compress(c[:4] + struct.pack(">3I", 4, 0, 2)))
        with refused(path, "found 0 × 2 pixels", HOW):
            idx.read_idx(path, IMAGES, HOW)

    def test_header_only_begun(self, write, compress, refused):
        path = write(lambda c: compress(c[:7]))
        with refused(path, "header of 16 bytes", "found 7", HOW):
            idx.read_idx(path, IMAGES, HOW)

    def test_sizes_beyond_memory(self, write, compress, refused):
        huge = 2**32 - 1
        path = write(lambda c: compress(c[:4] + struct.pack(">3I", huge, huge, huge) + c[16:]))
        with refused(path, f"expected {huge**3} bytes", "only 24", HOW):
            idx.read_idx(path, IMAGES, HOW)


def test_empty_file(write, refused):
    path = write(lambda c: b"")
    with refused(path, "found 0", HOW):
        idx.read_idx(path, IMAGES, HOW)


def test_gzip_cut_short(write, refused):
    path = write(lambda c: gzip.compress(c)[:-9])
    with refused(path, "damaged gzip", HOW):
        idx.read_idx(path, IMAGES, HOW)


def test_gzip_with_wrong_checksum(write, refused):
    def flip(content):
        content = bytearray(gzip.compress(content))
        content[-8] ^= 1
        return bytes(content)

    path = write(flip)
    with refused(path, "damaged gzip", HOW):
        idx.read_idx(path, IMAGES, HOW)


def test_gzip_with_damaged_stream(write, refused):
    path = write(lambda c: gzip.compress(c)[:10] + b"\xff" * 30)
    with refused(path, "damaged gzip", HOW):
        idx.read_idx(path, IMAGES, HOW)


def test_a_folder_in_place_of_a_file(tmp_path, refused):
    with refused(tmp_path, "cannot be read"):
        idx.read_idx(tmp_path, IMAGES, HOW)


def test_splits(idx_folder):
    train, test = idx.read_splits("mnist", idx_folder)
    assert train.images.shape == (30, 1, 6, 5)
    assert test.images.shape == (20, 1, 6, 5)
    assert train.images.dtype == np.uint8
    assert train.labels.dtype == np.int64
    assert np.array_equal(test.labels, np.arange(20) % 10)


@pytest.mark.parametrize("file", SOURCES["mnist"].files)
def test_a_missing_file_is_named(idx_folder, file, refused):
    (idx_folder / file.name).unlink()
    with refused(idx_folder, f"no {file.name}", "nsnn data get mnist"):
        idx.read_splits("mnist", idx_folder)


def test_counts_that_disagree(idx_folder, as_idx, refused):
    path = idx_folder / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(as_idx(np.arange(19) % 10))
    with refused(path, "19 labels", "20 images"):
        idx.read_splits("mnist", idx_folder)


def test_no_images_at_all(idx_folder, as_idx, refused):
    (idx_folder / "t10k-images-idx3-ubyte.gz").write_bytes(as_idx(np.zeros((0, 6, 5))))
    (idx_folder / "t10k-labels-idx1-ubyte.gz").write_bytes(as_idx(np.zeros(0)))
    with refused("0 labels", "0 images"):
        idx.read_splits("mnist", idx_folder)


def test_image_sizes_that_disagree(idx_folder, as_idx, refused):
    path = idx_folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(as_idx(np.zeros((20, 5, 5))))
    with refused(path, "(6, 5)", "(5, 5)"):
        idx.read_splits("mnist", idx_folder)


def test_a_label_that_does_not_exist(idx_folder, as_idx, refused):
    path = idx_folder / "train-labels-idx1-ubyte.gz"
    path.write_bytes(as_idx(np.full(30, 10)))
    with refused(path, "labels 0 to 9", "found 10"):
        idx.read_splits("mnist", idx_folder)


def test_files_of_the_other_set_are_refused(idx_folder, monkeypatch, refused):
    source = SOURCES["fashion-mnist"]
    path = idx_folder / source.files[1].name
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    files = list(source.files)
    files[1] = files[1]._replace(md5=digest)
    monkeypatch.setitem(SOURCES, "fashion-mnist", source._replace(files=tuple(files)))
    with refused(path, "belongs to fashion-mnist, not to mnist"):
        idx.read_splits("mnist", idx_folder)
    assert len(idx.read_splits("fashion-mnist", idx_folder)[0]) == 30


def test_real_mnist(real_data):
    train, test = idx.read_splits("mnist", real_data)
    assert train.images.shape == (60000, 1, 28, 28)
    assert test.images.shape == (10000, 1, 28, 28)
    # Counts of the digits 0 … 9 in the official files.
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(train.labels).tolist() == counts
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
