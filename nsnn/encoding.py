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
