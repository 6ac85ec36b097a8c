"""What kernels of pools, batch normalisation and biases do with ties and long sums."""

import numpy as np
import pytest

from nsnn.kernels import batchnorm, pool
from nsnn.kernels.bias import bias_gradient
from nsnn.reference import linear as linear_reference

# Values and gradients of pools and of batch normalisation: tests/layers/test_pool.py and
# test_batchnorm.py, where the layers do nothing but call these kernels.


def test_max_pool_gives_a_tie_to_the_first_in_row_major_order():
    x = np.array([[0, 1], [1, 1]], np.uint8).reshape(1, 2, 2, 1)
    y, dx = np.ones((1, 1, 1, 1), np.uint8), np.zeros((1, 2, 2, 1))
    pool.max_pool_backward(np.full((1, 1, 1, 1), 3.0), x, y, 2, dx, 0, 1)
    np.testing.assert_array_equal(dx.reshape(2, 2), [[0, 3], [0, 0]])


def test_statistics_of_float32_are_summed_in_float64():
    """A million values near 1000: float32 sums would lose the variance."""
    rng = np.random.default_rng(11)
    x = (1000 + rng.normal(size=(1, 1_000_000))).astype(np.float32)
    mean, variance = np.zeros(1), np.zeros(1)
    batchnorm.batchnorm_statistics(x, mean, variance, 0, 1)
    np.testing.assert_allclose(mean[0], x.astype(np.float64).mean(), rtol=1e-12)
    np.testing.assert_allclose(variance[0], x.astype(np.float64).var(), rtol=1e-9)


@pytest.mark.parametrize("shape", [(4, 50), (1, 1), (3, 0)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_bias_gradient_equals_the_formula(shape, dtype, tolerance):
    epsilon = np.random.default_rng(12).normal(size=shape).astype(dtype)
    gradient = np.full(shape[0], np.nan, dtype)
    bias_gradient(epsilon, gradient, 0, shape[0])
    expected = linear_reference.bias_gradient(epsilon.astype(float))
    np.testing.assert_allclose(gradient, expected, rtol=tolerance)
