"""Global average and flattening: values; adjoints: tests/gradcheck."""

import numpy as np
import pytest

from nsnn.layers import Flatten, GlobalAvgPool2d


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_global_average(dtype):
    x = np.random.default_rng(9).integers(0, 2, (3, 4, 5, 2, 6)).astype(dtype)
    expected = x.mean(axis=(1, 2))
    np.testing.assert_allclose(GlobalAvgPool2d(np.float64).forward(x), expected, rtol=1e-12)


def test_flatten_is_a_view_in_channel_row_column_order():
    x = np.random.default_rng(9).normal(size=(2, 3, 4, 2, 5))
    layer = Flatten()
    y = layer.forward(x)
    assert y.shape == (24, 2, 5)
    np.testing.assert_array_equal(y[1 * 12 + 2 * 4 + 3], x[1, 2, 3])
    assert np.shares_memory(x, y)
    assert np.shares_memory(y, layer.backward(y))
