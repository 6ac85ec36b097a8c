"""Pooling and flattening."""

import numpy as np

from nsnn import parallel
from nsnn.kernels import pool as kernels
from nsnn.layers.base import Layer, pixels


class AvgPool2d(Layer):
    """Mean of each k × k window, windows side by side; output of `dtype`, real also for spikes."""

    def __init__(self, k, dtype=np.float32, name="pool"):
        super().__init__()
        self.k, self.dtype, self.name = k, dtype, name

    def forward(self, x, training=False):
        """x (C, H, W, T, B) uint8 or float -> (C, H // k, W // k, T, B)."""
        C, H, W, T, B = x.shape
        self._shape = x.shape
        y = self._buffer("y", (C, H // self.k, W // self.k, T, B), self.dtype)
        parallel.launch(kernels.average_pool_forward, C, x.size, pixels(x), self.k, pixels(y))
        return y

    def backward(self, dy):
        """dy shared equally among the window."""
        dx = self._gradient(dy, self._shape, dy.dtype)
        parallel.launch(
            kernels.average_pool_backward, dx.shape[0], dx.size, pixels(dy), self.k, pixels(dx)
        )
        return dx


class MaxPool2d(Layer):
    """Maximum of each k × k window, windows side by side; of spikes, their logical or.

    The gradient goes to the first maximum in row-major order.

    Attributes
    ----------
    x, y : ndarray
        Input and output of the last forward.
    """

    def __init__(self, k, name="pool"):
        super().__init__()
        self.k, self.name = k, name

    def forward(self, x, training=False):
        """x (C, H, W, T, B) uint8 or float -> (C, H // k, W // k, T, B) of the same dtype."""
        C, H, W, T, B = x.shape
        self.x = x
        self.y = self._buffer("y", (C, H // self.k, W // self.k, T, B), x.dtype)
        parallel.launch(kernels.max_pool_forward, C, x.size, pixels(x), self.k, pixels(self.y))
        return self.y

    def backward(self, dy):
        """dy to the first maximum of each window, 0 elsewhere."""
        dx = self._gradient(dy, self.x.shape, dy.dtype)
        parallel.launch(
            kernels.max_pool_backward, dx.shape[0], dx.size,
            pixels(dy), pixels(self.x), pixels(self.y), self.k, pixels(dx),
        )  # fmt: skip
        return dx


class GlobalAvgPool2d(Layer):
    """Mean over the whole image: (C, H, W, T, B) -> (C, T, B)."""

    def __init__(self, dtype=np.float32, name="pool"):
        super().__init__()
        self.dtype, self.name = dtype, name

    def forward(self, x, training=False):
        """x (C, H, W, T, B) uint8 or float -> (C, T, B)."""
        self._shape = x.shape
        y = self._buffer("y", (x.shape[0], *x.shape[3:]), self.dtype)
        return np.mean(x, axis=(1, 2), dtype=self.dtype, out=y)

    def backward(self, dy):
        """dy / (H·W) at every pixel."""
        dx = self._gradient(dy, self._shape, dy.dtype)
        dx[...] = (dy / dy.dtype.type(dx.shape[1] * dx.shape[2]))[:, None, None]
        return dx


class Flatten(Layer):
    """(C, H, W, T, B) -> (C·H·W, T, B): the same memory, neuron (c, y, x) at c·H·W + y·W + x."""

    def __init__(self, name="flatten"):
        super().__init__()
        self.name = name

    def forward(self, x, training=False):
        """A view of x."""
        self._shape = x.shape
        return x.reshape(-1, *x.shape[3:])

    def backward(self, dy):
        """A view of dy."""
        return dy.reshape(self._shape)
