"""Tiny-ImageNet's folders, in small: decoding, labels, the cache, damage."""

import os
import shutil

import numpy as np
import pytest
from matplotlib.image import imsave

from nsnn.data import load, tiny_imagenet

SIZES = tiny_imagenet.Sizes(classes=3, train_per_class=4, test=5, side=16)
WNIDS = ["n03", "n01", "n02"]  # labels 0, 1, 2: the order of the file, not of the names
TEST_LABELS = [2, 0, 1, 1, 0]


def colour(purpose, number):
    """A colour that tells which image it is."""
    return np.array([20 + 40 * number, 250 if purpose == "train" else 60, 30], dtype=np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    imsave(path, pixels, format="jpeg", pil_kwargs={"quality": 95, "subsampling": 0})


def flat(value):
    return np.broadcast_to(value, (SIZES.side, SIZES.side, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(tiny_imagenet, "OFFICIAL", SIZES)


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
    """Paths of the images that have been decoded."""
    paths, read = [], tiny_imagenet.read_image

    def note(path):
        paths.append(path)
        return read(path)

    monkeypatch.setattr(tiny_imagenet, "read_image", note)
    return paths


def same(first, second):
    return all(
        np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels)
        for a, b in zip(first, second, strict=True)
    )


def test_images_and_labels(folder):
    train, test = tiny_imagenet.read_splits(folder)
    assert train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert test.labels.tolist() == TEST_LABELS
    for purpose, split in (("train", train), ("val", test)):
        assert split.images.shape == (len(split), 3, 16, 16)
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int64)
        for image, label in zip(split.images, split.labels, strict=True):
            expected = colour(purpose, label)[:, None, None]
            assert np.abs(image.astype(int) - expected).max() <= 4  # what JPEG loses


def test_the_order_is_not_that_of_the_disk(folder, decoded, monkeypatch):
    real = os.listdir
    monkeypatch.setattr(tiny_imagenet.os, "listdir", lambda path: sorted(real(path))[::-1])
    tiny_imagenet.read_splits(folder)
    names = [path.name for path in decoded]
    assert names[:4] == [f"n03_{i}.JPEG" for i in range(4)]


def test_rows_columns_and_channels_keep_their_places(tmp_path):
    y, x = np.mgrid[:16, :16]
    pixels = np.stack([10 * y, 10 * x, np.full_like(x, 90)], axis=2).astype(np.uint8)
    save(tmp_path / "a.JPEG", pixels)
    image = tiny_imagenet.read_image(tmp_path / "a.JPEG")
    assert np.abs(image.astype(int) - pixels.transpose(2, 0, 1)).max() < 10


def test_grey_and_cmyk_images(folder):
    from PIL import Image

    ramp = np.repeat(np.arange(0, 160, 10, dtype=np.uint8)[:, None], 16, axis=1)
    path = folder / "grey.JPEG"
    Image.fromarray(ramp).save(path, quality=95)
    grey = tiny_imagenet.read_image(path)
    assert np.abs(grey.astype(int) - ramp).max() <= 4
    assert np.array_equal(grey[0], grey[2])
    Image.fromarray(np.stack([ramp] * 3, axis=2)).convert("CMYK").save(path, quality=95)
    assert np.abs(tiny_imagenet.read_image(path).astype(int) - ramp).max() <= 8


@pytest.mark.parametrize("place", ["", "tiny-imagenet-200", "tiny-imagenet"])
def test_where_the_folder_may_lie(folder, place):
    folder.rename(target := folder.parent / (place or "mine"))
    where = target if not place else folder.parent
    assert tiny_imagenet.find(where)[0].parent == target


def test_the_registry(folder):
    data = load("tiny-imagenet", folder, validation=0.25)
    assert (data.shape, data.classes, data.time_steps) == ((3, 16, 16), 200, None)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [9, 3, 5]


class TestCache:
    def test_decoded_once_then_read(self, folder, decoded, cache):
        first = tiny_imagenet.read_splits(folder)
        assert len(decoded) == 17
        assert same(first, tiny_imagenet.read_splits(folder))
        assert len(decoded) == 17
        (file,) = (cache / "tiny-imagenet").iterdir()
        assert file.match("decoded-*.npz")

    @pytest.mark.parametrize("change", ["time", "size", "name"])
    def test_a_file_that_changes_makes_it_stale(self, folder, decoded, change):
        tiny_imagenet.read_splits(folder)
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
        tiny_imagenet.read_splits(folder)
        assert len(decoded) == 34

    def test_a_damaged_cache_is_made_again(self, folder, decoded, cache):
        first = tiny_imagenet.read_splits(folder)
        (file,) = (cache / "tiny-imagenet").iterdir()
        file.write_bytes(file.read_bytes()[:1000])
        for _ in range(2):
            assert same(first, tiny_imagenet.read_splits(folder))
        assert len(decoded) == 34

    def test_one_that_cannot_be_written_is_said(self, folder, decoded, tmp_path, monkeypatch):
        (tmp_path / "file").write_bytes(b"")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        for _ in range(2):
            with pytest.warns(RuntimeWarning, match="decodes them again"):
                tiny_imagenet.read_splits(folder)
        assert len(decoded) == 34

    def test_no_home_does_no_harm(self, folder, monkeypatch):
        monkeypatch.setattr(tiny_imagenet, "user_cache", lambda name: None)
        assert len(tiny_imagenet.read_splits(folder)[1]) == 5


class TestRefused:
    def refuse(self, refused, *parts):
        return refused(*parts, "nsnn data get tiny-imagenet", "get_tiny_imagenet.py")

    def test_nothing(self, tmp_path, refused):
        with self.refuse(refused, "wnids.txt not found", tmp_path):
            tiny_imagenet.read_splits(tmp_path)

    def test_no_annotations(self, folder, refused):
        (folder / "val" / "val_annotations.txt").unlink()
        with self.refuse(refused, folder, "has no val/val_annotations.txt"):
            tiny_imagenet.read_splits(folder)

    @pytest.mark.parametrize(
        "content", [b"n03\nn01\n", b"n03\nn01\nn02\nn04\n", b"n03\nn01\nn01\n", b"n03\nn01\n\xff\n"]
    )
    def test_class_list(self, folder, content, refused):
        (folder / "wnids.txt").write_bytes(content)
        with self.refuse(refused, folder / "wnids.txt"):
            tiny_imagenet.read_splits(folder)

    def test_missing_class(self, folder, refused):
        shutil.rmtree(folder / "train" / "n01")
        with self.refuse(refused, folder / "train" / "n01", "wnids.txt lists n01"):
            tiny_imagenet.read_splits(folder)

    def test_missing_training_image(self, folder, refused):
        (folder / "train" / "n02" / "images" / "n02_1.JPEG").unlink()
        with self.refuse(refused, folder / "train" / "n02", "expected 4", "found 3"):
            tiny_imagenet.read_splits(folder)

    def test_missing_test_image(self, folder, refused):
        path = folder / "val" / "images" / "val_3.JPEG"
        path.unlink()
        with self.refuse(refused, path, "cannot be read"):
            tiny_imagenet.read_splits(folder)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("val_2.JPEG\tn09\t0\t0\t9\t9", "n09"),
            ("val_1.JPEG\tn01\t0\t0\t9\t9", "not named before"),
            ("../a.JPEG\tn01\t0\t0\t9\t9", "../a.JPEG"),
            ("val_2.JPEG", "val_2.JPEG"),
            ("", "line 3"),
        ],
    )
    def test_annotations(self, folder, line, message, refused):
        path = folder / "val" / "val_annotations.txt"
        lines = path.read_text().splitlines()
        lines[2] = line
        path.write_text("\n".join(lines))
        with self.refuse(refused, path, "line 3", message):
            tiny_imagenet.read_splits(folder)

    @pytest.mark.parametrize("name", ["wnids.txt", "val/val_annotations.txt"])
    def test_zero_bytes_in_a_text_file(self, folder, name, refused):
        path = folder / name
        path.write_bytes(b"\0" + path.read_bytes()[1:])
        with self.refuse(refused, path, "not a text file"):
            tiny_imagenet.read_splits(folder)

    def test_too_few_annotations(self, folder, refused):
        path = folder / "val" / "val_annotations.txt"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
        with self.refuse(refused, path, "expected 5 lines", "found 4"):
            tiny_imagenet.read_splits(folder)

    @pytest.mark.parametrize("change", [lambda c: b"", lambda c: c[: len(c) // 2], lambda c: b"x"])
    def test_damaged_image(self, folder, change, cache, refused):
        path = folder / "train" / "n01" / "images" / "n01_2.JPEG"
        path.write_bytes(change(path.read_bytes()))
        with self.refuse(refused, path, "cannot be read as an image"):
            tiny_imagenet.read_splits(folder)
        assert not (cache / "tiny-imagenet").exists()

    def test_an_image_of_another_size(self, folder, refused):
        path = folder / "val" / "images" / "val_3.JPEG"
        save(path, np.zeros((16, 15, 3), dtype=np.uint8))
        with self.refuse(refused, path, "expected 16 × 16", "(16, 15, 3)"):
            tiny_imagenet.read_splits(folder)

    def test_an_image_of_another_format(self, folder, refused):
        path = folder / "val" / "images" / "val_3.JPEG"
        imsave(path, flat([1, 2, 3]), format="png")
        with self.refuse(refused, path, "float32"):
            tiny_imagenet.read_splits(folder)

    def test_decoders_that_fail_in_their_own_way(self, folder, monkeypatch, refused):
        def fail(file):
            raise IndexError("index out of range\nand more")

        monkeypatch.setattr("matplotlib.image.imread", fail)
        path = folder / "val" / "images" / "val_3.JPEG"
        with self.refuse(refused, path, "(index out of range)"):
            tiny_imagenet.read_image(path)


def test_the_official_sizes(monkeypatch):
    monkeypatch.undo()
    assert tiny_imagenet.OFFICIAL == (200, 500, 10_000, 64)
