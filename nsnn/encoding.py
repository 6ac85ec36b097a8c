"""From what users have, images and events, to the input of a network."""

import numpy as np

from nsnn.errors import UserError


def direct(images, mean, std, dtype) -> np.ndarray:
    """Direct coding: the normalised image itself is the input current, the same at every step.

    Parameters
    ----------
    images : ndarray, (B, C, H, W)
        uint8, of which 255 is white, or float in [0, 1].
    mean, std : ndarray of float, (C,)
        Of the training images on the scale [0, 1].
    dtype : float32 or float64

    Returns
    -------
    ndarray of `dtype`, (C, H, W, 1, B)
        One time step stands for all T: everything before the first LIF is computed once.
    """
    x = np.ascontiguousarray(images.transpose(1, 2, 3, 0)).astype(dtype)
    if images.dtype == np.uint8:
        x /= dtype.type(255)
    x -= mean.astype(dtype)[:, None, None, None]
    x /= std.astype(dtype)[:, None, None, None]
    return x[:, :, :, None]


def events(frames, dtype) -> np.ndarray:
    """Event frames (B, T, C, H, W) as input (C, H, W, T, B) of `dtype`, the counts themselves.

    Counts are converted even if they are uint8: inside the engine uint8 means spikes, 0 or 1, and
    the sparse products would take a count of 2 for one spike.
    """
    return frames.transpose(2, 3, 4, 1, 0).astype(dtype, order="C")


def check_pixels(images, where: str) -> None:
    """Raise UserError unless images are uint8 or float in [0, 1], and events whole numbers to 255.

    Events are what has 5 axes; `where` says in the message what the array is.
    """
    whole, real = images.dtype == np.uint8, images.dtype.kind == "f"
    if images.ndim == 5:
        fits = images.dtype.kind in "iub" or (real and np.array_equal(images, np.floor(images)))
        highest, expected = 255, "whole numbers 0 to 255 for events (5 axes)"
    else:
        fits, highest, expected = whole or real, 255 if whole else 1, "uint8 or float in [0, 1]"
    if not fits:
        raise UserError(f"{where} has type {images.dtype}, expected {expected}")
    low, high = images.min(), images.max()
    if not 0 <= low <= high <= highest:  # NaN is both the least and the greatest
        raise UserError(f"{where} has values from {low:.4g} to {high:.4g}, expected {expected}")


def encode(images, mean, std, dtype) -> np.ndarray:
    """`direct` for images (B, C, H, W), `events` for event frames (B, T, C, H, W)."""
    if images.ndim == 4:
        if images.dtype != np.uint8 and images.dtype.kind != "f":
            raise UserError(
                f"images of type {images.dtype}: give uint8 (255 is white) or float in [0, 1]"
            )
        return direct(images, mean, std, np.dtype(dtype))
    if images.ndim == 5:
        return events(images, np.dtype(dtype))
    raise UserError(
        f"input of shape {images.shape}: give images (B, C, H, W) or events (B, T, C, H, W)"
    )
