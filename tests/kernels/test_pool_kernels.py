"""Pooling and batch normalisation kernels against the formulas."""

import numpy as np
import pytest

from nsnn.kernels import batchnorm, pool
from nsnn.kernels.bias import bias_gradient
from nsnn.reference import batchnorm as batchnorm_reference
from nsnn.reference import linear as linear_reference
from nsnn.reference import pool as pool_reference

SHAPES = [(3, 6, 4, 5), (2, 5, 7, 3), (1, 2, 2, 1), (2, 3, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("spikes", [False, True])
def test_pools_equal_the_formulas(shape, k, spikes):
    rng = np.random.default_rng(9)
    x = rng.normal(size=shape)
    if spikes:
        x = (x > 0.5).astype(np.uint8)  # ties everywhere: zeros as well as ones
    C, H, W, K = shape
    small = (C, H // k, W // k, K)
    dy = rng.normal(size=small)

    y = np.full(small, np.nan)
    pool.average_pool_forward(x, k, y, 0, C)
    np.testing.assert_allclose(y, pool_reference.average_pool_forward(x, k), rtol=1e-12)
    dx = np.full(shape, np.nan)
    pool.average_pool_backward(dy, k, dx, 0, C)
    np.testing.assert_allclose(dx, pool_reference.average_pool_backward(dy, k, shape), rtol=1e-12)

    y = np.zeros(small, x.dtype)
    pool.max_pool_forward(x, k, y, 0, C)
    np.testing.assert_array_equal(y, pool_reference.max_pool_forward(x, k))
    pool.max_pool_backward(dy, x, y, k, dx, 0, C)
    np.testing.assert_array_equal(dx, pool_reference.max_pool_backward(dy, x, k))


@pytest.mark.parametrize("shape", [(4, 50), (1, 1), (3, 2)])
def test_batchnorm_equals_the_formula(shape):
    rng = np.random.default_rng(10)
    x, dy = rng.normal(2, 3, shape), rng.normal(size=shape)
    C = shape[0]
    gamma, beta = rng.normal(size=C), rng.normal(size=C)
    mean, variance = np.zeros(C), np.zeros(C)
    batchnorm.batchnorm_statistics(x, mean, variance, 0, C)
    expected = batchnorm_reference.statistics(x)
    np.testing.assert_allclose(mean, expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(variance, expected[1], rtol=1e-12, atol=1e-12)

    inverse_std = 1 / np.sqrt(variance + 1e-5)
    y = np.full(shape, np.nan)
    batchnorm.batchnorm_forward(x, mean, inverse_std, gamma, beta, y, 0, C)
    expected = batchnorm_reference.batchnorm_forward(x, gamma, beta, 1e-5)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)

    d_gamma, d_beta, dx = np.zeros(C), np.zeros(C), dy.copy()
    batchnorm.batchnorm_backward(dx, x, mean, inverse_std, gamma, d_gamma, d_beta, 0, C)
    expected = batchnorm_reference.batchnorm_backward(dy, x, gamma, 1e-5)
    for got, wanted in zip((dx, d_gamma, d_beta), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-12)


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
