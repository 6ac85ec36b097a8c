"""Batch normalisation of `(C, M)`: M = H·W·T·B values of each channel."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def batchnorm_statistics(x, mean, variance, start, stop):
    """Mean and biased variance (C,) float64 of each channel, in two passes for accuracy."""
    M = x.shape[1]
    for c in range(start, stop):
        row = x[c]
        total = 0.0
        for i in range(M):
            total += np.float64(row[i])
        m = total / M
        squares = 0.0
        for i in range(M):
            d = np.float64(row[i]) - m
            squares += d * d
        mean[c], variance[c] = m, squares / M


@njit(cache=True, nogil=True, error_model="numpy")
def batchnorm_forward(x, mean, inverse_std, gamma, beta, y, start, stop):
    """y = gamma (x - mean) inverse_std + beta; the statistics (C,) have the type of x."""
    M = x.shape[1]
    for c in range(start, stop):
        row, target = x[c], y[c]
        m, scale, shift = mean[c], gamma[c] * inverse_std[c], beta[c]
        for i in range(M):
            target[i] = (row[i] - m) * scale + shift


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def batchnorm_backward(d, x, mean, inverse_std, gamma, d_gamma, d_beta, start, stop):
    """d (C, M) from dL/dy to dL/dx in place, and d_gamma, d_beta (C,): training mode.

    There mean and variance depend on x: dx = gamma inverse_std (dy - mean(dy) - x_hat mean(dy
    x_hat)); x_hat is rebuilt from x.
    """
    M = x.shape[1]
    for c in range(start, stop):
        row, d_row = x[c], d[c]
        m, r = mean[c], inverse_std[c]
        sum_dy, sum_dy_x = 0.0, 0.0
        for i in range(M):
            sum_dy += np.float64(d_row[i])
            sum_dy_x += np.float64(d_row[i]) * np.float64((row[i] - m) * r)
        d_beta[c], d_gamma[c] = sum_dy, sum_dy_x
        mean_dy, mean_dy_x = x.dtype.type(sum_dy / M), x.dtype.type(sum_dy_x / M)
        scale = gamma[c] * r
        for i in range(M):
            d_row[i] = scale * (d_row[i] - mean_dy - (row[i] - m) * r * mean_dy_x)
