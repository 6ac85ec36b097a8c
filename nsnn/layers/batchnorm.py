"""Batch normalisation over pixels, time steps and samples."""

import numpy as np

from nsnn import parallel
from nsnn.kernels import batchnorm as kernels
from nsnn.layers.base import Layer
from nsnn.layers.parameter import Parameter


class BatchNorm(Layer):
    """y = γ (x - mean) / √(variance + eps) + β for each channel, statistics over H, W, T and B.

    An input that is constant in time (T = 1) counts once: B·H·W samples.

    Parameters
    ----------
    channels : int
    dtype : float32 or float64
    name : str
    eps : float
    momentum : float
        Weight of the newest batch in the running statistics that evaluation uses. The running
        variance is the unbiased one, as in PyTorch.
    """

    def __init__(self, channels, dtype=np.float32, name="norm", eps=1e-5, momentum=0.1):
        super().__init__()
        self.name, self.dtype, self.eps, self.momentum = name, dtype, eps, momentum
        self.gamma = Parameter(f"{name}.gamma", np.ones(channels, dtype), decay=False)
        self.beta = Parameter(f"{name}.beta", np.zeros(channels, dtype), decay=False)
        self.running_mean = np.zeros(channels)
        self.running_variance = np.ones(channels)

    def parameters(self):
        return [self.gamma, self.beta]

    def forward(self, x, training=False):
        """x (C, …, T, B) float -> y, same shape. Training also moves the running statistics."""
        self._require("channels", x.shape[0], self.gamma.size)
        self._x = x
        C = x.shape[0]
        flat = x.reshape(C, -1)
        mean, variance = self.running_mean, self.running_variance
        if training:
            M = flat.shape[1]
            mean, variance = np.empty(C), np.empty(C)
            parallel.run(kernels.batchnorm_statistics, C, x.size, flat, mean, variance)
            # New arrays, not in place: what `state` handed out stays as it was.
            keep = 1 - self.momentum
            unbiased = variance * (M / max(1, M - 1))
            self.running_mean = keep * self.running_mean + self.momentum * mean
            self.running_variance = keep * self.running_variance + self.momentum * unbiased
        self._mean = mean.astype(self.dtype)
        self._inverse_std = (1 / np.sqrt(variance + self.eps)).astype(self.dtype)
        y = self._buffer("y", x.shape, self.dtype)
        parallel.run(
            kernels.batchnorm_forward, C, x.size, flat, self._mean, self._inverse_std,
            self.gamma.data, self.beta.data, y.reshape(C, -1),
        )  # fmt: skip
        return y

    def backward(self, dy):
        """dL/dx of training mode; fills the gradients of γ and β."""
        C = dy.shape[0]
        dx = self._buffer("dx", dy.shape, dy.dtype)
        parallel.run(
            kernels.batchnorm_backward, C, dy.size, dy.reshape(C, -1), self._x.reshape(C, -1),
            self._mean, self._inverse_std, self.gamma.data,
            self.gamma.gradient, self.beta.gradient, dx.reshape(C, -1),
        )  # fmt: skip
        return dx

    def state(self):
        return {"running_mean": self.running_mean, "running_variance": self.running_variance}

    def restore(self, state):
        self.running_mean = state["running_mean"].copy()
        self.running_variance = state["running_variance"].copy()
