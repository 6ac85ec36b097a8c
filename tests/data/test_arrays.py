"""The user's own .npz file."""

import zipfile

import numpy as np
import pytest

from nsnn.data.arrays import ARRAYS, REQUIRED


def make(n=12, shape=(6, 5), dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    content = {}
    for purpose in ("train", "test"):
        images = rng.integers(0, 256, size=(n, *shape))
        content[f"{purpose}_images"] = (
            images.astype(dtype) if np.dtype(dtype).kind in "iu" else (images / 255).astype(dtype)
        )
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


@pytest.mark.parametrize(
    ("shape", "dtype", "stored"),
    [
        ((6, 5), np.uint8, np.uint8),
        ((3, 6, 5), np.uint8, np.uint8),
        ((6, 5), np.float64, np.float32),
        ((3, 6, 5), np.float32, np.float32),
        ((4, 2, 6, 5), np.uint8, np.uint8),
        ((4, 2, 6, 5), np.int64, np.uint8),
    ],
)
def test_what_is_read(write, shape, dtype, stored):
    content = make(shape=shape, dtype=dtype)
    train, test, validation = ARRAYS.read(write(content))
    expected = content["train_images"].astype(stored)
    assert np.array_equal(train.images.reshape(expected.shape), expected)
    assert train.images.shape == ((12, 1, 6, 5) if len(shape) == 2 else (12, *shape))
    assert train.images.dtype == test.images.dtype == stored
    assert train.images.flags.c_contiguous
    assert train.labels.dtype == np.int64
    assert validation is None


def test_fortran_order_is_undone(write):
    content = make(shape=(3, 6, 5))
    fortran = np.asfortranarray(content["train_images"])
    train, _, _ = ARRAYS.read(write(content, train_images=fortran))
    assert train.images.flags.c_contiguous
    assert np.array_equal(train.images, fortran)


def test_own_validation_split(write):
    extra = make(n=6)
    path = write(validation_images=extra["test_images"], validation_labels=extra["test_labels"])
    assert len(ARRAYS.read(path)[2]) == 6


def test_a_folder_with_one_file(write):
    path = write()
    assert ARRAYS.find(path.parent) == [path]


def test_a_folder_with_two_files(write, refused):
    path = write()
    write(name="other.npz")
    with refused(path.parent, "2 .npz files", "mine.npz, other.npz"):
        ARRAYS.find(path.parent)


def test_a_folder_without(tmp_path, refused):
    with refused(tmp_path, "no .npz file", "train_images"):
        ARRAYS.find(tmp_path)


def test_nowhere(tmp_path, refused):
    with refused("no such folder"):
        ARRAYS.find(tmp_path / "nowhere")


def test_the_environment_variable(write, monkeypatch):
    path = write()
    monkeypatch.setenv("NSNN_DATA", str(path.parent))
    assert ARRAYS.find() == [path]


class TestRefused:
    @pytest.mark.parametrize("name", REQUIRED)
    def test_missing_array(self, write, name, refused):
        path = write(**{name: None})
        with refused(path, f"no array {name}"):
            ARRAYS.read(path)

    def test_half_of_a_validation_split(self, write, refused):
        path = write(validation_labels=np.arange(3))
        with refused(path, "no array validation_images"):
            ARRAYS.read(path)

    def test_unknown_array(self, write, refused):
        path = write(valid_images=np.arange(3))
        with refused(path, "unknown array valid_images", "validation_images"):
            ARRAYS.read(path)

    @pytest.mark.parametrize("shape", [(12,), (12, 30), (12, 1, 1, 1, 6, 5), (0, 6, 5), (12, 0, 5)])
    def test_shape_of_images(self, write, shape, refused):
        path = write(train_images=np.zeros(shape, dtype=np.uint8))
        with refused(path, "train_images", shape, "(n, H, W)"):
            ARRAYS.read(path)

    @pytest.mark.parametrize("labels", [np.arange(11) % 3, np.eye(12), np.arange(12.0) % 3])
    def test_shape_or_type_of_labels(self, write, labels, refused):
        path = write(train_labels=labels)
        with refused(path, "train_labels", labels.shape, labels.dtype, "(12,) whole numbers"):
            ARRAYS.read(path)

    @pytest.mark.parametrize(
        "labels",
        [np.arange(12) % 3 + 1, np.arange(12) % 3 * 2, np.zeros(12, int), np.arange(12) - 1],
    )
    def test_training_labels_that_are_not_a_range(self, write, labels, refused):
        path = write(train_labels=labels)
        with refused(path, "train_labels", "0 … K − 1"):
            ARRAYS.read(path)

    @pytest.mark.parametrize("label", [-1, 3])
    def test_test_labels_that_training_lacks(self, write, label, refused):
        labels = np.arange(12) % 3
        labels[4] = label
        path = write(test_labels=labels)
        with refused(path, "test_labels", label, "0 to 2"):
            ARRAYS.read(path)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_not_a_number(self, write, value, refused):
        content = make(dtype=np.float32)
        content["test_images"][3, 2, 1] = value
        path = write(content)
        with refused(path, "test_images", value, "[0, 1]"):
            ARRAYS.read(path)

    @pytest.mark.parametrize("value", [-0.1, 1.5])
    def test_floats_outside_zero_to_one(self, write, value, refused):
        content = make(dtype=np.float32)
        content["train_images"][3, 2, 1] = value
        path = write(content)
        with refused(path, "train_images", value, "[0, 1]"):
            ARRAYS.read(path)

    @pytest.mark.parametrize("dtype", [np.int64, np.int8, bool])
    def test_type_of_images(self, write, dtype, refused):
        path = write(train_images=np.ones((12, 6, 5), dtype=dtype))
        with refused(path, "train_images", np.dtype(dtype), "uint8"):
            ARRAYS.read(path)

    @pytest.mark.parametrize("value", [-1, 256])
    def test_event_counts_out_of_range(self, write, value, refused):
        content = make(shape=(4, 2, 6, 5), dtype=np.int64)
        content["train_images"][1, 2, 1, 3, 3] = value
        path = write(content)
        with refused(path, "train_images", value, "0 to 255"):
            ARRAYS.read(path)

    def test_events_as_floats(self, write, refused):
        path = write(make(shape=(4, 2, 6, 5), dtype=np.float32))
        with refused(path, "train_images", "float32", "events"):
            ARRAYS.read(path)

    def test_splits_of_two_shapes(self, write, refused):
        path = write(test_images=np.zeros((12, 5, 6), dtype=np.uint8))
        with refused(path, "test_images", "(1, 5, 6)", "(1, 6, 5)"):
            ARRAYS.read(path)

    def test_splits_of_two_types(self, write, refused):
        path = write(test_images=np.zeros((12, 6, 5), dtype=np.float32))
        with refused(path, "test_images", "float32", "uint8"):
            ARRAYS.read(path)

    def test_python_objects_are_never_unpickled(self, write, refused):
        class Trap:
            def __reduce__(self):
                return pytest.fail, ("unpickled",)

        images = np.empty(12, dtype=object)
        images[:] = [Trap() for _ in range(12)]
        path = write(train_images=images)
        with refused(path, "train_images", "Python objects"):
            ARRAYS.read(path)

    def test_not_a_zip(self, tmp_path, refused):
        path = tmp_path / "mine.npz"
        path.write_bytes(b"not a zip")
        with refused(path, "not an .npz"):
            ARRAYS.read(path)

    def test_a_folder_with_the_name_of_a_file(self, tmp_path, refused):
        path = tmp_path / "mine.npz"
        path.mkdir()
        with refused(path, "cannot be read"):
            ARRAYS.read(tmp_path)

    @pytest.mark.parametrize(("before", "cut"), [(b"x", 0), (b"PKx", 3)])
    def test_something_else_than_a_zip_at_its_start(self, write, refused, before, cut):
        path = write()
        path.write_bytes(before + path.read_bytes()[cut:])  # zipfile goes by its end
        with refused(path, "not an .npz"):
            ARRAYS.read(path)

    @pytest.mark.parametrize("content", [b"hello", b"\x93NUMPY\x01\x00\x06\x00{'a':[\n"])
    def test_members_that_are_no_arrays(self, tmp_path, refused, content):
        path = tmp_path / "mine.npz"
        with zipfile.ZipFile(path, "w") as file:
            for name in REQUIRED:
                file.writestr(f"{name}.npy", content)
        with refused(path, "train_images is damaged"):
            ARRAYS.read(path)

    @pytest.mark.parametrize("offset", [8, 10])  # flags, compression
    def test_a_directory_that_is_damaged(self, write, refused, offset):
        path = write()
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\x01\x02") + offset] ^= 0x01 if offset == 8 else 0xFF
        path.write_bytes(content)
        with refused(path, "damaged"):
            ARRAYS.read(path)

    def test_cut_short(self, write, refused):
        path = write()
        path.write_bytes(path.read_bytes()[:-200])
        with refused(path, "damaged"):
            ARRAYS.read(path)

    def test_damaged_inside(self, write, refused):
        path = write()
        content = bytearray(path.read_bytes())
        content[300] ^= 0xFF  # among the pixels of the first array
        path.write_bytes(content)
        with refused(path, "damaged"):
            ARRAYS.read(path)

    @pytest.mark.parametrize(
        "shape",
        [
            "(99999999999999999999999, 8, 8)",
            "(99999999999999999999999, 0, 8)",
            "(4611686018427387904, 8, 8)",
            "(1099511627776, 1024, 8)",
            "(True, 8, 8)",
            "(-1, 8, 8)",
            "(12, 8, 9)",
            "(1, " + "2, " * 70 + ")",
            "('a', 8)",
            "((3,), 8)",
            "(1e3, 8)",
        ],
    )
    def test_headers_with_absurd_shapes(self, tmp_path, shape, refused):
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
        member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)
        path = tmp_path / "mine.npz"
        with zipfile.ZipFile(path, "w") as file:
            for name in REQUIRED:
                file.writestr(f"{name}.npy", member)
        with refused(path, "train_images"):
            ARRAYS.read(path)
