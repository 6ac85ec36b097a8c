"""Tiny-ImageNet's folders, in small: decoding, labels, the cache, damage."""

import io
import os
import shutil
from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest
from matplotlib.image import imsave

from nsnn.data.tiny_imagenet import TINY_IMAGENET

SMALL = replace(TINY_IMAGENET, shape=(3, 16, 16), sizes=(12, 5), classes=3)
WNIDS = ["n03", "n01", "n02"]  # labels 0, 1, 2: the order of the file, not of the names
TEST_LABELS = [2, 0, 1, 1, 0]


def colour(purpose, number):
    """A colour that tells which image it is."""
    return np.array([20 + 40 * number, 250 if purpose == "train" else 60, 30], dtype=np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    imsave(path, pixels, format="jpeg", pil_kwargs={"quality": 95, "subsampling": 0})


def flat(value):
    return np.broadcast_to(value, (16, 16, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The official layout, written once."""
    folder = tmp_path_factory.mktemp("tiny") / "tiny-imagenet-200"
    for label, wnid in enumerate(WNIDS):
        for i in range(4):
            path = folder / "train" / wnid / "images" / f"{wnid}_{i}.JPEG"
            save(path, flat(colour("train", label)))
        (folder / "train" / wnid / f"{wnid}_boxes.txt").write_text("boxes\n")
    for i, label in enumerate(TEST_LABELS):
        save(folder / "val" / "images" / f"val_{i}.JPEG", flat(colour("val", label)))
    (folder / "wnids.txt").write_text("".join(f"{wnid}\n" for wnid in WNIDS))
    lines = [f"val_{i}.JPEG\t{WNIDS[y]}\t0\t0\t9\t9\n" for i, y in enumerate(TEST_LABELS)]
    (folder / "val" / "val_annotations.txt").write_text("".join(lines))
    return folder


@pytest.fixture
def folder(written, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(written, tmp_path / "data" / "tiny-imagenet-200")


@pytest.fixture
def decoded(monkeypatch):
    """Names of the images that have been decoded."""
    names, imread = [], matplotlib.image.imread

    def note(file):
        names.append(os.path.basename(file.name))
        return imread(file)

    monkeypatch.setattr(matplotlib.image, "imread", note)
    return names


def test_images_and_labels(folder):
    train, test, _ = SMALL.read(folder)
    assert train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert test.labels.tolist() == TEST_LABELS
    for purpose, split in (("train", train), ("val", test)):
        assert split.images.shape == (len(split), 3, 16, 16)
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        for image, label in zip(split.images, split.labels, strict=True):
            expected = colour(purpose, label)[:, None, None]
            assert np.abs(image.astype(int) - expected).max() <= 4  # what JPEG loses


def test_the_order_is_that_of_the_names(folder, decoded):
    path = folder / "train" / "n03" / "images" / "n03_0.JPEG"
    path.write_bytes(path.rename(path.with_name("later")).read_bytes())
    SMALL.read(folder)
    assert decoded[:4] == [f"n03_{i}.JPEG" for i in range(4)]


@pytest.fixture
def first(folder):
    """The first image in place of another file: what is read of it, as int (3, 16, 16)."""

    def first(write):
        write(folder / "train" / "n03" / "images" / "n03_0.JPEG")
        return SMALL.read(folder).train.images[0].astype(int)

    return first


def test_channels_keep_their_places_also_of_grey_and_cmyk_images(first):
    from PIL import Image

    y, x = np.mgrid[:16, :16]
    pixels = np.stack([10 * y, 10 * x, np.full_like(x, 90)], axis=2).astype(np.uint8)
    image = first(lambda path: save(path, pixels))
    assert np.abs(image - pixels.transpose(2, 0, 1)).max() < 10
    ramp = pixels[:, :, 0]
    grey = first(lambda path: Image.fromarray(ramp).save(path, quality=95))
    assert np.abs(grey - ramp).max() <= 4
    assert np.array_equal(grey[0], grey[2])
    cmyk = Image.fromarray(np.stack([ramp] * 3, axis=2)).convert("CMYK")
    assert np.abs(first(lambda path: cmyk.save(path, quality=95)) - ramp).max() <= 8


@pytest.mark.parametrize("change", ["time", "size", "name"])
def test_a_file_that_changes_makes_the_cache_stale(folder, decoded, cache, same, change):
    assert same(SMALL.read(folder), SMALL.read(folder))
    assert len(decoded) == 17
    (file,) = (cache / "tiny-imagenet").iterdir()
    assert file.match("decoded-*.npz")
    path = folder / "train" / "n01" / "images" / "n01_3.JPEG"
    before = path.stat()
    if change == "time":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
    elif change == "name":
        path.rename(path.with_name("n01_9.JPEG"))
    else:
        save(path, np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8))
        assert path.stat().st_size != before.st_size
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    SMALL.read(folder)
    assert len(decoded) == 34


def drawn(form, width):
    """What changes a file into a picture of another kind or size."""

    def change(content):
        buffer = io.BytesIO()
        imsave(buffer, np.zeros((16, width, 3), dtype=np.uint8), format=form)
        return buffer.getvalue()

    return change


def third_line(line):
    def change(content):
        lines = content.split(b"\n")
        return b"\n".join([*lines[:2], line, *lines[3:]])

    return change


WORDS, TEXT = "wnids.txt", "val/val_annotations.txt"
TRAIN_IMAGE, TEST_IMAGE = "train/n01/images/n01_2.JPEG", "val/images/val_3.JPEG"


@pytest.mark.parametrize(("name", "change", "message"), [
    (WORDS, None, "has no wnids.txt"),
    (WORDS, lambda c: b"n03\nn01\n", "expected 3 different classes, found 2"),
    (WORDS, lambda c: c + b"n04\n", "expected 3 different classes, found 4"),
    (WORDS, lambda c: b"n03\nn01\nn01\n", "found 2 in 3 lines"),
    (WORDS, lambda c: b"n03\nn01\n\xff\n", "\ufffd/images: expected 4 .JPEG files, found 0"),
    (WORDS, lambda c: b"\0" + c[1:], "\ufffd03/images: expected 4 .JPEG files, found 0"),
    (WORDS, lambda c: b"n03\nn01\nn09\n", "n09/images: expected 4 .JPEG files, found 0"),
    (TEXT, None, "has no val/val_annotations.txt"),
    (TEXT, lambda c: c[: c.rindex(b"val_4")], "expected 5 lines, found 4"),
    (TEXT, third_line(b"val_2.JPEG\tn09\t0\t0\t9\t9"), "n09"),
    (TEXT, third_line(b"val_1.JPEG\tn01\t0\t0\t9\t9"), "not named before"),
    (TEXT, third_line(b"../a.JPEG\tn01\t0\t0\t9\t9"), "../a.JPEG"),
    (TEXT, third_line(b"val_2.JPEG"), "found 'val_2.JPEG'"),
    (TEXT, third_line(b""), "line 3"),
    (TRAIN_IMAGE, None, "expected 4 .JPEG files, found 3"),
    (TEST_IMAGE, None, "cannot be read"),
    *((TRAIN_IMAGE, change, "cannot be read as an image")
      for change in (lambda c: b"", lambda c: c[: len(c) // 2], lambda c: b"x")),
    (TEST_IMAGE, drawn("jpeg", 15),
     "expected 16 × 16 pixels, grey or RGB of 8 bits, found (16, 15, 3)"),
    (TEST_IMAGE, drawn("png", 16), "float32"),
])  # fmt: skip
def test_what_is_refused(folder, name, change, message, cache, refused):
    path = folder / name
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    where = path if change and "images:" not in message else folder
    with refused(where, message, "nsnn data get tiny-imagenet"):
        SMALL.read(folder)
    assert not (cache / "tiny-imagenet").exists()
