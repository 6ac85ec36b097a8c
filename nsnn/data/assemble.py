"""From arrays to a `DataSet`: hold out a validation split, measure mean and deviation."""

import math

import numpy as np

from nsnn.data.batches import DataSet, Split
from nsnn.errors import UserError
from nsnn.streams import stream


def assemble(
    name: str,
    train: Split,
    test: Split,
    own_validation: Split | None = None,
    validation: float = 0.0,
    seed: int = 0,
    classes: int | None = None,
) -> DataSet:
    """Build a `DataSet` from checked splits.

    Parameters
    ----------
    name : str
    train, test : Split
    own_validation : Split, optional
        A validation split that the data set brings along.
    validation : float
        Fraction in [0, 1) of the training data to hold out for validation.
    seed : int
        Chooses which samples are held out.
    classes : int, optional
        How many the data set declares; without it as many as the largest label asks for.

    Returns
    -------
    DataSet

    Raises
    ------
    UserError
        If the fraction is impossible, or asked of data that has its own validation split, or a
        label is none of the declared classes.
    """
    # Written so that NaN fails too.
    if not 0 <= validation < 1:
        raise UserError(f"data.validation = {validation}: must be a fraction in [0, 1)")
    if own_validation is not None and validation > 0:
        raise UserError(
            f"data.validation = {validation}, but {name} has its own validation split "
            f"({len(own_validation)} samples): set data.validation to 0"
        )
    held_out = own_validation
    # Of all splits, before any is divided: a small training split may lack the last class.
    classes = _classes(name, (train, test, own_validation), classes)
    if validation > 0:
        train, held_out = hold_out(train, validation, seed)
    events = train.images.ndim == 5
    mean, std = _zero_one(train) if events else pixel_statistics(train.images)
    return DataSet(
        name=name,
        train=train,
        validation=held_out,
        test=test,
        classes=classes,
        mean=mean,
        std=std,
        shape=tuple(train.images.shape[-3:]),
        time_steps=train.images.shape[1] if events else None,
    )


def _classes(name: str, splits: tuple, declared: int | None) -> int:
    """The number of classes, of which every label has to be one."""
    labels = [split.labels for split in splits if split is not None]
    low, high = min(int(x.min()) for x in labels), max(int(x.max()) for x in labels)
    if declared is None:
        return high + 1
    if low < 0 or high >= declared:
        raise UserError(
            f"{name}: labels from {low} to {high}, but the data set has {declared} classes: "
            f"expected 0 to {declared - 1}"
        )
    return declared


def hold_out(train: Split, fraction: float, seed: int) -> tuple[Split, Split]:
    """Divide training data into what is left for training and a validation split.

    Parameters
    ----------
    train : Split
    fraction : float
        In (0, 1); `round(fraction · n)` samples are held out.
    seed : int

    Returns
    -------
    train, validation : Split
        Each in the order of the original, so that only the choice depends on the seed.

    Raises
    ------
    UserError
        If one of the two would be empty.
    """
    n = len(train)
    count = round(fraction * n)
    if not 0 < count < n:
        raise UserError(
            f"data.validation = {fraction} of {n} training samples leaves {count} for validation "
            f"and {n - count} for training: both need at least one"
        )
    order = stream(seed, "data").permutation(n)
    return train.take(np.sort(order[count:])), train.take(np.sort(order[:count]))


def pixel_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel, of images scaled to [0, 1].

    Parameters
    ----------
    images : ndarray of uint8 or float, shape (n, C, H, W)

    Returns
    -------
    mean, std : ndarray of float32, shape (C,)
        A constant channel has std 1: there is nothing to scale.

    Notes
    -----
    For uint8 the sums are exact integers, counted from the histogram of grey levels: no float
    copy of the images is made, and the result depends on no order of summation.
    """
    channels = images.shape[1]
    mean, std = np.empty(channels), np.empty(channels)
    for c in range(channels):
        pixels = images[:, c]
        if images.dtype == np.uint8:
            mean[c], std[c] = _grey_statistics(_histogram(pixels))
        else:
            mean[c], std[c] = pixels.mean(dtype=np.float64), pixels.std(dtype=np.float64)
    std[std == 0] = 1.0
    return mean.astype(np.float32), std.astype(np.float32)


def _histogram(pixels: np.ndarray) -> list[int]:
    """How often each grey level occurs; in parts, as `bincount` makes an int64 copy."""
    counts = np.zeros(256, dtype=np.int64)
    for start in range(0, len(pixels), 1000):
        counts += np.bincount(pixels[start : start + 1000].ravel(), minlength=256)
    return counts.tolist()


def _grey_statistics(counts: list[int]) -> tuple[float, float]:
    """Mean and standard deviation, in units of 255, of the grey levels counted in `counts`."""
    n = sum(counts)
    first = sum(level * count for level, count in enumerate(counts))  # Σ x
    second = sum(level * level * count for level, count in enumerate(counts))  # Σ x²
    return first / n / 255, math.sqrt(n * second - first * first) / n / 255


def _zero_one(train: Split) -> tuple[np.ndarray, np.ndarray]:
    """Events are left as they are: mean 0 and std 1 for each channel."""
    channels = train.images.shape[2]
    return np.zeros(channels, dtype=np.float32), np.ones(channels, dtype=np.float32)
