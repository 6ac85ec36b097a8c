"""Conv2d: dense, masked and CSR against the explicit im2col; strides, paddings, bands."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.layers import Conv2d, dense_conv
from nsnn.reference.conv import col2im, im2col

STORAGES = ["dense", "masked", "csr"]
CASES = [  # inputs, outputs, H, W, kernel, stride, padding, T, B
    (3, 4, 6, 5, 3, 1, 1, 2, 3), (3, 4, 6, 5, 3, 2, 1, 2, 3), (2, 3, 7, 8, 5, 1, 0, 1, 1),
    (2, 9, 5, 6, 1, 2, 0, 3, 1), (1, 2, 3, 3, 5, 1, 2, 1, 4), (2, 2, 5, 4, 3, 3, 2, 2, 2),
    (9, 3, 4, 4, 3, 1, 1, 2, 2), (1, 1, 1, 1, 1, 1, 0, 1, 1), (2, 2, 2, 2, 5, 1, 2, 1, 2),
    # Runs of several pixels, of a piece of one, and 4 pixels and a rest.
    (2, 3, 4, 9, 3, 1, 1, 3, 100), (2, 2, 3, 4, 3, 1, 1, 5, 500), (1, 2, 3, 8, 3, 2, 1, 7, 100),
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
