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
        self.gamma = Parameter(f"{name}.gamma", np.ones(channels, dtype), decayed=False)
        self.beta = Parameter(f"{name}.beta", np.zeros(channels, dtype), decayed=False)
        self.running_mean = np.zeros(channels)
        self.running_variance = np.ones(channels)
        self._live = slice(None)

    def parameters(self):
        return [self.gamma, self.beta]

    def fold(self, x, training=False) -> tuple[np.ndarray, np.ndarray]:
        """Take x as the input of this pass; (scale, shift), each (C,): y = scale x + shift.

        For what comes next to apply. Training uses the statistics of x, and moves the running ones.
        """
        self._require("channels", x.shape[0], self.gamma.data.size)
        self._x = x
        mean, variance = self.running_mean[self._live], self.running_variance[self._live]
        if training:
            mean, variance = self._statistics(x)
        self._mean = mean.astype(self.dtype)
        self._inverse_std = (1 / np.sqrt(variance + self.eps)).astype(self.dtype)
        scale = self.gamma.data * self._inverse_std
        return scale, self.beta.data - self._mean * scale

    def forward(self, x, training=False):
        """x (C, …, T, B) float -> y, same shape. Training also moves the running statistics."""
        self.fold(x, training)
        y = self._buffer("y", x.shape, self.dtype)
        parallel.launch(
            kernels.batchnorm_forward, x.shape[0], x.size, _flat(x), self._mean,
            self._inverse_std, self.gamma.data, self.beta.data, _flat(y),
        )  # fmt: skip
        return y

    def backward(self, dy):
        """dL/dx of training mode; fills the gradients of γ and β."""
        dx = self._gradient(dy, dy.shape, dy.dtype)
        dx[...] = dy
        return self.backward_in_place(dx)

    def backward_in_place(self, d):
        """As `backward`, but dL/dx takes the place of dL/dy in `d`, which is in C order."""
        parallel.launch(
            kernels.batchnorm_backward, d.shape[0], d.size, _flat(d), _flat(self._x), self._mean,
            self._inverse_std, self.gamma.data, self.gamma.gradient, self.beta.gradient,
        )  # fmt: skip
        return d

    def _statistics(self, x):
        """Mean and biased variance (C,) of the batch in float64."""
        C, M = x.shape[0], x.size // x.shape[0]
        mean, variance = np.empty(C), np.empty(C)
        parallel.launch(kernels.batchnorm_statistics, C, x.size, _flat(x), mean, variance)
        # New arrays, not in place: what `state` handed out stays as it was.
        keep = 1 - self.momentum
        unbiased = variance * (M / max(1, M - 1))
        self.running_mean = self.running_mean.copy()
        self.running_variance = self.running_variance.copy()
        for running, new in ((self.running_mean, mean), (self.running_variance, unbiased)):
            running[self._live] = keep * running[self._live] + self.momentum * new
        return mean, variance

    def shrink(self, live) -> None:
        """Work without some channels, whose statistics stay: live (C,) bool, False for those."""
        self._live = slice(None) if live.all() else np.flatnonzero(live)

    def state(self):
        return {"running_mean": self.running_mean, "running_variance": self.running_variance}

    def restore(self, state):
        self.running_mean = state["running_mean"].copy()
        self.running_variance = state["running_variance"].copy()


def _flat(array):
    """(C, …) seen as (C, M): what the kernels take, in C order."""
    return np.ascontiguousarray(array).reshape(array.shape[0], -1)
