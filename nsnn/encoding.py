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
    """Event frames (B, T, C, H, W) as input (C, H, W, T, B); uint8 counts stay uint8."""
    x = np.ascontiguousarray(frames.transpose(2, 3, 4, 1, 0))
    return x if x.dtype == np.uint8 else x.astype(dtype)


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
