"""Batch normalisation: each channel over its pixels, time steps and samples, x (C, M)."""

import numpy as np


def statistics(x):
    """Mean and biased variance of each channel, both (C,) float64."""
    x = x.astype(np.float64)
    return x.mean(axis=1), x.var(axis=1)


def normalised(x, eps):
    """x̂ = (x - mean) / √(variance + eps), and 1 / √(variance + eps) as a column (C, 1)."""
    mean, variance = statistics(x)
    inverse_std = 1 / np.sqrt(variance + eps)[:, None]
    return (x - mean[:, None]) * inverse_std, inverse_std


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    """y = γ x̂ + β. gamma, beta (C,)."""
    x_hat, _ = normalised(x, eps)
    return gamma[:, None] * x_hat + beta[:, None]


def batchnorm_backward(dy, x, gamma, eps=1e-5):
    """dL/dx (C, M), dγ (C,), dβ (C,): mean and variance depend on x too.

    dx = γ/std (dy - mean(dy) - x̂ mean(dy x̂)), dγ = Σ dy x̂, dβ = Σ dy.
    """
    x_hat, inverse_std = normalised(x, eps)
    mean_dy, mean_dy_x = dy.mean(axis=1), (dy * x_hat).mean(axis=1)
    dx = gamma[:, None] * inverse_std * (dy - mean_dy[:, None] - x_hat * mean_dy_x[:, None])
    return dx, (dy * x_hat).sum(axis=1), dy.sum(axis=1)
