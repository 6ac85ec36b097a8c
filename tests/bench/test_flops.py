"""Useful operations, counted one by one."""

import itertools

import numpy as np
import pytest

from nsnn.bench.flops import inside, product_flops
from nsnn.layers import Conv2d, Linear
from nsnn.sparsity.distribution import random_positions


def by_hand(W, height, width, geometry):
    """Multiplications of a convolution's forward for one step and sample, pixel by pixel."""
    kh, kw, stride, padding = geometry
    count = 0
    for oy in range((height + 2 * padding - kh) // stride + 1):
        for ox in range((width + 2 * padding - kw) // stride + 1):
            for dy, dx in itertools.product(range(kh), range(kw)):
                iy, ix = oy * stride + dy - padding, ox * stride + dx - padding
                if 0 <= iy < height and 0 <= ix < width:
                    count += np.count_nonzero(W[:, :, dy, dx])
    return count


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "height", "width"),
    [(3, 1, 1, 5, 7), (3, 2, 1, 6, 5), (1, 1, 0, 4, 4), (5, 1, 2, 3, 2), (3, 1, 0, 4, 6)],
)
@pytest.mark.parametrize("sparse", [True, False])
def test_convolution(kernel, stride, padding, height, width, sparse):
    rng = np.random.default_rng(0)
    layer = Conv2d(2, 3, kernel, rng, stride=stride, padding=padding)
    if sparse:
        count = layer.weight.size // 3
        layer.weight.sparsify(random_positions(layer.weight.shape, count, rng))
    W = layer.weight.to_dense().reshape(layer.weight.dims)
    geometry = (kernel, kernel, stride, padding)
    expected = 2 * by_hand(W, height, width, geometry) * 4 * 3
    assert product_flops(layer, (2, height, width, 4, 3)) == expected
    whole = 2 * by_hand(np.ones_like(W), height, width, geometry) * 4 * 3
    assert product_flops(layer, (2, height, width, 4, 3), dense=True) == whole


def test_linear():
    rng = np.random.default_rng(0)
    layer = Linear(7, 5, rng)
    layer.weight.sparsify(random_positions((5, 7), 11, rng))
    assert product_flops(layer, (7, 4, 3)) == 2 * 11 * 4 * 3
    assert product_flops(layer, (7, 4, 3), dense=True) == 2 * 35 * 4 * 3


def test_the_middle_of_the_kernel_meets_every_pixel():
    counts = inside(5, 6, (3, 3, 1, 1)).reshape(3, 3)
    assert counts[1, 1] == 30
    assert counts[0, 1] == 24  # not the first row
    assert counts[1, 2] == 25  # not the last column
