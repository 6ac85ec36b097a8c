"""The data sets by name."""

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass

from nsnn.data import arrays, glyph_cache, idx
from nsnn.data.assemble import assemble
from nsnn.data.batches import DataSet
from nsnn.data.sources import SOURCES
from nsnn.errors import UserError


@dataclass(frozen=True)
class Entry:
    """One data set of the registry.

    Attributes
    ----------
    description : str
    shape : str
        Of one sample, to print.
    sizes : str
        Training + test samples, to print.
    how : str
        How to get it, to print after "to get it:".
    read : callable
        `read(data.dir or None)` gives training, test and, where the set has one, validation split.
    """

    description: str
    shape: str
    sizes: str
    how: str
    read: Callable


def _official(name: str) -> Callable:
    return lambda directory: idx.read_splits(name, directory)


DATASETS = {
    "glyphs": Entry(
        "digits drawn from matplotlib's fonts, test fonts unseen in training",
        "1 × 28 × 28",
        "6,000 + 2,000",
        "nothing to do, it is drawn at first use (about 1 s)",
        glyph_cache.read_splits,
    ),
    "mnist": Entry(
        "handwritten digits",
        "1 × 28 × 28",
        "60,000 + 10,000",
        SOURCES["mnist"].how,
        _official("mnist"),
    ),
    "fashion-mnist": Entry(
        "pictures of clothes",
        "1 × 28 × 28",
        "60,000 + 10,000",
        SOURCES["fashion-mnist"].how,
        _official("fashion-mnist"),
    ),
    "arrays": Entry(
        "your own images or events in an .npz file",
        "yours",
        "yours",
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
    return DATASETS[name]


def load(
    name: str, dir: str | os.PathLike | None = None, validation: float = 0.0, seed: int = 0
) -> DataSet:
    """Load a data set.

    Parameters
    ----------
    name : str
        A key of `DATASETS`.
    dir : path-like, optional
        `data.dir`: the folder of the files, or one with a sub-folder of the set's name; then
        `$NSNN_DATA`, the same two ways; then the user cache. None and "" mean not given.
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
    train, test, *own = entry(name).read(dir or None)
    return assemble(name, train, test, own[0] if own else None, validation, seed)
