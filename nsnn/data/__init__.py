"""Data sets by name: `load` one, cut it into `batches`."""

import dataclasses
import inspect
import os

from nsnn.data.arrays import ARRAYS, FromFunction
from nsnn.data.cifar import CIFAR10, CIFAR100
from nsnn.data.dataset import Batch, DataSet, Split, Splits, assemble, batches
from nsnn.data.glyphs import GLYPHS
from nsnn.data.idx import FASHION_MNIST, MNIST
from nsnn.data.recordings import CIFAR10_DVS, DVS_GESTURE, NMNIST
from nsnn.data.saccades import SACCADES
from nsnn.data.source import DataSource
from nsnn.data.tiny_imagenet import TINY_IMAGENET
from nsnn.errors import UnknownNameError, UserError
from nsnn.text import nearest, table, whatever_case

__all__ = [
    "DATASETS", "Batch", "DataSet", "DataSource", "FromFunction", "Split", "Splits", "batches",
    "listing", "load", "source",
]  # fmt: skip

# data.name: where each data set comes from. Add your own, DATASETS["mine"] = mine: a function
# mine(directory) of the arrays that an .npz file for "arrays" has (`nsnn.data.arrays`), or an
# object of a class derived from `DataSource`, that also knows how to find, check and get its files.
DATASETS = {
    each.name: each
    for each in (
        GLYPHS, MNIST, FASHION_MNIST, CIFAR10, CIFAR100, TINY_IMAGENET,
        SACCADES, NMNIST, CIFAR10_DVS, DVS_GESTURE, ARRAYS,
    )
}  # fmt: skip


def source(name: str) -> DataSource:
    """Where the data set `name` comes from, a function made an object; a UserError if none.

    Upper and lower case count as equal.
    """
    name = whatever_case(name, DATASETS)
    if name not in DATASETS:
        what = f"data.name = {name}: there is no such data set"
        raise UnknownNameError(f"{what}; {nearest(name, DATASETS)}")
    found = DATASETS[name]
    if isinstance(found, DataSource):
        return found
    description = (inspect.getdoc(found) or "of a plug-in").partition("\n")[0]
    return FromFunction(name=name, description=description, function=found)


def load(
    name: str,
    dir: str | os.PathLike | None = None,
    validation: float = 0.0,
    seed: int = 0,
    time_steps: int | None = None,
    frames: str = "count",
) -> DataSet:
    """Load the data set `name`, a key of `DATASETS`.

    Parameters
    ----------
    dir : path-like, optional
        `data.dir`: the folder of the files, or one with a sub-folder of the set's name or of the
        name that the official archive gives it; then `$NSNN_DATA`, the same ways; then the user
        cache. None and "" mean not given.
    validation, seed : float and int
        Fraction in [0, 1) of the training data to hold out, and what chooses it.
    time_steps : int, optional
        Frames of each sample, T, for recordings of events that are cut into as many as are asked
        for; None leaves it to the data set. Still images have none, an .npz file has its own.
    frames : str
        How recordings are cut, into parts of equally many events or of equal time: `data.frames`.

    Raises UserError for an unknown name, for files that are missing or damaged, an impossible
    fraction, and `frames` for data that is not cut.

    Examples
    --------
    >>> digits = load("glyphs", validation=0.1)
    >>> len(digits.train), len(digits.validation), len(digits.test), digits.shape
    (5400, 600, 2000, (1, 28, 28))
    """
    known, name = source(name), whatever_case(name, DATASETS)
    if known.events:
        known = dataclasses.replace(known, cut_by=frames)
    elif frames != "count":
        what = f'data.frames = "{frames}", but {name} is not cut into frames'
        raise UserError(f"{what}: leave the option out")
    splits = known.read(dir or None, time_steps)
    return assemble(name, splits, validation, seed, known.classes)


def listing() -> str:
    """A table of the data sets: what they are, and where they are or how to get them."""
    head = ("name", "what", "sample", "train + test", "where")
    rows = []
    for known in map(source, DATASETS):
        shape = " × ".join(map(str, known.shape or ())) or "yours"
        sizes = " + ".join(f"{n:,}" for n in known.sizes or ()) or "yours"
        rows.append((known.name, known.description, shape, sizes, known.where()))
    return table(head, rows, left=len(head))
