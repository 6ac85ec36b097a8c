"""The official binary files of CIFAR-10 and CIFAR-100, in small."""

from dataclasses import replace

import numpy as np
import pytest

from nsnn.data import DATASETS, load
from nsnn.data.cifar import CIFAR10, CIFAR100, PIXELS

SMALL = {each.name: replace(each, sizes=(20, 6)) for each in (CIFAR10, CIFAR100)}
NAMES = list(SMALL)


def make(source, seed=0):
    """Records (n, label bytes + 3072) of each file by its name, the label the last of its bytes."""
    rng = np.random.default_rng(seed)
    content = {}
    count = source.sizes[0] // len(source.train_files)
    for name, n in (*((file, count) for file in source.train_files), (source.test_file, 6)):
        labels = [rng.integers(0, limit, size=(n, 1)) for limit in source.label_limits]
        pixels = rng.integers(0, 256, size=(n, PIXELS))
        content[name] = np.hstack([*labels, pixels]).astype(np.uint8)
    return content


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, source in SMALL.items():
        monkeypatch.setitem(DATASETS, name, source)


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
    train, test, _ = SMALL[name].read(tmp_path / "data")
    skip = len(SMALL[name].label_limits)
    files = SMALL[name].train_files, [SMALL[name].test_file]
    for split, names in zip((train, test), files, strict=True):
        records = np.concatenate([content[file] for file in names])
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
def test_where_the_files_may_lie(name, place, write, tmp_path, monkeypatch):
    write(name, f"cache/nsnn/{name}/{SMALL[name].folder}")
    assert SMALL[name].find()[0].is_relative_to(tmp_path / "cache")
    write(name, "data/" + place.format(name=name, official=SMALL[name].folder))
    monkeypatch.setenv("NSNN_DATA", str(tmp_path / "data"))
    for directory in (tmp_path / "data", None):
        assert SMALL[name].find(directory)[0].is_relative_to(tmp_path / "data")
        assert len(SMALL[name].read(directory).test) == 6


@pytest.mark.parametrize("name", NAMES)
def test_the_classes_are_declared(name, write, tmp_path):
    content = write(name, "data")
    for file, records in content.items():
        records[:, len(SMALL[name].label_limits) - 1] = 3
        (tmp_path / "data" / file).write_bytes(records.tobytes())
    data = load(name, tmp_path / "data", validation=0.25)
    assert data.classes == SMALL[name].classes
    assert (data.name, data.shape, data.time_steps) == (name, (3, 32, 32), None)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [15, 5, 6]


class TestRefused:
    @pytest.mark.parametrize("name", NAMES)
    def test_missing_files(self, name, write, tmp_path, refused):
        first, *_ = SMALL[name].train_files
        with refused(name, first, SMALL[name].folder, f"nsnn data get {name}"):
            SMALL[name].read(tmp_path)
        write(name, "data")
        (tmp_path / "data" / first).unlink()
        with refused(tmp_path / "data", f"has no {first}", f"nsnn data get {name}"):
            SMALL[name].read(tmp_path / "data")

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + b"x", lambda c: b""])
    def test_wrong_size(self, name, change, write, tmp_path, refused):
        write(name, "data")
        file, count = SMALL[name].test_file, 6
        path = tmp_path / "data" / file
        before = path.read_bytes()
        path.write_bytes(change(before))
        expected, found = len(before), len(change(before))
        script = f"data_scripts/get_{name}.py"
        with refused(path, f"expected {expected} bytes", count, f"found {found}", script):
            SMALL[name].read(tmp_path / "data")

    @pytest.mark.parametrize(("name", "column"), [("cifar10", 0), ("cifar100", 0), ("cifar100", 1)])
    def test_label_out_of_range(self, name, column, write, tmp_path, refused):
        content = write(name, "data")
        file = SMALL[name].train_files[-1]
        limit = SMALL[name].label_limits[column]
        records = content[file]
        records[2, column] = limit
        path = tmp_path / "data" / file
        path.write_bytes(records.tobytes())
        message = f"expected labels 0 to {limit - 1}, found {limit} in record 2"
        with refused(path, message, f"nsnn data get {name}"):
            SMALL[name].read(tmp_path / "data")
