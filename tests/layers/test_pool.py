"""Pooling and flattening layers: values, gradients, dtypes, memory."""

import numpy as np
import pytest

from nsnn.layers import Flatten, GlobalAvgPool2d


def problem(shape, spikes, dtype=np.float64):
    rng = np.random.default_rng(9)
    x = rng.normal(size=shape)
    return (x > 0.3).astype(np.uint8) if spikes else x.astype(dtype)


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
