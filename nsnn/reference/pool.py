"""Average and max pooling over k × k windows side by side; a rest at the border is left out."""

import numpy as np


def windows(x, k):
    """x (C, H, W, K) -> (C, Ho, Wo, k·k, K): the pixels of each window in row-major order."""
    C, H, W, K = x.shape
    Ho, Wo = H // k, W // k
    x = x[:, : Ho * k, : Wo * k].reshape(C, Ho, k, Wo, k, K)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(C, Ho, Wo, k * k, K)


def _spread(pixels, k, shape):
    """The inverse of `windows`; pixels that no window reaches are 0."""
    C, Ho, Wo, _, K = pixels.shape
    x = np.zeros(shape, pixels.dtype)
    pixels = pixels.reshape(C, Ho, Wo, k, k, K).transpose(0, 1, 3, 2, 4, 5)
    x[:, : Ho * k, : Wo * k] = pixels.reshape(C, Ho * k, Wo * k, K)
    return x


def average_pool_forward(x, k):
    """Mean of each window, (C, Ho, Wo, K)."""
    return windows(x, k).mean(axis=3)


def average_pool_backward(dy, k, shape):
    """dL/dx of `shape` (C, H, W, K)."""
    C, Ho, Wo, K = dy.shape
    share = np.broadcast_to(dy[:, :, :, None] / (k * k), (C, Ho, Wo, k * k, K))
    return _spread(share.astype(dy.dtype), k, shape)


def max_pool_forward(x, k):
    """Maximum of each window, (C, Ho, Wo, K)."""
    return windows(x, k).max(axis=3)


def max_pool_backward(dy, x, k):
    """dL/dx: dy goes to the first maximum of its window (argmax takes the first)."""
    pixels = windows(x, k)
    first = pixels.argmax(axis=3)[:, :, :, None]
    gradient = np.zeros(pixels.shape, dy.dtype)
    np.put_along_axis(gradient, first, dy[:, :, :, None], axis=3)
    return _spread(gradient, k, x.shape)
