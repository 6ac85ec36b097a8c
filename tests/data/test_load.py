"""Data sets by name."""

import numpy as np
import pytest

from nsnn.data import DATASETS, listing, load, source

EVENTS = ["saccades", "nmnist", "cifar10-dvs", "dvs-gesture"]


def row(name):
    return next(line for line in listing().splitlines() if line.split()[0] == name)


def test_the_names_and_what_they_declare():
    official = ["mnist", "fashion-mnist", "cifar10", "cifar100", "tiny-imagenet"]
    assert list(DATASETS) == ["glyphs", *official, *EVENTS, "arrays"]
    classes = [10, 10, 10, 10, 100, 200, 10, 10, 10, 11, None]
    assert [each.classes for each in DATASETS.values()] == classes
    assert [name for name, each in DATASETS.items() if each.events] == EVENTS
    sizes = [each.sizes for each in DATASETS.values()]
    assert sizes == [(6000, 2000), *[(60_000, 10_000)] * 2, *[(50_000, 10_000)] * 2,
                     (100_000, 10_000), (6000, 2000), (60_000, 10_000), (9000, 1000),
                     (1176, 288), None]  # fmt: skip


@pytest.mark.parametrize("use", [load, source])
@pytest.mark.parametrize(("name", "near"), [
    ("minst", "did you mean mnist"),
    ("fashion_mnist", "mean fashion-mnist"),
    ("", "Known: glyphs"),
])  # fmt: skip
def test_an_unknown_name(use, name, near, refused):
    with refused(f"data.name = {name}", near):
        use(name)


def test_a_name_in_capitals():
    assert source("CIFAR10-DVS") is DATASETS["cifar10-dvs"]


def test_glyphs_at_their_full_size():
    data = load("glyphs", validation=0.1)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [5400, 600, 2000]
    assert (data.classes, data.shape) == (10, (1, 28, 28))
    # Committed results carry it: a change of this number makes them other data's.
    assert load("glyphs").train.fingerprint() == 1245694065


def test_importing_data_loads_neither_matplotlib_nor_numba(python):
    code = "import sys, nsnn.data; print({'matplotlib', 'numba'} & set(sys.modules))"
    assert python("-c", code).stdout == "set()\n"


def test_the_list_says_how_to_get_each_or_where_it_is(idx_folder, monkeypatch):
    assert len(listing().splitlines()) == 1 + len(DATASETS)
    assert "60,000 + 10,000" in row("mnist")
    for name in ("fashion-mnist", "cifar10", "cifar100", "tiny-imagenet"):
        assert f"not here: run `nsnn data get {name}`" in row(name)
    assert "train_images" in row("arrays")
    assert "drawn at first use" in row("glyphs")
    monkeypatch.setenv("NSNN_DATA", str(idx_folder))
    assert row("mnist").endswith(str(idx_folder))


class TestFunctions:
    """DATASETS["mine"] = function."""

    @pytest.fixture
    def register(self, monkeypatch):
        return lambda function: monkeypatch.setitem(DATASETS, "mine", function)

    def give(self, directory=None, n=12):
        """Bright and dark pictures.

        More of them than one can count.
        """
        images = np.arange(n * 30, dtype=np.uint8).reshape(n, 6, 5)
        labels = (np.arange(n) % 2).tolist()
        return {
            "train_images": images, "train_labels": labels,
            "test_images": images.tolist() and images[:4], "test_labels": labels[:4],
        }  # fmt: skip

    def test_are_data_sets(self, register, tmp_path, refused):
        asked = []
        register(self.give)
        data = load("mine", tmp_path, validation=0.25)
        assert (data.name, data.shape, data.classes) == ("mine", (1, 6, 5), 2)
        assert [len(s) for s in (data.train, data.validation, data.test)] == [9, 3, 4]
        assert "Bright and dark pictures." in row("mine")
        assert row("mine").endswith("its function reads it")
        assert source("mine").check().startswith("train: 12 samples of 1 × 6 × 5")
        with refused("mine: nothing to download"):
            source("mine").get()
        register(lambda directory: asked.append(directory) or self.give())
        load("mine", tmp_path)
        load("mine")
        assert asked == [tmp_path, None]

    @pytest.mark.parametrize("wrong", [3, "text", lambda: {}, lambda a, b: {}])
    def test_take_a_folder(self, register, wrong, refused):
        register(wrong)
        with refused("data.name = mine", "function of (directory)"):
            load("mine")

    @pytest.mark.parametrize(("change", "message"), [
        (lambda content: None, "has to return a dictionary, not NoneType"),
        (lambda content: {**content, "train_images": [[1], [1, 2]]}, "gives no array"),
        (lambda content: {"train_images": 0}, "has no array train_labels or test_images"),
        (lambda content: {**content, "test_labels": [0, 1, 2, 9]}, "test_labels holds labels"),
    ])  # fmt: skip
    def test_are_checked(self, register, change, message, refused):
        register(lambda directory: change(self.give()))
        with refused("mine: ", message):
            load("mine")
