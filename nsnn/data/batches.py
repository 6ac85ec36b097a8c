"""What a data set is (splits of images or events with labels) and how batches are cut from it."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nsnn.errors import UserError


@dataclass(frozen=True)
class Split:
    """Images or events of one purpose (training, validation, test) with their labels.

    Attributes
    ----------
    images : ndarray, shape (n, C, H, W) or (n, T, C, H, W)
        Still images as uint8 (0 to 255) or float32 in [0, 1]; or events as uint8 counts, one
        frame a time step.
    labels : ndarray of int64, shape (n,)
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index) -> "Split":
        """The samples that `index` (a slice or an integer array) selects."""
        return Split(self.images[index], self.labels[index])


@dataclass(frozen=True)
class Batch:
    """A few samples that a network sees at once.

    Attributes
    ----------
    images : ndarray, shape (B, C, H, W) or (B, T, C, H, W)
        As in `Split`.
    labels : ndarray of int64, shape (B,)
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class DataSet:
    """The splits of one data set and what a network needs to know of it.

    Attributes
    ----------
    name : str
    train, test : Split
    validation : Split or None
    classes : int
        Labels are 0 … classes − 1.
    mean, std : ndarray of float32, shape (C,)
        Of the training images, scaled to [0, 1], per channel; 0 and 1 for events.
    shape : tuple of int
        (C, H, W) of one image or of one frame.
    time_steps : int or None
        Frames of each sample for events; None for still images.
    """

    name: str
    train: Split
    validation: Split | None
    test: Split
    classes: int
    mean: np.ndarray
    std: np.ndarray
    shape: tuple[int, int, int]
    time_steps: int | None

    def fingerprint(self) -> int:
        """A checksum of the training data: whether a resumed run trains on the same.

        Notes
        -----
        CRC-32 of images and labels, about 1 ms a megabyte.
        """
        images, labels = self.train.images, self.train.labels
        kind = zlib.crc32(f"{images.dtype.str} {images.shape}".encode())
        checksum = zlib.crc32(np.ascontiguousarray(images), kind)
        return zlib.crc32(np.ascontiguousarray(labels), checksum)


def batches(
    split: Split, size: int, rng: np.random.Generator | None = None, drop_last: bool = False
) -> Iterator[Batch]:
    """Cut a split into batches, once through.

    Parameters
    ----------
    split : Split
    size : int
        Samples in each batch, at least 1.
    rng : numpy.random.Generator, optional
        Shuffles the samples. Without it they come in their own order, as views.
    drop_last : bool
        Leave out the last batch when it is not full (as training does).

    Returns
    -------
    iterator of Batch

    Raises
    ------
    UserError
        If `size` is below 1, or if it exceeds the split and `drop_last` would leave nothing.
    """
    n = len(split)
    if size < 1:
        raise UserError(f"a batch of {size} samples: data.batch must be at least 1")
    if drop_last and size > n:
        raise UserError(
            f"a batch of {size} samples is larger than the data ({n} samples): "
            f"set data.batch to {n} or less"
        )
    stop = n - n % size if drop_last else n
    order = None if rng is None else rng.permutation(n)
    return _cut(split, size, stop, order)


def _cut(split: Split, size: int, stop: int, order: np.ndarray | None) -> Iterator[Batch]:
    """The generator behind `batches`, which has checked the arguments when it is called."""
    for start in range(0, stop, size):
        end = min(start + size, stop)
        index = slice(start, end) if order is None else order[start:end]
        yield Batch(split.images[index], split.labels[index])
