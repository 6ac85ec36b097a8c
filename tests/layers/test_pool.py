"""Pooling and flattening layers: values, gradients, dtypes, memory."""

import numpy as np
import pytest

from nsnn.layers import AvgPool2d, Flatten, GlobalAvgPool2d, MaxPool2d
from nsnn.reference import pool as reference

SHAPES = [(3, 6, 4, 2, 3), (2, 5, 7, 1, 1), (1, 2, 2, 3, 1), (2, 3, 3, 1, 2)]


def problem(shape, spikes, dtype=np.float64):
    rng = np.random.default_rng(9)
    x = rng.normal(size=shape)
    return (x > 0.3).astype(np.uint8) if spikes else x.astype(dtype)


def pixels(a):
    return a.reshape(*a.shape[:3], -1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spikes", [False, True])
@pytest.mark.parametrize("k", [1, 2])
def test_pools_equal_their_references(shape, spikes, k):
    x = problem(shape, spikes)
    C, H, W, T, B = shape
    dy = np.random.default_rng(10).normal(size=(C, H // k, W // k, T, B))

    layer = AvgPool2d(k, np.float64)
    expected = reference.average_pool_forward(pixels(x), k).reshape(dy.shape)
    np.testing.assert_allclose(layer.forward(x), expected, rtol=1e-12)
    expected = reference.average_pool_backward(pixels(dy), k, pixels(x).shape)
    np.testing.assert_allclose(layer.backward(dy), expected.reshape(shape), rtol=1e-12)

    layer = MaxPool2d(k)
    y = layer.forward(x)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(pixels(y), reference.max_pool_forward(pixels(x), k))
    dx = layer.backward(dy)
    assert dx.dtype == dy.dtype
    np.testing.assert_array_equal(pixels(dx), reference.max_pool_backward(pixels(dy), pixels(x), k))


@pytest.mark.parametrize("spikes", [False, True])
def test_global_average(spikes):
    x = problem((3, 4, 5, 2, 6), spikes)
    dy = np.random.default_rng(11).normal(size=(3, 2, 6))
    layer = GlobalAvgPool2d(np.float64)
    np.testing.assert_allclose(layer.forward(x), x.mean(axis=(1, 2)), rtol=1e-12)
    dx = layer.backward(dy)
    assert dx.shape == x.shape
    np.testing.assert_allclose(dx, np.broadcast_to(dy[:, None, None] / 20, x.shape))


def test_flatten_is_a_view_in_channel_row_column_order():
    x = problem((2, 3, 4, 2, 5), True)
    layer = Flatten()
    y = layer.forward(x)
    assert np.shares_memory(x, y)
    assert y.shape == (24, 2, 5)
    np.testing.assert_array_equal(y[1 * 12 + 2 * 4 + 3], x[1, 2, 3])
    dy = np.random.default_rng(0).normal(size=y.shape)
    dx = layer.backward(dy)
    assert dx.shape == x.shape
    assert np.shares_memory(dx, dy)
