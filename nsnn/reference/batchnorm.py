"""Batch normalisation: each channel over its pixels, time steps and samples, x (C, M)."""

import numpy as np


def statistics(x):
    """Mean and biased variance of each channel, both (C,) float64."""
    x = x.astype(np.float64)
    return x.mean(axis=1), x.var(axis=1)


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    """y = γ x̂ + β with x̂ = (x - mean) / √(variance + eps). gamma, beta (C,)."""
    mean, variance = (a[:, None] for a in statistics(x))
    return gamma[:, None] * (x - mean) / np.sqrt(variance + eps) + beta[:, None]


def batchnorm_backward(dy, x, gamma, eps=1e-5):
    """dL/dx (C, M), dγ (C,), dβ (C,): mean and variance depend on x too.

    dx = γ/std (dy - mean(dy) - x̂ mean(dy x̂)), dγ = Σ dy x̂, dβ = Σ dy.
    """
    mean, variance = (a[:, None] for a in statistics(x))
    std = np.sqrt(variance + eps)
    x_hat = (x - mean) / std
    mean_dy, mean_dy_x = (a.mean(axis=1, keepdims=True) for a in (dy, dy * x_hat))
    dx = gamma[:, None] / std * (dy - mean_dy - x_hat * mean_dy_x)
    return dx, (dy * x_hat).sum(axis=1), dy.sum(axis=1)
