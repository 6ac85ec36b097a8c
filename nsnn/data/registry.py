"""The data sets by name."""

import difflib
import functools
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nsnn.data import arrays, cifar, glyph_cache, idx, tiny_imagenet
from nsnn.data.assemble import assemble
from nsnn.data.batches import DataSet
from nsnn.data.sources import ARCHIVES, SOURCES
from nsnn.errors import UserError


@dataclass(frozen=True)
class Entry:
    """One data set of the registry.

    Attributes
    ----------
    description : str
    shape : tuple of int or None
        (C, H, W) of one sample; None when it is the user's.
    sizes : tuple of int or None
        Training and test samples; None when they are the user's.
    how : str
        How to get it, to print after "to get it:".
    read : callable
        `read(data.dir or None)` gives training, test and, where the set has one, validation split.
    classes : int, optional
        How many the data set declares; None when its labels decide.
    """

    description: str
    shape: tuple[int, ...] | None
    sizes: tuple[int, int] | None
    how: str
    read: Callable
    classes: int | None = None


def _idx(name: str) -> Callable:
    return lambda directory: idx.read_splits(name, directory)


def _cifar(name: str) -> Callable:
    return lambda directory: cifar.read_splits(name, directory)


# data.name: how a data set is read. Enter your own to choose it as data.name:
#
#     def mine(directory) -> dict: ...
#     DATASETS["mine"] = mine
#
# `directory` is data.dir, or None. The dictionary holds the arrays that an .npz file for
# data.name = "arrays" has (`nsnn.data.arrays`): train_images, train_labels, test_images,
# test_labels and, if you like, validation_images and validation_labels.
DATASETS = {
    "glyphs": Entry(
        "digits drawn from matplotlib's fonts, test fonts unseen in training",
        (1, 28, 28),
        (6_000, 2_000),
        "nothing to do, it is drawn at first use (about 1 s)",
        glyph_cache.read_splits,
        10,
    ),
    "mnist": Entry(
        "handwritten digits",
        (1, 28, 28),
        (60_000, 10_000),
        SOURCES["mnist"].how,
        _idx("mnist"),
        idx.CLASSES,
    ),
    "fashion-mnist": Entry(
        "pictures of clothes",
        (1, 28, 28),
        (60_000, 10_000),
        SOURCES["fashion-mnist"].how,
        _idx("fashion-mnist"),
        idx.CLASSES,
    ),
    "cifar10": Entry(
        "photographs of 10 kinds of things",
        (3, 32, 32),
        (50_000, 10_000),
        ARCHIVES["cifar10"].how,
        _cifar("cifar10"),
        10,
    ),
    "cifar100": Entry(
        "photographs of 100 kinds of things",
        (3, 32, 32),
        (50_000, 10_000),
        ARCHIVES["cifar100"].how,
        _cifar("cifar100"),
        100,
    ),
    "tiny-imagenet": Entry(
        "photographs of 200 kinds of things",
        (3, 64, 64),
        (100_000, 10_000),
        ARCHIVES["tiny-imagenet"].how,
        tiny_imagenet.read_splits,
        tiny_imagenet.OFFICIAL.classes,
    ),
    "arrays": Entry(
        "your own images or events in an .npz file",
        None,
        None,
        arrays.HOW,
        arrays.read_splits,
    ),
}


def entry(name: str) -> Entry:
    """The registry's entry for `name`.

    Raises
    ------
    UserError
        If there is none; the message names the nearest.
    """
    if name not in DATASETS:
        nearest = difflib.get_close_matches(str(name), DATASETS, n=1, cutoff=0)[0]
        raise UserError(
            f"data.name = {name}: there is no such data set; the nearest is {nearest} "
            f"(all: {', '.join(DATASETS)})"
        )
    found = DATASETS[name]
    return found if isinstance(found, Entry) else _of_function(name, found)


def _of_function(name: str, function) -> Entry:
    """A data set of the user."""

    @functools.wraps(function)
    def read(directory):
        found = function(directory)
        if not isinstance(found, dict):
            raise UserError(f"data.name = {name}: its function has to return a dictionary")
        return arrays.checked_splits(name, {key: np.asarray(found[key]) for key in found})

    return Entry("of a plug-in", None, None, "its plug-in reads it", read)


def load(
    name: str, dir: str | os.PathLike | None = None, validation: float = 0.0, seed: int = 0
) -> DataSet:
    """Load a data set.

    Parameters
    ----------
    name : str
        A key of `DATASETS`.
    dir : path-like, optional
        `data.dir`: the folder of the files, or one with a sub-folder of the set's name or of the
        name that the official archive gives it; then `$NSNN_DATA`, the same ways; then the user
        cache. None and "" mean not given.
    validation : float
        Fraction in [0, 1) of the training data to hold out.
    seed : int
        Chooses which samples are held out; it changes nothing else.

    Returns
    -------
    DataSet

    Raises
    ------
    UserError
        In one line: an unknown name, files that are missing or damaged, an impossible fraction.

    Examples
    --------
    >>> digits = load("glyphs", validation=0.1)
    >>> len(digits.train), len(digits.validation), len(digits.test), digits.shape
    (5400, 600, 2000, (1, 28, 28))
    """
    known = entry(name)
    train, test, *own = known.read(dir or None)
    own_validation = own[0] if own else None
    return assemble(name, train, test, own_validation, validation, seed, known.classes)
