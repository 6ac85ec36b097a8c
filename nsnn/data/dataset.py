"""What a data set is once it is loaded: splits of samples with labels, cut into batches."""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nsnn.errors import UserError
from nsnn.streams import stream


@dataclass(frozen=True)
class Split:
    """Images or events with their labels: of training, validation or test, or a batch of them.

    Still images (n, C, H, W) are uint8 (0 to 255) or float32 in [0, 1]; events (n, T, C, H, W) are
    uint8 counts, one frame a time step.
    """

    images: np.ndarray
    labels: np.ndarray  # int64 (n,)
    delays: np.ndarray | None = None  # float32 like images: how much later a pixel's spike comes

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index) -> "Split":
        """The samples that `index` (a slice or an integer array) selects."""
        return Split(self.images[index], self.labels[index])

    def fingerprint(self) -> int:
        """A checksum, CRC-32 of images and labels; about 1 ms a megabyte."""
        kind = zlib.crc32(f"{self.images.dtype.str} {self.images.shape}".encode())
        checksum = zlib.crc32(np.ascontiguousarray(self.images), kind)
        return zlib.crc32(np.ascontiguousarray(self.labels), checksum)


Batch = Split
"""A few samples that a network sees at once: images (B, C, H, W) or (B, T, C, H, W)."""


def batches(
    split: Split, size: int, rng: np.random.Generator | None = None, drop_last: bool = False
) -> Iterator[Batch]:
    """Cut a split into batches of `size` samples, once through.

    `rng` shuffles the samples; without it they come in their own order, as views. `drop_last`
    leaves out the last batch when it is not full, as training does. Raises UserError if `size` is
    below 1, or if it exceeds the split and `drop_last` would leave nothing.
    """
    n = len(split)
    if size < 1:
        raise UserError(f"data.batch = {size}: must be at least 1")
    if drop_last and size > n:
        what = f"data.batch = {size} is larger than the data"
        raise UserError(f"{what}, {n} samples: use {n} or less")
    stop = n - n % size if drop_last else n
    order = None if rng is None else rng.permutation(n)
    spans = (slice(start, min(start + size, stop)) for start in range(0, stop, size))
    return (split.take(span if order is None else order[span]) for span in spans)


class Splits(NamedTuple):
    """The splits that a data set brings along; most have no validation split of their own."""

    train: Split
    test: Split
    validation: Split | None = None


@dataclass(frozen=True)
class DataSet:
    """The splits of one data set and what a network needs to know of it.

    Mean and deviation are float32 (C,), of the training images scaled to [0, 1], per channel.
    """

    name: str
    train: Split
    validation: Split | None
    test: Split
    classes: int  # labels are 0 … classes − 1
    mean: np.ndarray  # 0 for events
    std: np.ndarray  # 1 for events
    shape: tuple[int, int, int]  # (C, H, W) of one image or of one frame
    time_steps: int | None  # frames of each sample for events; None for still images


def assemble(name, splits: Splits, validation=0.0, seed=0, classes: int | None = None) -> DataSet:
    """From checked splits to a `DataSet`: hold out a validation split, measure the images.

    `classes` is how many the data set declares; without it as many as the largest label asks for.
    Raises UserError if the fraction is impossible, or asked of data that has its own validation
    split, or a label is none of the declared classes. See `nsnn.data.load`.
    """
    # Written so that NaN fails too.
    if not 0 <= validation < 1:
        raise UserError(f"data.validation = {validation}: must be a fraction in [0, 1)")
    train, test, held_out = splits
    if held_out is not None and validation > 0:
        own = f"{name} has its own validation split ({len(held_out)} samples)"
        raise UserError(f"data.validation = {validation}, but {own}: set data.validation to 0")
    # Of all splits, before any is divided: a small training split may lack the last class.
    labels = np.concatenate([split.labels for split in splits if split is not None])
    low, high = int(labels.min()), int(labels.max())
    if classes is None:
        classes = high + 1
    elif low < 0 or high >= classes:
        what = f"{name}: labels from {low} to {high}, but the data set has {classes} classes"
        raise UserError(f"{what}: expected 0 to {classes - 1}")
    if validation > 0:
        train, held_out = _hold_out(train, validation, seed)
    _, *time_steps, channels, height, width = train.images.shape
    mean, std = np.zeros(channels, np.float32), np.ones(channels, np.float32)
    if not time_steps:  # events are left as they are
        found = [_statistics(channel) for channel in train.images.swapaxes(0, 1)]
        mean, std = np.array(found, np.float32).T.copy()
        std[std == 0] = 1.0  # of a constant channel: there is nothing to scale
    splits = {"train": train, "validation": held_out, "test": test}
    shape = {"shape": (channels, height, width), "time_steps": next(iter(time_steps), None)}
    return DataSet(name=name, classes=classes, mean=mean, std=std, **splits, **shape)


def _hold_out(train: Split, fraction: float, seed: int) -> tuple[Split, Split]:
    """Training data divided into what is left for training and a validation split.

    Each is in the order of the original, so that only the choice depends on the seed.
    """
    n = len(train)
    count = round(fraction * n)
    if not 0 < count < n:
        left = f"leaves {count} for validation and {n - count} for training"
        what = f"data.validation = {fraction} of {n} training samples {left}"
        raise UserError(f"{what}: both need at least one")
    order = stream(seed, "data").permutation(n)
    return train.take(np.sort(order[count:])), train.take(np.sort(order[:count]))


def _statistics(pixels: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the pixels of a channel, scaled to [0, 1].

    For uint8 the sums are exact integers: no float copy is made, and the result depends on no
    order of summation.
    """
    if pixels.dtype != np.uint8:
        return pixels.mean(dtype=np.float64), pixels.std(dtype=np.float64)
    parts = np.array_split(pixels, len(pixels) // 1000 + 1)  # `bincount` makes an int64 copy
    counts = sum(np.bincount(part.ravel(), minlength=256) for part in parts)
    counts = counts.tolist()  # Python's integers: the sums may exceed 64 bits
    n, first, second = (sum(x**k * count for x, count in enumerate(counts)) for k in range(3))
    return first / n / 255, math.sqrt(n * second - first * first) / n / 255
