"""The user's own .npz file."""

import warnings

import numpy as np
import pytest

from nsnn.data import Split, Splits
from nsnn.data.arrays import ARRAYS, REQUIRED
from nsnn.data.source import DataSource

kept = DataSource(name="mine", description="for these tests").kept


def make(n=12, shape=(6, 5), dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    content = {}
    scale = 255 if np.dtype(dtype).kind == "f" else 1
    for purpose in ("train", "test"):
        images = rng.integers(0, 256, size=(n, *shape)) / scale
        content[f"{purpose}_images"] = images.astype(dtype)
        content[f"{purpose}_labels"] = np.arange(n) % 3
    return content


@pytest.fixture
def write(tmp_path):
    def write(content=None, name="mine.npz", **changes):
        content = {**(make() if content is None else content), **changes}
        path = tmp_path / name
        np.savez(path, **{k: v for k, v in content.items() if v is not None})
        return path

    return write


@pytest.mark.parametrize(("shape", "dtype", "stored"), [
    ((6, 5), np.uint8, np.uint8),
    ((3, 6, 5), np.uint8, np.uint8),
    ((6, 5), np.float64, np.float32),
    ((3, 6, 5), np.float32, np.float32),
    ((4, 2, 6, 5), np.uint8, np.uint8),
    ((4, 2, 6, 5), np.int64, np.uint8),
])  # fmt: skip
def test_what_is_read(write, shape, dtype, stored):
    content = make(shape=shape, dtype=dtype)
    fortran = np.asfortranarray(content["train_images"])
    train, test, validation = ARRAYS.read(write(content, train_images=fortran))
    expected = content["train_images"].astype(stored)
    assert np.array_equal(train.images.reshape(expected.shape), expected)
    assert train.images.shape == ((12, 1, 6, 5) if len(shape) == 2 else (12, *shape))
    assert train.images.dtype == test.images.dtype == stored
    assert train.images.flags.c_contiguous
    assert train.labels.dtype == np.int64
    assert validation is None


class TestKept:
    """What data sets keep in the cache."""

    @pytest.fixture
    def make(self):
        """Makes the same splits each time and counts how often."""
        content = make()
        split = Split(content["train_images"][:, None], content["train_labels"])

        def make_one():
            make_one.times += 1
            return Splits(split, split.take(slice(5)))

        make_one.times = 0
        return make_one

    def test_made_once_then_read_until_damaged(self, make, cache, same):
        first = kept("a.npz", make)
        assert same(first, kept("a.npz", make))
        assert make.times == 1
        path = cache / "mine" / "a.npz"
        path.write_bytes(path.read_bytes()[:200])
        for _ in range(2):
            assert same(first, kept("a.npz", make))
        assert make.times == 2

    @pytest.mark.parametrize("warning", ["", "decodes them again"])
    @pytest.mark.parametrize("place", ["no home", "a file", "a full disk"])
    def test_without_a_file_all_is_made_anew(
        self, make, cache, same, full_disk, request, place, warning
    ):
        if place == "no home":
            request.getfixturevalue("no_home")
        elif place == "a file":
            cache.parent.write_bytes(b"")
        with full_disk(), warnings.catch_warnings(record=True, action="always") as caught:
            first, second = (kept("a.npz", make, warning) for _ in range(2))
        assert same(first, second)
        assert make.times == 2
        said = [str(each.message).startswith(warning) for each in caught]
        assert said == ([True] * 2 if warning and place != "no home" else [])
        assert not [path for path in cache.rglob("*") if path.is_file()]


def test_own_validation_split(write):
    extra = make(n=6)
    path = write(validation_images=extra["test_images"], validation_labels=extra["test_labels"])
    assert len(ARRAYS.read(path)[2]) == 6


def test_a_folder_holds_one_file(write, tmp_path, monkeypatch, refused):
    with refused("no such file or folder"):
        ARRAYS.find(tmp_path / "nowhere")
    with refused(tmp_path, ".npz file not found", "train_images"):
        ARRAYS.find(tmp_path)
    path = write()
    assert ARRAYS.find(tmp_path) == [path]
    monkeypatch.setenv("NSNN_DATA", str(tmp_path))
    assert ARRAYS.find() == [path]
    write(name="other.npz")
    with refused(tmp_path, "2 .npz files", "mine.npz, other.npz"):
        ARRAYS.find(tmp_path)


LABELS = np.arange(12) % 3


def changed(value, place=(3, 2, 1), **options):
    """Training images of which one pixel is `value`."""
    images = make(**options)["train_images"]
    images[place] = value
    return images


class TestRefused:
    @pytest.mark.parametrize(("changes", "message"), [
        *(({name: None}, f"no array {name}") for name in REQUIRED),
        ({"validation_labels": LABELS}, "no array validation_images"),
        ({"valid_images": LABELS}, "unknown array valid_images"),
        *(({"train_images": np.zeros(shape, np.uint8)}, f"train_images has shape {shape}")
          for shape in ((12,), (12, 30), (12, 1, 1, 1, 6, 5), (0, 6, 5), (12, 0, 5))),
        *(({"train_labels": x}, f"train_labels has shape {x.shape} and type {x.dtype}")
          for x in (LABELS[:11], np.eye(12), LABELS * 1.0)),
        *(({"train_labels": x}, "expected each of 0 … K − 1")
          for x in (LABELS + 1, LABELS * 2, LABELS * 0, np.arange(12) - 1)),
        *(({"test_labels": np.where(np.arange(12) == 4, label, LABELS)}, wrong)
          for label, wrong in ((-1, "labels from -1 to 2"), (3, "labels from 0 to 3"))),
        *(({"train_images": changed(x, dtype=np.float32)}, "uint8 or float in [0, 1]")
          for x in (np.nan, np.inf, -np.inf, -0.1, 1.5)),
        ({"train_images": changed(1.5, dtype=np.float32)}, "to 1.5"),
        *(({"train_images": np.ones((12, 6, 5), x)}, f"type {np.dtype(x)}")
          for x in (np.int64, np.int8, bool)),
        ({"test_images": np.zeros((12, 5, 6), np.uint8)}, "(1, 5, 6) uint8, train_images (1,"),
        ({"test_images": np.zeros((12, 6, 5), np.float32)}, "(1, 6, 5) float32, train_images"),
    ])  # fmt: skip
    def test_what_is_not_as_it_should_be(self, write, changes, message, refused):
        path = write(**changes)
        with refused(path, message, next(iter(changes))):
            ARRAYS.read(path)

    @pytest.mark.parametrize(("value", "dtype", "message"), [
        (-1, int, "from -1 to"), (256, int, "to 256"), (0.5, np.float32, "type float32"),
    ])  # fmt: skip
    def test_events_that_are_no_counts(self, write, value, dtype, message, refused):
        options = {"shape": (4, 2, 6, 5), "dtype": dtype}
        content = make(**options)
        content["train_images"] = changed(value, (1, 2, 1, 3, 3), **options)
        path = write(content)
        with refused(path, "train_images", message, "0 to 255 for events"):
            ARRAYS.read(path)

    def test_python_objects_are_never_unpickled(self, write, refused):
        class Trap:
            def __reduce__(self):
                return pytest.fail, ("unpickled",)

        images = np.empty(12, dtype=object)
        images[:] = [Trap() for _ in range(12)]
        path = write(train_images=images)
        with refused(path, "Object arrays cannot be loaded"):
            ARRAYS.read(path)

    def test_a_folder_with_the_name_of_a_file(self, tmp_path, refused):
        path = tmp_path / "mine.npz"
        path.mkdir()
        with refused(path, "cannot be read"):
            ARRAYS.read(tmp_path)

    @pytest.mark.parametrize("change", [lambda c: b"not a zip", lambda c: c[:-200]])
    def test_a_file_that_is_damaged(self, write, change, refused):
        path = write()
        path.write_bytes(change(path.read_bytes()))
        with refused(path, "damaged, or no .npz file", "np.savez"):
            ARRAYS.read(path)
