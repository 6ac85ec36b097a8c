"""Random changes of training samples: shifted crops, mirror images, Cutout, late spikes.

Each batch takes its numbers in order from one generator, so that an epoch which is resumed in its
middle meets the same ones once the batches before have been drawn and thrown away.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nsnn.data.dataset import Batch, DataSet
from nsnn.errors import UserError

AUGMENTATIONS = ("none", "crop", "crop-flip", "crop-flip-cutout", "spike-delay")
"""Values of `data.augment`."""

CUTOUT = 16
"""Side of the square that Cutout fills, in pixels."""


def check(kind: str, data: DataSet) -> None:
    """UserError when data cannot be augmented: events, or images that Cutout would blank."""
    if kind != "none" and data.time_steps is not None:
        what = f'data.augment = "{kind}", but {data.name} holds events, not images'
        raise UserError(f'{what}: set data.augment to "none"')
    if kind == "crop-flip-cutout" and min(data.shape[1:]) <= CUTOUT:
        size = " × ".join(map(str, data.shape[1:]))
        what = f"a square of {CUTOUT} pixels can blank whole images of {data.name}, {size}"
        raise UserError(f'data.augment = "{kind}": {what}: set data.augment to "crop-flip"')


def augmented(
    batches: Iterable[Batch], kind: str, rng: np.random.Generator, delay: float = 0.0
) -> Iterator[Batch]:
    """The batches with their images changed as a `kind` of `AUGMENTATIONS` says.

    Those given are left as they are; `rng` is for this epoch alone. `delay` is σ of "spike-delay":
    each input spike comes |N(0, σ)| later.
    """
    for batch in batches:
        images, delays = batch.images, None
        if kind == "spike-delay":
            drawn = rng.standard_normal(images.shape, dtype=np.float32)
            delays = np.abs(drawn) * np.float32(delay)
        elif kind != "none":
            images = crop(images, rng)
        if kind in ("crop-flip", "crop-flip-cutout"):
            images = flip(images, rng)
        if kind == "crop-flip-cutout":
            cutout(images, rng)
        yield Batch(images, batch.labels, delays)


def crop(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pad images (B, C, H, W), uint8 or float, with black, and cut each out at a random place.

    Each side gets 4 pixels, 8 from 64 pixels on, 2 for images below 32: the digits of MNIST fill
    theirs, and on a validation split 4 pixels were as good as none. Black is 0 before
    normalisation, as in the public code of the papers, which pads and then normalises.
    """
    n, channels, height, width = images.shape
    side = min(height, width)
    pad = 8 if side >= 64 else 4 if side >= 32 else 2
    padded = np.zeros((n, channels, height + 2 * pad, width + 2 * pad), dtype=images.dtype)
    padded[:, :, pad:-pad, pad:-pad] = images
    top, left = rng.integers(0, 2 * pad + 1, size=(2, n))
    # (B, C, 2 pad + 1, 2 pad + 1, H, W): all crops there are, as a view.
    windows = sliding_window_view(padded, (height, width), axis=(2, 3))
    return windows[np.arange(n), :, top, left]


def flip(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mirror each image left to right with probability ½; see `crop` for the types."""
    mirrored = rng.integers(0, 2, size=len(images), dtype=np.uint8).astype(bool)
    return np.where(mirrored[:, None, None, None], images[:, :, :, ::-1], images)


def cutout(images: np.ndarray, rng: np.random.Generator) -> None:
    """Fill a square of each image with black, in place; see `crop` for the types.

    Notes
    -----
    The square's centre is uniform over the pixels of the image; what lies beyond the border is
    cut off. Black before normalisation, as in the code base that NDSNN compares with; the authors
    of Cutout fill with 0 *after* it, the mean colour.
    Source: T. DeVries, G. W. Taylor, "Improved Regularization of Convolutional Neural Networks
    with Cutout".
    """
    n, _, height, width = images.shape
    y, x = rng.integers(0, height, size=n), rng.integers(0, width, size=n)
    for image, top, left in zip(images, y - CUTOUT // 2, x - CUTOUT // 2, strict=True):
        image[:, max(top, 0) : top + CUTOUT, max(left, 0) : left + CUTOUT] = 0
