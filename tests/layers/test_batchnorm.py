"""BatchNorm against the formula, in training and evaluation."""

import numpy as np
import pytest

from nsnn.layers import BatchNorm
from nsnn.reference import batchnorm as reference

SHAPES = [(3, 4, 5, 2, 6), (7, 3, 4), (2, 1, 1, 1, 5), (3, 1, 2), (4, 5, 10), (2, 1, 1)]


def make(shape, dtype=np.float64):
    rng = np.random.default_rng(12)
    layer = BatchNorm(shape[0], dtype, "norm1")
    layer.gamma.data[...] = rng.uniform(0.5, 2, shape[0])
    layer.beta.data[...] = rng.normal(size=shape[0])
    x = rng.normal(3, 2, shape).astype(dtype)
    return layer, x, rng.normal(size=shape).astype(dtype)


def column(a, like):
    return np.reshape(a, (-1, *[1] * (like.ndim - 1)))


@pytest.mark.parametrize("shape", SHAPES)
def test_training_is_the_formula(shape):
    layer, x, dy = make(shape)
    rows = x.reshape(shape[0], -1)
    y = reference.batchnorm_forward(rows, layer.gamma.data, layer.beta.data).reshape(shape)
    dx, d_gamma, d_beta = reference.batchnorm_backward(
        dy.reshape(rows.shape), rows, layer.gamma.data
    )
    np.testing.assert_allclose(layer.forward(x, training=True), y, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(layer.backward(dy), dx.reshape(shape), rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(layer.gamma.gradient, d_gamma, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(layer.beta.gradient, d_beta, rtol=1e-11, atol=1e-12)
    assert np.isfinite(layer.running_variance).all()  # also of one value a channel


@pytest.mark.parametrize("shape", SHAPES[:4])
def test_running_statistics(shape):
    """Unbiased variance, weight 0.1 for the newest batch, start at 0 and 1; float64 always."""
    layer, x, _ = make(shape, np.float32)
    mean, variance = np.zeros(shape[0]), np.ones(shape[0])
    for factor in (1, 2):
        layer.forward(x * np.float32(factor), training=True)
        flat = (x * np.float32(factor)).reshape(shape[0], -1).astype(np.float64)
        mean = 0.9 * mean + 0.1 * flat.mean(axis=1)
        variance = 0.9 * variance + 0.1 * flat.var(axis=1, ddof=1)
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-12)
    np.testing.assert_allclose(layer.running_variance, variance, rtol=1e-12)
    assert layer.running_mean.dtype == layer.running_variance.dtype == np.float64
    assert not any(p.decayed or p.prunable for p in layer.parameters())


@pytest.mark.parametrize("shape", SHAPES)
def test_evaluation_uses_and_keeps_the_running_statistics(shape):
    layer, x, _ = make(shape)
    rng = np.random.default_rng(13)
    layer.running_mean, layer.running_variance = rng.normal(size=shape[0]), rng.random(shape[0])
    before = {key: array.copy() for key, array in layer.state().items()}
    scale = layer.gamma.data / np.sqrt(layer.running_variance + 1e-5)
    expected = (x - column(layer.running_mean, x)) * column(scale, x) + column(layer.beta.data, x)
    np.testing.assert_allclose(layer.forward(x), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_equal(layer.state(), before)
