"""What every layer promises: dtypes, memory, time, and gradients that depend on nothing else."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.layers import (
    LIF,
    AvgPool2d,
    BatchNorm,
    BatchNormLIF,
    Conv2d,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    Residual,
    Sequential,
)
from nsnn.layers.base import GradientPair
from nsnn.neuron import from_preset

NEURON = from_preset("ndsnn", detach_reset=False, time_steps=3)
FLAT, IMAGE = (4, 3, 2), (4, 5, 5, 3, 2)  # (…, T, B)
OTHER = {FLAT: (4, 1, 7), IMAGE: (4, 4, 6, 1, 5)}


def stored(layer, storage):
    """The layer with every other weight: `None` leaves it dense."""
    if storage:
        layer.weight.storage = storage
        layer.weight.sparsify(np.arange(0, layer.weight.size, 2))
    return layer


def linear(dtype, storage=None):
    return stored(Linear(4, 4, np.random.default_rng(34), dtype), storage)


def conv(dtype, storage=None, kernel=3, name="conv"):
    rng = np.random.default_rng([33, *name.encode()])
    return stored(Conv2d(4, 4, kernel, rng, 1, kernel // 2, dtype, name=name), storage)


WEIGHTED = {
    f"{kind}, {storage or 'all active'}": (lambda d, m=make, s=storage: m(d, s), shape)
    for kind, make, shape in (("linear", linear, FLAT), ("conv", conv, IMAGE))
    for storage in (None, "dense", "csr")
}
POOLS = {
    "average pool": (lambda d: AvgPool2d(2, d), IMAGE),
    "max pool": (lambda d: MaxPool2d(2), IMAGE),
    "global pool": (GlobalAvgPool2d, IMAGE),
}
NEURONS = {
    "batch norm": (lambda d: BatchNorm(4, d, "norm"), IMAGE),
    "lif": (lambda d: LIF(NEURON, d), IMAGE),
    "batch norm and lif": (lambda d: BatchNormLIF(BatchNorm(4, d, "norm"), LIF(NEURON, d)), IMAGE),
}
RESIDUAL = {
    "residual, identity": (lambda d: Residual(Sequential([conv(d, name="a")])), IMAGE),
    "residual, convolution": (
        lambda d: Residual(Sequential([conv(d, name="a")]), Sequential([conv(d, None, 1, "b")])),
        IMAGE,
    ),
}
CONSTANT = {"lif, constant": (lambda d: LIF(NEURON, d), (4, 5, 5, 1, 2))}
LAYERS = WEIGHTED | POOLS | NEURONS | RESIDUAL | CONSTANT


def draw(shape, seed=35, dtype=np.float64, spikes=False):
    x = np.random.default_rng(seed).normal(0.6, 1, shape)
    return (x > 0.6).astype(np.uint8) if spikes else x.astype(dtype)


def passes(layer, x, dy=None):
    """Copies of the output, the input gradient and the parameters' gradients."""
    y = layer.forward(x, training=True).copy()
    dx = layer.backward(draw(y.shape, 36) if dy is None else dy).copy()
    return [y, dx, *(p.gradient.copy() for p in layer.parameters())]


@pytest.mark.parametrize("spikes", [False, True])
@pytest.mark.parametrize("name", WEIGHTED | POOLS | NEURONS)
def test_memory_is_reused_in_float32_and_a_new_shape_is_right(name, spikes):
    make, shape = LAYERS[name]
    if spikes and name in NEURONS:
        pytest.skip("their input is a current")
    layer, x = make(np.float32), draw(shape, dtype=np.float32, spikes=spikes)
    layer.share_gradients(pair := GradientPair())
    y = layer.forward(x, training=True)
    dy = draw(y.shape, 36, np.float32)
    dx = layer.backward(dy)
    binary = "lif" in name or (spikes and name == "max pool")
    assert y.dtype == (np.uint8 if binary else np.float32)
    assert {a.dtype for p in layer.parameters() for a in (p.data, p.gradient)} <= {np.dtype("f4")}
    assert dx.dtype == np.float32
    for got, exact in zip(
        [y, dx, *(p.gradient for p in layer.parameters())],
        passes(make(np.float64), x if spikes else x.astype(float), dy.astype(float)),
        strict=True,
    ):
        np.testing.assert_allclose(got, exact, rtol=1e-3, atol=1e-5)

    first = y.copy()
    assert layer.forward(x, training=True) is y
    assert layer.backward(dy).ctypes.data == dx.ctypes.data
    np.testing.assert_array_equal(y, first)
    held = layer.buffer_bytes()
    blas = spikes and name in ("linear, dense",)  # which wants spikes as numbers
    assert held == y.nbytes + blas * 4 * x.size
    assert pair.nbytes == dx.nbytes
    for other in (OTHER[shape], shape):
        x_new = draw(other, 38, np.float32, spikes)
        dy_new = draw(make(np.float32).forward(x_new).shape, 39, np.float32)
        expected = passes(make(np.float32), x_new, dy_new)
        np.testing.assert_equal(passes(layer, x_new, dy_new), expected)
    assert layer.buffer_bytes() == held  # the other shape's buffers are gone


@pytest.mark.parametrize("name", LAYERS)
def test_memory_order_of_the_arguments_does_not_matter(name):
    make, shape = LAYERS[name]
    layer, x = make(np.float64), draw(shape)
    dy = draw(layer.forward(x, training=True).shape, 36)
    expected = passes(layer, x, dy)
    tolerance = 0 if name.startswith(("lif", "max pool")) else 1e-12
    for strange in (
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        lambda a: np.repeat(a, 2, axis=0)[::2],
    ):
        for got, wanted in zip(passes(layer, strange(x), strange(dy)), expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", WEIGHTED | POOLS | NEURONS)
def test_one_step_stands_for_equal_steps(name):
    make, shape = LAYERS[name]
    layer, x = make(np.float64), draw((*shape[:-2], 1, shape[-1]))
    copies = np.repeat(x, 3, axis=-2)
    dy = draw(layer.forward(copies, training=True).shape, 36)
    y_T, dx_T, *gradients_T = passes(layer, copies, dy)
    in_time = layer.forward(x, training=True).shape != y_T.shape  # neurons make the steps
    dy_1 = np.ascontiguousarray(dy.sum(axis=-2, keepdims=True)) if in_time else dy
    y_1, dx_1, *gradients_1 = passes(layer, x, dy_1)
    tolerance = {"rtol": 1e-11, "atol": 1e-11}
    np.testing.assert_allclose(np.broadcast_to(y_1, y_T.shape), y_T, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(dx_1, dx_T.sum(axis=-2, keepdims=True), **tolerance)
    for one, many in zip(gradients_1, gradients_T, strict=True):
        np.testing.assert_allclose(one, many, **tolerance)


@pytest.mark.parametrize("name", WEIGHTED)
def test_the_first_layer_has_no_input_gradient(name):
    make, shape = WEIGHTED[name]
    layer, x = make(np.float64), draw(shape)
    expected = passes(layer, x)[2]
    layer.input_gradient = False
    layer.weight.gradient[...] = np.nan
    assert layer.backward(draw(layer.forward(x).shape, 36)) is None
    if layer.weight.storage == "csr":  # another kernel, another order of the sum
        np.testing.assert_allclose(layer.weight.gradient, expected, rtol=1e-12, atol=1e-12)
    else:
        np.testing.assert_array_equal(layer.weight.gradient, expected)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("name", "wrong", "message"), [
    *[(name, (features, *LAYERS[name][1][1:]), f"{name.split(',')[0]}.*{features} .*takes 4")
      for name in WEIGHTED for features in (1, 5)],
    ("batch norm", (5, *IMAGE[1:]), "norm: input of 5 channels, but the layer takes 4"),
    ("batch norm and lif", (5, *IMAGE[1:]), "norm: input of 5 channels"),
    *[(name, (4, 5, 5, steps, 2), f"lif: input of {steps} time steps")
      for name in ("lif", "batch norm and lif") for steps in (2, 4, 6)],
])  # fmt: skip
def test_input_of_another_shape_is_refused(name, wrong, message, training):
    with pytest.raises(UserError, match=message):
        LAYERS[name][0](np.float64).forward(np.ones(wrong), training)


@pytest.mark.parametrize("name", LAYERS)
def test_what_a_block_held_before_has_no_influence(name):
    make, shape = LAYERS[name]
    x, outcome = draw(shape), []
    for poisoned in (False, True):
        layer, pair = make(np.float64), GradientPair()
        layer.share_gradients(pair)
        dy = draw(layer.forward(x, training=True).shape, 36)
        kept = dy.copy()
        if poisoned:
            block = pair.other(np.zeros(4), (5000,), np.float64)
            block[...] = np.nan
            pair.other(block, (5000,), np.float64)[...] = np.nan
        dx = layer.backward(dy)
        assert not np.shares_memory(dx, dy)
        np.testing.assert_array_equal(dy, kept)
        outcome.append([dx.copy(), *(p.gradient for p in layer.parameters())])
    for fresh, after in zip(*outcome, strict=True):
        assert fresh.any()
        np.testing.assert_array_equal(fresh, after)
