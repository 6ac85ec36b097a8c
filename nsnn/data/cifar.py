"""CIFAR-10 and CIFAR-100 in their official binary layout.

A file is a row of records without a header: one label byte (CIFAR-100: the coarse label, then the
fine one, which is used), then 3 × 32 × 32 pixels, red, green, blue, each row by row.
Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", and
https://www.cs.toronto.edu/~kriz/cifar.html (section "Binary version").
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nsnn.data.batches import Split
from nsnn.data.locate import find_files
from nsnn.data.sources import ARCHIVES
from nsnn.errors import UserError

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32


class Layout(NamedTuple):
    """The files of one of the two sets.

    Attributes
    ----------
    train, test : tuple of (str, int)
        Name and number of records of each file.
    labels : tuple of int
        Classes that each label byte of a record distinguishes; the last one is used.
    """

    train: tuple[tuple[str, int], ...]
    test: tuple[tuple[str, int], ...]
    labels: tuple[int, ...]


LAYOUTS = {
    "cifar10": Layout(
        tuple((f"data_batch_{i}.bin", 10_000) for i in range(1, 6)),
        (("test_batch.bin", 10_000),),
        (10,),
    ),
    "cifar100": Layout((("train.bin", 50_000),), (("test.bin", 10_000),), (20, 100)),
}


def find(name: str, directory: str | os.PathLike | None = None) -> list[Path]:
    """Paths of the training files, then of the test file.

    Parameters
    ----------
    name : str
        A key of `LAYOUTS`.
    directory : path-like, optional
        `data.dir`, with the files, the official folder or a folder of the set's name; the
        fallbacks are those of `locate`.

    Raises
    ------
    UserError
        If they are nowhere.
    """
    source, layout = ARCHIVES[name], LAYOUTS[name]
    wanted = [(file,) for file, _ in (*layout.train, *layout.test)]
    return find_files(name, wanted, source.how, directory, source.folder)


def read_splits(name: str, directory: str | os.PathLike | None = None) -> tuple[Split, Split]:
    """Training and test split of `cifar10` or `cifar100`: uint8 images (n, 3, 32, 32).

    Parameters
    ----------
    name, directory
        See `find`.

    Raises
    ------
    UserError
        If a file is missing, or has another size or labels than the format says.
    """
    paths, layout = find(name, directory), LAYOUTS[name]
    how, count = ARCHIVES[name].how, len(layout.train)
    train = _read(paths[:count], layout.train, layout.labels, how)
    return train, _read(paths[count:], layout.test, layout.labels, how)


def _read(paths: list[Path], files: tuple, classes: tuple[int, ...], how: str) -> Split:
    """One split from its files."""
    total = sum(records for _, records in files)
    images = np.empty((total, PIXELS), dtype=np.uint8)
    labels = np.empty(total, dtype=np.int64)
    start = 0
    for path, (_, count) in zip(paths, files, strict=True):
        records = read_records(path, count, classes, how)
        end = start + count
        images[start:end] = records[:, len(classes) :]
        labels[start:end] = records[:, len(classes) - 1]
        start = end
    return Split(images.reshape(total, *SHAPE), labels)


def read_records(path: Path, count: int, classes: tuple[int, ...], how: str) -> np.ndarray:
    """The checked records of one file.

    Parameters
    ----------
    path : Path
    count : int
        Records that it has to hold.
    classes : tuple of int
        Classes that each label byte distinguishes.
    how : str
        How to get the file again, for the message.

    Returns
    -------
    ndarray of uint8, shape (count, label bytes + 3072)

    Raises
    ------
    UserError
        If it cannot be read, has another size, or a label is no class.
    """
    size = len(classes) + PIXELS
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno()).st_size
            # A size that is wrong is not read: it may be anything.
            content = np.fromfile(file, dtype=np.uint8) if found == count * size else None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    if content is None or content.size != count * size:
        raise UserError(
            f"{path}: expected {count * size} bytes ({count} records of {size}), found {found}; "
            f"to get it again: {how}"
        )
    records = content.reshape(count, size)
    for column, limit in enumerate(classes):
        wrong = np.flatnonzero(records[:, column] >= limit)
        if wrong.size:
            raise UserError(
                f"{path}: expected labels 0 to {limit - 1}, found {records[wrong[0], column]} in "
                f"record {wrong[0]}; to get it again: {how}"
            )
    return records
