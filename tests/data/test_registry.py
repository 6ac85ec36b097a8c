"""Data sets by name."""

import subprocess
import sys

import numpy as np
import pytest

from nsnn.data import DATASETS, glyph_cache, load


def test_the_names():
    official = ["mnist", "fashion-mnist", "cifar10", "cifar100", "tiny-imagenet"]
    assert list(DATASETS) == ["glyphs", *official, "arrays"]
    declared = {name: entry.classes for name, entry in DATASETS.items()}
    assert list(declared.values()) == [10, 10, 10, 10, 100, 200, None]


def test_idx_sets_declare_their_classes(idx_folder, as_idx):
    for prefix, n in (("train", 30), ("t10k", 20)):
        (idx_folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(as_idx(np.full(n, 3)))
    assert load("mnist", idx_folder).classes == 10


@pytest.mark.parametrize(
    ("name", "nearest"), [("minst", "mnist"), ("fashion_mnist", "fashion-mnist"), ("", "")]
)
def test_an_unknown_name(name, nearest, refused):
    with refused(f"data.name = {name}", f"the nearest is {nearest}"):
        load(name)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_idx_sets(idx_folder, name):
    data = load(name, idx_folder, validation=0.2, seed=3)
    assert (data.name, data.shape, data.classes) == (name, (1, 6, 5), 10)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [24, 6, 20]


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_a_missing_set_says_how_to_get_it(name, refused, tmp_path):
    script = name.replace("-", "_")
    with refused("train-images-idx3-ubyte.gz", f"nsnn data get {name}", f"get_{script}.py"):
        load(name, tmp_path)


def test_an_empty_dir_means_not_given(idx_folder, monkeypatch):
    monkeypatch.setenv("NSNN_DATA", str(idx_folder))
    assert len(load("mnist", "").train) == 30


def test_events(tmp_path):
    events = np.random.default_rng(0).integers(0, 3, size=(8, 5, 2, 4, 3))
    labels = np.arange(8) % 2
    path = tmp_path / "events.npz"
    np.savez(path, train_images=events, train_labels=labels, test_images=events, test_labels=labels)
    data = load("arrays", path, validation=0.25)
    assert (data.time_steps, data.shape, data.classes) == (5, (2, 4, 3), 2)
    assert len(data.validation) == 2


def test_glyphs_at_their_full_size():
    data = load("glyphs", validation=0.1)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [5400, 600, 2000]
    assert (data.classes, data.shape) == (10, (1, 28, 28))
    assert glyph_cache.find() is not None


def test_mean_and_deviation_of_real_mnist(real_data):
    data = load("mnist", real_data)
    assert data.mean == pytest.approx(0.1307, abs=5e-5)
    assert data.std == pytest.approx(0.3081, abs=5e-5)


def test_importing_data_loads_neither_matplotlib_nor_numba():
    code = "import sys, nsnn.data.commands; print({'matplotlib', 'numba'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "set()\n"
