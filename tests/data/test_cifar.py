"""The official binary files of CIFAR-10 and CIFAR-100, in small."""

import numpy as np
import pytest

from nsnn.data import cifar, load

SMALL = {
    "cifar10": cifar.Layout(
        tuple((f"data_batch_{i}.bin", 4) for i in range(1, 6)), (("test_batch.bin", 6),), (10,)
    ),
    "cifar100": cifar.Layout((("train.bin", 20),), (("test.bin", 6),), (20, 100)),
}
FOLDERS = {"cifar10": "cifar-10-batches-bin", "cifar100": "cifar-100-binary"}
NAMES = list(SMALL)


def make(layout, seed=0):
    """Records (n, label bytes + 3072) of each file by its name, the label the last of its bytes."""
    rng = np.random.default_rng(seed)
    content = {}
    for name, count in (*layout.train, *layout.test):
        labels = [rng.integers(0, limit, size=(count, 1)) for limit in layout.labels]
        pixels = rng.integers(0, 256, size=(count, cifar.PIXELS))
        content[name] = np.hstack([*labels, pixels]).astype(np.uint8)
    return content


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, layout in SMALL.items():
        monkeypatch.setitem(cifar.LAYOUTS, name, layout)


@pytest.fixture
def write(tmp_path):
    """Write the files of a set into a folder below `tmp_path` and give their records."""

    def write(name, place):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        content = make(SMALL[name])
        for file, records in content.items():
            (folder / file).write_bytes(records.tobytes())
        return content

    return write


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read(name, write, tmp_path):
    content = write(name, "data")
    train, test = cifar.read_splits(name, tmp_path / "data")
    skip = len(SMALL[name].labels)
    for split, files in zip((train, test), (SMALL[name].train, SMALL[name].test), strict=True):
        records = np.concatenate([content[file] for file, _ in files])
        assert split.images.dtype == np.uint8
        assert split.images.shape == (len(records), 3, 32, 32)
        assert split.images.flags.c_contiguous
        assert split.labels.dtype == np.int64
        # The last label byte: of CIFAR-100 the fine one.
        assert np.array_equal(split.labels, records[:, skip - 1])
        # Red first, then row by row.
        assert np.array_equal(split.images[:, 0, 0], records[:, skip : skip + 32])
        assert np.array_equal(split.images[:, 2, 31], records[:, skip + 3072 - 32 :])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["", "{official}", "{name}", "{name}/{official}"])
def test_where_the_files_may_lie(name, place, write, tmp_path):
    write(name, "data/" + place.format(name=name, official=FOLDERS[name]))
    assert len(cifar.read_splits(name, tmp_path / "data")[1]) == 6


@pytest.mark.parametrize("name", NAMES)
def test_the_environment_and_the_cache(name, write, tmp_path, monkeypatch):
    write(name, f"cache/nsnn/{name}/{FOLDERS[name]}")
    assert cifar.find(name)[0].is_relative_to(tmp_path / "cache")
    write(name, f"shared/{FOLDERS[name]}")
    monkeypatch.setenv("NSNN_DATA", str(tmp_path / "shared"))
    assert cifar.find(name)[0].is_relative_to(tmp_path / "shared")


@pytest.mark.parametrize("name", NAMES)
def test_the_classes_are_declared(name, write, tmp_path):
    content = write(name, "data")
    for file, records in content.items():
        records[:, len(SMALL[name].labels) - 1] = 3
        (tmp_path / "data" / file).write_bytes(records.tobytes())
    data = load(name, tmp_path / "data", validation=0.25)
    assert data.classes == SMALL[name].labels[-1]
    assert (data.name, data.shape, data.time_steps) == (name, (3, 32, 32), None)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [15, 5, 6]


def test_the_official_layout(monkeypatch):
    monkeypatch.undo()
    for layout in cifar.LAYOUTS.values():
        assert sum(count for _, count in layout.train) == 50_000
        assert sum(count for _, count in layout.test) == 10_000


class TestRefused:
    @pytest.mark.parametrize("name", NAMES)
    def test_missing_files(self, name, tmp_path, refused):
        with refused(name, SMALL[name].train[0][0], FOLDERS[name], f"nsnn data get {name}"):
            cifar.read_splits(name, tmp_path)

    def test_one_missing_file(self, write, tmp_path, refused):
        write("cifar10", "data")
        (tmp_path / "data" / "data_batch_3.bin").unlink()
        with refused(tmp_path / "data", "has no data_batch_3.bin", "nsnn data get cifar10"):
            cifar.read_splits("cifar10", tmp_path / "data")

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + b"x", lambda c: b""])
    def test_wrong_size(self, name, change, write, tmp_path, refused):
        write(name, "data")
        file, count = SMALL[name].test[0]
        path = tmp_path / "data" / file
        before = path.read_bytes()
        path.write_bytes(change(before))
        expected, found = len(before), len(change(before))
        script = f"data_scripts/get_{name}.py"
        with refused(path, f"expected {expected} bytes", count, f"found {found}", script):
            cifar.read_splits(name, tmp_path / "data")

    @pytest.mark.parametrize(("name", "column"), [("cifar10", 0), ("cifar100", 0), ("cifar100", 1)])
    def test_label_out_of_range(self, name, column, write, tmp_path, refused):
        content = write(name, "data")
        file, _ = SMALL[name].train[-1]
        limit = SMALL[name].labels[column]
        records = content[file]
        records[2, column] = limit
        path = tmp_path / "data" / file
        path.write_bytes(records.tobytes())
        message = f"expected labels 0 to {limit - 1}, found {limit} in record 2"
        with refused(path, message, f"nsnn data get {name}"):
            cifar.read_splits(name, tmp_path / "data")

    def test_a_file_that_cannot_be_read(self, tmp_path, refused):
        with refused(tmp_path, "cannot be read"):
            cifar.read_records(tmp_path, 4, (10,), "get it")
