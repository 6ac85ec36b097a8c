"""Growth candidates: the largest gradients outside the topology, without a dense gradient."""

import tracemalloc

import numpy as np
import pytest

from nsnn.layers import Conv2d, Linear, growth
from nsnn.reference.conv import im2col

GEOMETRIES = [(3, 1, 1), (3, 2, 1), (1, 1, 0)]


def linear(rng, ties):
    layer = Linear(17, 11, rng, np.float64)
    x, dy = draw(rng, (17, 2, 5), ties), draw(rng, (11, 2, 5), ties)
    return layer, x, dy, np.einsum("otb,itb->oi", dy, x)


def convolution(rng, ties, kernel=3, stride=1, padding=1):
    layer = Conv2d(4, 6, kernel, rng, stride, padding, np.float64)
    x = draw(rng, (4, 5, 6, 2, 3), ties)
    dy = draw(rng, (*layer.output_shape(5, 6), 2, 3), ties)
    columns = im2col(x.reshape(4, 5, 6, 6), kernel, kernel, stride, padding)
    return layer, x, dy, dy.reshape(6, -1) @ columns.reshape(columns.shape[0], -1).T


def draw(rng, shape, ties):
    """Small integers make gradients that are exact and often equal."""
    return rng.integers(-1, 2, shape).astype(float) if ties else rng.normal(size=shape)


def best(gradient, k, excluded):
    """The k largest |gradient| outside `excluded`, ties by smaller position."""
    free = np.setdiff1d(np.arange(gradient.size), excluded)
    order = np.lexsort((free, -np.abs(gradient.reshape(-1)[free])))
    return free[order[:k]]


def candidates(layer, x, dy, k, excluded):
    layer.forward(x)
    layer.weight.request_growth(k, excluded)
    layer.backward(dy)
    return layer.weight.take_candidates()


@pytest.mark.parametrize("storage", ["csr", "dense", None])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("block", [1, 50, growth.BLOCK])
def test_candidates_are_the_true_best(storage, ties, block, monkeypatch):
    monkeypatch.setattr(growth, "BLOCK", block)
    for seed in range(3):
        rng = np.random.default_rng([30, seed])
        for make in (linear, *(lambda r, t, g=g: convolution(r, t, *g) for g in GEOMETRIES)):
            layer, x, dy, gradient = make(rng, ties)
            active = np.flatnonzero(rng.random(gradient.size) < 0.3)
            if storage:
                layer.weight.sparsify(active, storage)
            if ties:  # some |gradient| must be equal across the cut
                values = np.sort(np.abs(gradient.reshape(-1)))
                assert np.any(np.diff(values) == 0)
            for k in (0, 1, 20, gradient.size - active.size, gradient.size + 5):
                found = candidates(layer, x, dy, k, active)
                np.testing.assert_array_equal(found, best(gradient, k, active))
            none = np.zeros(0, np.int64)
            np.testing.assert_array_equal(
                candidates(layer, x, dy, 9, none), best(gradient, 9, none)
            )


def test_spikes_as_input_and_nothing_left_to_grow():
    rng = np.random.default_rng(31)
    layer, _, dy, _ = linear(rng, False)
    x = (rng.random((17, 2, 5)) < 0.3).astype(np.uint8)
    gradient = np.einsum("otb,itb->oi", dy, x)
    layer.weight.sparsify(np.arange(0, gradient.size, 3))
    excluded = layer.weight.positions()
    found = candidates(layer, x, dy, 12, excluded)
    np.testing.assert_array_equal(found, best(gradient, 12, excluded))
    assert candidates(layer, x, dy, 12, np.arange(gradient.size)).size == 0


def test_the_gradient_of_the_active_weights_is_not_touched():
    rng = np.random.default_rng(32)
    for make in (linear, convolution):
        layer, x, dy, _ = make(rng, False)
        layer.weight.sparsify(np.arange(0, layer.weight.size, 2))
        layer.forward(x)
        dx, gradient = layer.backward(dy).copy(), layer.weight.gradient.copy()
        layer.weight.request_growth(10, layer.weight.positions())
        np.testing.assert_array_equal(layer.backward(dy), dx)
        np.testing.assert_array_equal(layer.weight.gradient, gradient)
        assert layer.weight.take_candidates().size == 10


def extra_memory(layer, x, dy, k):
    """Peak bytes that a backward allocates because growth was requested."""
    candidates(layer, x, dy, 1, layer.weight.positions())  # buffers exist, kernels are compiled
    layer.weight.request_growth(k, layer.weight.positions())
    tracemalloc.start()
    try:
        layer.backward(dy)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert layer.weight.take_candidates().size == k
    return peak


@pytest.mark.parametrize("k", [10, 20_000])
@pytest.mark.parametrize("kind", ["linear", "convolution"])
def test_no_dense_gradient_is_ever_held(kind, k):
    """Peak extra memory O(grown + block), far below the dense gradient."""
    rng = np.random.default_rng(33)
    if kind == "linear":
        layer = Linear(4_000, 2_000, rng)
        x, dy = np.ones((4_000, 1, 2), np.float32), rng.normal(size=(2_000, 1, 2))
    else:
        layer = Conv2d(300, 600, 5, rng, padding=2)
        x, dy = np.ones((300, 2, 2, 1, 1), np.float32), rng.normal(size=(600, 2, 2, 1, 1))
    size = layer.weight.size
    layer.weight.sparsify(np.arange(0, size, 2_000))
    peak = extra_memory(layer, x, dy.astype(np.float32), k)
    # A block has a gradient and a column index; a candidate a score, a position, twice when sorted.
    bound = 3 * growth.BLOCK * (4 + 4) + 4 * k * (4 + 8)
    assert peak < bound
    assert bound < 4 * size / 5  # what the dense gradient would take, five times over
