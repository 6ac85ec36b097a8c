"""The gradient of a bias: the twin of `nsnn.kernels.bias`."""

import numpy as np


def bias_gradient(epsilon):
    """∂L/∂b = Σ_t ε[t]: sums (O,) of the rows of epsilon (O, M), in float64."""
    return epsilon.sum(axis=1, dtype=np.float64).astype(epsilon.dtype)
