"""Linear and Conv2d: dense, masked and CSR are the equations; initial weights; the readout."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.layers import Conv2d, Integrator, Linear, decide, dense_conv
from nsnn.layers.linear import FEW
from nsnn.reference import conv as conv_reference
from nsnn.reference import linear as linear_reference

STORAGES = {"dense": None, "masked": "dense", "csr": "csr"}
TOLERANCE = {"rtol": 1e-12, "atol": 1e-11}
TIMES = [(3, 4), (1, 1), (1, 5), (4, 1), (2, 2500)]  # T, B; the last is longer than a run
CASES = [  # inputs, outputs, H, W, kernel, stride, padding, T, B
    (3, 4, 6, 5, 3, 1, 1, 2, 3), (3, 4, 6, 5, 3, 2, 1, 2, 3), (2, 3, 7, 8, 5, 1, 0, 1, 1),
    (2, 9, 5, 6, 1, 2, 0, 3, 1), (1, 2, 3, 3, 5, 1, 2, 1, 4), (2, 2, 5, 4, 3, 3, 2, 2, 2),
    (9, 3, 4, 4, 3, 1, 1, 2, 2), (1, 1, 1, 1, 1, 1, 0, 1, 1), (2, 2, 2, 2, 5, 1, 2, 1, 2),
    # Runs of several pixels, of a piece of one, and 4 pixels and a rest.
    (2, 3, 4, 9, 3, 1, 1, 3, 100), (2, 2, 3, 4, 3, 1, 1, 5, 500), (1, 2, 3, 8, 3, 2, 1, 7, 100),
]  # fmt: skip


def thinned(layer, storage, density=0.4):
    """The same weights in every storage: off the topology they are 0."""
    active = np.random.default_rng(3).random(layer.weight.size) < density
    layer.weight.data.reshape(-1)[~active] = 0
    if STORAGES[storage]:
        layer.weight.storage = STORAGES[storage]
        layer.weight.sparsify(np.flatnonzero(active))
    return layer


def draw(shape, spikes=False, seed=4):
    x = np.random.default_rng(seed).normal(size=shape)
    return (x > 0).astype(np.uint8) if spikes else x


def assert_is_the_equations(layer, x, dy):
    """Output, input gradient, and gradients of the weights that are active and of the bias."""
    W, b, flat = layer.weight.to_dense(), layer.bias.data, dy.reshape(dy.shape[0], -1)
    if isinstance(layer, Linear):
        s = x.reshape(x.shape[0], -1)
        y, dx = linear_reference.current(W, s, b), linear_reference.input_gradient(W, flat)
        gradient = linear_reference.weight_gradient(flat, s)
    else:
        s, epsilon = (a.reshape(*a.shape[:3], -1) for a in (x, dy))
        y = conv_reference.conv_current(W, s, b, *layer.geometry)
        dx = conv_reference.conv_input_gradient(W, epsilon, s.shape, *layer.geometry)
        gradient = conv_reference.conv_weight_gradient(epsilon, s, *layer.geometry)
    np.testing.assert_allclose(layer.forward(x), y.reshape(dy.shape), **TOLERANCE)
    np.testing.assert_allclose(layer.backward(dy), dx.reshape(x.shape), **TOLERANCE)
    active = layer.weight.positions()
    np.testing.assert_allclose(
        layer.weight.active_gradient().ravel(), gradient.ravel()[active], **TOLERANCE
    )
    assert np.count_nonzero(layer.weight.gradient) <= active.size
    np.testing.assert_allclose(layer.bias.gradient, flat.sum(axis=1), **TOLERANCE)


def conv(case):
    C, O, _, _, kernel, stride, padding, _, _ = case
    return Conv2d(C, O, kernel, np.random.default_rng(6), stride, padding, np.float64)


def images(layer, case, spikes=False):
    C, _, H, W, *_, T, B = case
    return draw((C, H, W, T, B), spikes), draw((*layer.output_shape(H, W), T, B), seed=7)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("density", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("spikes", [False, True])
def test_a_linear_layer_is_the_matrix_product(storage, density, times, spikes):
    for outputs in (FEW + 1, FEW, 3, 1):  # enough rows to share, and fewer; by BLAS, and not
        layer = Linear(14, outputs, np.random.default_rng(5), np.float64)
        thinned(layer, storage, density)
        for _ in range(2):  # also after the weights have changed
            assert_is_the_equations(layer, draw((14, *times), spikes), draw((outputs, *times)))
            layer.weight.data *= 1.5


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("spikes", [False, True])
@pytest.mark.parametrize("density", [0.0, 0.4, 1.0])
def test_a_convolution_is_the_explicit_im2col(storage, case, spikes, density):
    layer = thinned(conv(case), storage, density)
    assert_is_the_equations(layer, *images(layer, case, spikes))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("band_bytes", [1, 3_000])
def test_dense_products_do_not_depend_on_the_bands(case, band_bytes, monkeypatch):
    monkeypatch.setattr(dense_conv, "BAND_BYTES", band_bytes)
    layer = conv(case)
    assert_is_the_equations(layer, *images(layer, case))


def test_a_kernel_that_does_not_fit_is_refused():
    layer = Conv2d(1, 2, 5, np.random.default_rng(0), name="conv7")
    with pytest.raises(UserError, match="conv7: a 5x5 kernel does not fit 4x9 pixels"):
        layer.output_shape(4, 9)


def test_shapes_and_initial_weights():
    linear = Linear(100, 50, np.random.default_rng(0))
    layer = Conv2d(4, 7, 5, np.random.default_rng(0), stride=2, padding=1)
    assert layer.output_shape(9, 8) == (7, 4, 3)
    assert layer.weight.shape == (7, 100)
    assert layer.weight.dims == (7, 4, 5, 5)
    for each in (linear, layer):
        assert each.weight.data.dtype == each.bias.data.dtype == np.float32
        assert 0.09 < np.abs(each.weight.data).max() <= 0.1  # 1/√inputs, 1/√(inputs·kernel²)
        assert (each.weight.prunable, each.weight.decayed) == (True, True)
        assert (each.bias.prunable, each.bias.decayed) == (False, False)
    assert 0.09 < np.abs(linear.bias.data).max() <= 0.1
    for bare in (
        Linear(3, 2, np.random.default_rng(0), bias=False, name="a"),
        Conv2d(1, 1, 3, np.random.default_rng(0), bias=False, name="a"),
    ):
        assert [p.name for p in bare.parameters()] == ["a.weight"]


def test_the_readout_is_linear_and_decides_by_the_mean_over_time():
    readout = Integrator(14, 3, np.random.default_rng(0), np.float64)
    assert_is_the_equations(readout, draw((14, 2, 5)), draw((3, 2, 5)))
    outputs = np.array([[[0.0, 5.0], [3.0, 0.0]], [[2.0, 2.0], [2.0, 2.0]]])  # (2, T=2, B=2)
    assert decide(outputs).tolist() == [1, 0]
    assert decide(outputs).dtype == np.int64
