"""Observers see the whole gradient; the largest entries are found without holding it."""

import tracemalloc
from functools import partial

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.layers import LIF, BatchNorm, BatchNormLIF, Conv2d, Linear, Sequential, parameter
from nsnn.neuron import from_preset
from nsnn.reference.conv import conv_weight_gradient
from nsnn.sparsity.grow import TopK

GEOMETRIES = [(3, 1, 1), (3, 2, 1), (1, 1, 0)]  # kernel, stride, padding


def draw(rng, shape, spikes=False):
    x = rng.normal(size=shape)
    return (x > 0.5).astype(np.uint8) if spikes else x


def linear(rng, spikes=False):
    layer = Linear(17, 11, rng, np.float64)
    x, dy = draw(rng, (17, 2, 5), spikes), draw(rng, (11, 2, 5))
    return layer, x, dy, np.einsum("otb,itb->oi", dy, x)


def convolution(rng, spikes=False, geometry=GEOMETRIES[0]):
    layer = Conv2d(4, 6, geometry[0], rng, *geometry[1:], np.float64)
    x = draw(rng, (4, 5, 6, 2, 3), spikes)
    dy = draw(rng, (*layer.output_shape(5, 6), 2, 3))
    return layer, x, dy, whole_gradient(layer, dy, x)


def whole_gradient(conv, dy, x):
    """dL/dW at every position, by the equations."""
    return conv_weight_gradient(*(a.reshape(*a.shape[:3], -1) for a in (dy, x)), *conv.geometry)


@pytest.mark.parametrize("storage", ["csr", "dense", None])
@pytest.mark.parametrize("spikes", [False, True])
@pytest.mark.parametrize("size", [1, 20, 65_536])
def test_observers_see_the_same_blocks_of_the_whole_gradient(storage, spikes, size, monkeypatch):
    monkeypatch.setattr(parameter, "OBSERVED", size)
    rng = np.random.default_rng(32)
    for make in (linear, *(partial(convolution, geometry=g) for g in GEOMETRIES)):
        layer, x, dy, gradient = make(rng, spikes)
        if storage:
            layer.weight.storage = storage
            layer.weight.sparsify(np.arange(0, layer.weight.size, 2))
        layer.forward(x)
        dx, own = layer.backward(dy).copy(), layer.weight.gradient.copy()
        seen = np.full((2, *layer.weight.shape), np.nan)
        starts = []
        for array in seen:

            def observer(columns, block, array=array, starts=starts):
                starts.append(columns.start)
                array[:, columns] = block

            layer.weight.observe(observer)
        np.testing.assert_array_equal(layer.backward(dy), dx)
        np.testing.assert_array_equal(layer.weight.gradient, own)
        assert starts == sorted(starts)
        assert len(starts) == 2 * len(set(starts))
        assert (len(starts) == 2) == (storage is None or size > 20)
        for array in seen:
            np.testing.assert_allclose(array, gradient, rtol=1e-12, atol=1e-12)
        layer.backward(dy)
        assert len(starts) == 2 * len(set(starts))  # they had asked for one backward


@pytest.mark.parametrize("make", [linear, convolution])
def test_a_scaled_gradient_is_that_of_rows_of_one_size(make):
    """A neuron without any ε stays at 0; nobody else sees a difference."""
    layer, x, dy, _ = make(np.random.default_rng(35))
    dy *= 10.0 ** np.arange(len(dy)).reshape(-1, *[1] * (dy.ndim - 1))
    dy[2] = 0
    layer.forward(x)
    dx, own = layer.backward(dy).copy(), layer.weight.gradient.copy()
    seen = np.full(layer.weight.shape, np.nan)

    def observer(columns, block):
        seen[:, columns] = block

    layer.weight.observe(observer, of="scaled")
    np.testing.assert_array_equal(layer.backward(dy), dx)
    np.testing.assert_array_equal(layer.weight.gradient, own)
    rms = np.sqrt(np.mean(dy.reshape(len(dy), -1) ** 2, axis=1))
    np.testing.assert_allclose(seen * rms[:, None], own, rtol=1e-12, atol=1e-12)
    assert not seen[2].any()


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("constant", [False, True])
def test_delta_is_what_the_neurons_received(normalised, constant):
    """Σ_t δ[t] s[t]ᵀ, δ = dL/do: not 0 where the surrogate is, with a constant input, too."""
    rng = np.random.default_rng(33)
    neuron = from_preset("sdsnn", time_steps=3)  # rectangle: φ is 0 away from the threshold
    x = rng.normal(size=(4, 5, 6, 1 if constant else 3, 2))
    conv = Conv2d(4, 6, 3, rng, padding=1, dtype=np.float64)
    lif = LIF(neuron, np.float64)
    after = BatchNormLIF(BatchNorm(6, np.float64), lif) if normalised else lif
    body = Sequential([conv, after])
    if not normalised:
        conv.weight.data *= 1e-3  # no current comes near the threshold
        conv.bias.data[:] = 0
    s = body.forward(x, training=True)
    delta = rng.normal(size=s.shape)
    seen = np.zeros(conv.weight.shape)

    def observer(columns, block):
        seen[:, columns] += block

    conv.weight.observe(observer, of="delta")
    body.backward(delta)
    wanted = whole_gradient(conv, delta, np.broadcast_to(x, (*x.shape[:3], 3, 2)))
    np.testing.assert_allclose(seen, wanted, rtol=1e-12, atol=1e-12)
    assert normalised or not conv.weight.gradient.any()


def test_a_readout_has_no_delta():
    rng = np.random.default_rng(34)
    layer, x, dy, _ = linear(rng)
    layer.forward(x)
    layer.weight.observe(print, of="delta")
    with pytest.raises(UserError, match=r"linear\.weight: no neurons follow it directly"):
        layer.backward(dy)


@pytest.mark.parametrize("k", [10, 20_000])
@pytest.mark.parametrize("kind", ["linear", "convolution"])
def test_no_dense_gradient_is_ever_held(kind, k):
    """Peak extra memory O(grown + block), far below the dense gradient."""
    rng = np.random.default_rng(33)
    if kind == "linear":
        layer = Linear(4_000, 2_000, rng)
        x, dy = np.ones((4_000, 1, 2)), rng.normal(size=(2_000, 1, 2))
    else:
        layer = Conv2d(300, 600, 5, rng, padding=2)
        x, dy = np.ones((300, 2, 2, 1, 1)), rng.normal(size=(600, 2, 2, 1, 1))
    x, dy = x.astype(np.float32), dy.astype(np.float32)
    size = layer.weight.size
    layer.weight.sparsify(np.arange(0, size, 2_000))
    layer.forward(x)
    for count in (1, k):  # after the first buffers exist, and kernels are compiled
        top = TopK(layer.weight.shape, count, layer.weight.positions())
        layer.weight.observe(top)
        tracemalloc.start()
        try:
            layer.backward(dy)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert top.positions().size == k
    # Of a block: gradient, score, indices of those that may be among the best. Of a candidate: a
    # score and a position, more than once while they are sorted.
    bound = parameter.OBSERVED * 64 + 4 * k * (8 + 8)
    assert peak < bound
    assert bound < 4 * size / 3  # what the dense gradient would take, three times over
