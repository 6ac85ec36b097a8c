"""Batch normalisation of (C, M): the twin of `nsnn.kernels.batchnorm`."""

import numpy as np


def batchnorm_statistics(x):
    """Mean and biased variance of each channel in float64, each (C,)."""
    x = x.astype(np.float64)
    return x.mean(axis=1), x.var(axis=1)


def batchnorm_forward(x, mean, inverse_std, gamma, beta):
    """y = γ x̂ + β with x̂ = (x - mean) / std."""
    x_hat = (x - mean[:, None]) * inverse_std[:, None]
    return gamma[:, None] * x_hat + beta[:, None]


def batchnorm_backward(dy, x, mean, inverse_std, gamma):
    """dx, dγ (C,), dβ (C,) where the statistics are those of the batch itself."""
    x_hat = (x - mean[:, None]) * inverse_std[:, None]
    d_beta = dy.sum(axis=1)
    d_gamma = (dy * x_hat).sum(axis=1)
    M = x.shape[1]
    centred = dy - d_beta[:, None] / M - x_hat * d_gamma[:, None] / M
    return (gamma * inverse_std)[:, None] * centred, d_gamma, d_beta
