"""The benchmark of single layers: shapes, operations, rates, break-even."""

import math

import numpy as np
import pytest

from nsnn.bench import kernels
from nsnn.bench.kernels import break_even, layer_of, product_flops
from nsnn.errors import UserError
from nsnn.layers import Conv2d, Linear
from nsnn.sparsity.distribution import random_positions

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("shape", "dims", "pixels"), [
    ("784-800", (800, 784), ()),
    ("512-256C3@4", (256, 512, 3, 3), (4, 4)),
    ("3-64C1@32", (64, 3, 1, 1), (32, 32)),
])  # fmt: skip
def test_layers_are_read_from_their_shapes(shape, dims, pixels):
    layer, found = layer_of(shape, RNG)
    assert (layer.weight.dims, found) == (dims, pixels)
    assert layer.bias is None


@pytest.mark.parametrize("text", ["784", "784-", "3-64C2@8", "3-64C3", "3-64@8", "0-3", "a-b"])
def test_a_shape_that_cannot_be_read(text):
    with pytest.raises(UserError, match="--shapes"):
        layer_of(text, RNG)


@pytest.mark.parametrize(("densities", "times", "dense", "density", "relation"), [
    # Interpolated in the logarithm: 1.5 is a quarter of the way from 1 to 3, 0.1 · 4^¼.
    ((0.4, 0.1), (3.0, 1.0), 1.5, 0.1 * math.sqrt(2), "="),
    ((0.1, 0.2, 0.4, 0.8), (1.0, 3.0, 1.0, 3.0), 2.0, 0.1 * math.sqrt(2), "="),  # the first
    ((0.1, 0.4), (1.0, 3.0), 0.5, 0.1, "<"),
    ((0.1, 0.4), (1.0, 3.0), 4.0, 0.4, "≥"),
    ((0.1, 0.4), (1.0, 3.0), 3.0, 0.4, "≥"),
])  # fmt: skip
def test_break_even(densities, times, dense, density, relation):
    found = break_even(densities, times, dense)
    assert found == {"density": pytest.approx(density, rel=1e-5), "relation": relation}


def test_the_time_of_the_input_gradient_is_what_a_backward_takes_longer(monkeypatch):
    """A layer whose calls take known times: 1 s forward, 2 s backward, 5 s with both products."""
    layer, _ = layer_of("4-6", RNG)
    monkeypatch.setattr(kernels, "repeat", lambda *_: [next(seconds)])
    monkeypatch.setattr(kernels, "product_flops", lambda *_: 48)
    seconds = iter([1.0, 2.0, 5.0])
    found = kernels.products(layer, np.zeros((4, 2, 3), np.uint8), np.zeros((6, 2, 3)), 1)
    assert found == {
        "forward": 1.0, "gradient": 2.0, "input_gradient": 3.0, "operations": 48,
        "total": {"median": 6.0, "low": 6.0, "high": 6.0},
    }  # fmt: skip


def forward_of_ones(make, pixels, count=None):
    """A layer, after a forward that adds a one for each of its products; the sum of all."""
    rng = np.random.default_rng(0)
    layer = make(rng)
    if count:
        layer.weight.sparsify(random_positions(layer.weight.shape, count, rng))
    layer.weight.data[...] = 1
    x = np.ones((layer.weight.dims[1], *pixels, 4, 3), np.float32)
    return layer, layer.forward(x).sum(dtype=float)


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize(("kernel", "stride", "padding", "pixels"), [
    (3, 1, 1, (5, 7)), (3, 2, 1, (6, 5)), (1, 1, 0, (4, 4)), (5, 1, 2, (3, 2)), (3, 1, 0, (4, 6)),
    (None, None, None, ()),
])  # fmt: skip
def test_a_product_is_two_operations(kernel, stride, padding, pixels, sparse):
    def make(rng):
        if kernel is None:
            return Linear(7, 5, rng, bias=False)
        return Conv2d(2, 3, kernel, rng, stride=stride, padding=padding, bias=False)

    whole, everywhere = forward_of_ones(make, pixels)
    layer, products = forward_of_ones(make, pixels, whole.weight.size // 3 if sparse else None)
    assert product_flops(layer) == 2 * products
    assert product_flops(layer, dense=True) == 2 * everywhere
