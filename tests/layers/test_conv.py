"""Conv2d: dense, masked and CSR against the explicit im2col; strides, paddings, bands."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.layers import Conv2d, dense_conv
from nsnn.layers.gradients import GradientPair
from nsnn.reference.conv import col2im, im2col

STORAGES = ["dense", "masked", "csr"]
CASES = [  # inputs, outputs, H, W, kernel, stride, padding, T, B
    (3, 4, 6, 5, 3, 1, 1, 2, 3), (3, 4, 6, 5, 3, 2, 1, 2, 3), (2, 3, 7, 8, 5, 1, 0, 1, 1),
    (2, 9, 5, 6, 1, 2, 0, 3, 1), (1, 2, 3, 3, 5, 1, 2, 1, 4), (2, 2, 5, 4, 3, 3, 2, 2, 2),
    (9, 3, 4, 4, 3, 1, 1, 2, 2),
]  # fmt: skip


def make(storage, case, density=0.4, dtype=np.float64):
    """The same weights in every storage: off the topology they are 0."""
    C, O, _, _, kernel, stride, padding, _, _ = case
    rng = np.random.default_rng(6)
    layer = Conv2d(C, O, kernel, rng, stride, padding, dtype)
    active = rng.random(layer.weight.size) < density
    if storage == "dense":
        layer.weight.data.reshape(-1)[~active] = 0
    else:
        stored = {"csr": "csr", "masked": "dense"}[storage]
        layer.weight.storage = stored
        layer.weight.sparsify(np.flatnonzero(active))
    return layer, np.flatnonzero(active)


def problem(layer, case, spikes, seed=7):
    C, O, H, W, *_, T, B = case
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(C, H, W, T, B))
    _, Ho, Wo = layer.output_shape(H, W)
    return (x > 0).astype(np.uint8) if spikes else x, rng.normal(size=(O, Ho, Wo, T, B))


def literal(layer, case, x, dy):
    """y, dx and the dense weight gradient (out, in·kh·kw) by explicit im2col."""
    C, O, H, W, kernel, stride, padding, T, B = case
    geometry = (kernel, kernel, stride, padding)
    weight = layer.weight.to_dense()
    columns = im2col(x.reshape(C, H, W, T * B).astype(float), *geometry)
    patches = columns.reshape(columns.shape[0], -1)
    y = (weight @ patches).reshape(dy.shape) + layer.bias.data[:, None, None, None, None]
    flat = dy.reshape(O, -1)
    dx = col2im((weight.T @ flat).reshape(columns.shape), (C, H, W, T * B), *geometry)
    return y, dx.reshape(x.shape), flat @ patches.T


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("spikes", [False, True])
@pytest.mark.parametrize("density", [0.0, 0.4, 1.0])
def test_every_storage_is_the_explicit_im2col(storage, case, spikes, density):
    layer, positions = make(storage, case, density)
    x, dy = problem(layer, case, spikes)
    y, dx, gradient = literal(layer, case, x, dy)
    np.testing.assert_allclose(layer.forward(x), y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.backward(dy), dx, rtol=1e-12, atol=1e-12)
    got, expected = layer.weight.gradient.reshape(-1), gradient.reshape(-1)
    if storage != "dense":
        got, expected = layer.weight.active_gradient(), expected[positions]
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(layer.bias.gradient, dy.sum(axis=(1, 2, 3, 4)), atol=1e-12)
    if storage == "masked":
        assert not layer.weight.gradient[~layer.weight.topology.mask].any()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("band_bytes", [1, 3_000])
def test_dense_products_do_not_depend_on_the_bands(case, band_bytes, monkeypatch):
    layer, _ = make("dense", case)
    x, dy = problem(layer, case, False)
    y, dx, gradient = literal(layer, case, x, dy)
    monkeypatch.setattr(dense_conv, "BAND_BYTES", band_bytes)
    np.testing.assert_allclose(layer.forward(x), y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.backward(dy), dx, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.weight.gradient, gradient, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("case", CASES[:2])
def test_one_step_stands_for_equal_steps(storage, case):
    layer, _ = make(storage, case)
    constant = (*case[:7], 1, 3)
    x, dy_1 = problem(layer, constant, False)
    dy = np.random.default_rng(8).normal(size=(*dy_1.shape[:3], 4, 3))
    y_1 = layer.forward(x).copy()
    dx_1 = layer.backward(np.ascontiguousarray(dy.sum(axis=3, keepdims=True))).copy()
    gradients_1 = [p.gradient.copy() for p in layer.parameters()]

    y_T = layer.forward(np.repeat(x, 4, axis=3))
    np.testing.assert_allclose(y_T, np.repeat(y_1, 4, axis=3), rtol=1e-12, atol=1e-13)
    dx_T = layer.backward(dy)
    np.testing.assert_allclose(dx_1[..., 0, :], dx_T.sum(axis=3), rtol=1e-12, atol=1e-12)
    for parameter, expected in zip(layer.parameters(), gradients_1, strict=True):
        np.testing.assert_allclose(parameter.gradient, expected, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("storage", STORAGES)
def test_memory_is_reused_and_a_new_shape_is_right(storage):
    layer, _ = make(storage, CASES[0])
    x, dy = problem(layer, CASES[0], True)
    layer.share_gradients(pair := GradientPair())
    y, dx = layer.forward(x), layer.backward(dy)
    assert layer.forward(x) is y
    assert layer.backward(dy).ctypes.data == dx.ctypes.data
    held = layer.buffer_bytes()
    assert held == y.nbytes
    assert pair.nbytes == dx.nbytes
    for case in ((3, 4, 8, 7, 3, 1, 1, 1, 5), CASES[0]):
        x_new, dy_new = problem(layer, case, True)
        fresh, _ = make(storage, case)
        np.testing.assert_array_equal(layer.forward(x_new), fresh.forward(x_new))
        np.testing.assert_array_equal(layer.backward(dy_new), fresh.backward(dy_new))
    assert layer.buffer_bytes() == held


@pytest.mark.parametrize("storage", STORAGES)
def test_the_first_layer_has_no_input_gradient(storage):
    layer, _ = make(storage, CASES[0])
    x, dy = problem(layer, CASES[0], False)
    layer.forward(x)
    layer.backward(dy)
    expected = layer.weight.gradient.copy()
    layer.input_gradient = False
    layer.weight.gradient[...] = np.nan
    assert layer.backward(dy) is None
    if storage == "csr":  # another kernel, another order of the sum
        np.testing.assert_allclose(layer.weight.gradient, expected, rtol=1e-12, atol=1e-12)
    else:
        np.testing.assert_array_equal(layer.weight.gradient, expected)


@pytest.mark.parametrize("storage", STORAGES)
def test_memory_order_of_the_arguments_does_not_matter(storage):
    layer, _ = make(storage, CASES[0])
    x, dy = problem(layer, CASES[0], False)
    expected = layer.forward(x).copy(), layer.backward(dy).copy(), layer.weight.gradient.copy()
    for strange in (
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=4)[..., ::2],
        lambda a: np.repeat(a, 2, axis=0)[::2],
    ):
        got = layer.forward(strange(x)), layer.backward(strange(dy)), layer.weight.gradient
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("spikes", [False, True])
def test_float32_stays_float32(storage, spikes):
    layer, _ = make(storage, CASES[1], dtype=np.float32)
    x, dy = problem(layer, CASES[1], spikes)
    x = x if spikes else x.astype(np.float32)
    arrays = [layer.forward(x), layer.backward(dy.astype(np.float32))]
    arrays += [a for p in layer.parameters() for a in (p.data, p.gradient)]
    arrays += list(layer._buffers.values())
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    exact, _ = make(storage, CASES[1])
    np.testing.assert_allclose(arrays[0], exact.forward(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("storage", STORAGES)
def test_input_of_other_channels_is_refused(storage):
    layer, _ = make(storage, CASES[0])
    for channels in (1, 4):
        with pytest.raises(UserError, match="3"):
            layer.forward(np.ones((channels, 6, 5, 2, 3)))


def test_a_kernel_that_does_not_fit_is_refused():
    layer = Conv2d(1, 2, 5, np.random.default_rng(0), name="conv7")
    with pytest.raises(UserError, match="conv7: a 5x5 kernel does not fit 4x9 pixels"):
        layer.output_shape(4, 9)


def test_shape_and_initial_weights():
    layer = Conv2d(4, 7, 5, np.random.default_rng(0), stride=2, padding=1)
    assert layer.output_shape(9, 8) == (7, 4, 3)
    assert layer.weight.shape == (7, 100)
    assert layer.weight.dims == (7, 4, 5, 5)
    assert 0.09 < np.abs(layer.weight.data).max() <= 0.1  # 1/√(inputs·kernel²)
    assert layer.weight.prunable
    assert not layer.bias.decayed
    bare = Conv2d(1, 1, 3, np.random.default_rng(0), bias=False, name="c")
    assert [p.name for p in bare.parameters()] == ["c.weight"]
