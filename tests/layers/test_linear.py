"""Linear: dense, masked and CSR are one layer; its initial weights; the readout."""

import numpy as np
import pytest

from nsnn.layers import Integrator, Linear, decide
from nsnn.layers.linear import FEW

STORAGES = ["dense", "masked", "csr"]
SHAPES = [(3, 4), (1, 1), (1, 5), (4, 1), (2, 2500)]  # T, B; the last is longer than a run


def make(storage, density=0.4, outputs=9, dtype=np.float64, bias=True):
    """The same weights in every storage: off the topology they are 0."""
    rng = np.random.default_rng(3)
    layer = Linear(14, outputs, rng, dtype, bias)
    active = rng.random(layer.weight.size) < density
    if storage == "dense":
        layer.weight.data.reshape(-1)[~active] = 0
    else:
        stored = {"csr": "csr", "masked": "dense"}[storage]
        layer.weight.storage = stored
        layer.weight.sparsify(np.flatnonzero(active))
    return layer, np.flatnonzero(active)


def problem(T, B, spikes, outputs=9):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(14, T, B))
    return (x > 0).astype(np.uint8) if spikes else x, rng.normal(size=(outputs, T, B))


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("density", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spikes", [False, True])
def test_every_storage_is_the_matrix_product(storage, density, shape, spikes):
    layers = [make(storage, density, outputs) for outputs in (FEW + 1, FEW, 3, 1)]
    for layer, positions in [*layers, *layers[:2]]:  # two once more, with other weights
        outputs = layer.weight.shape[0]
        x, dy = problem(*shape, spikes, outputs)
        W = layer.weight.to_dense() if storage == "csr" else layer.weight.data.copy()

        expected = np.einsum("oi,itb->otb", W, x) + layer.bias.data[:, None, None]
        np.testing.assert_allclose(layer.forward(x), expected, rtol=1e-12, atol=1e-12)

        expected = np.einsum("oi,otb->itb", W, dy)
        np.testing.assert_allclose(layer.backward(dy), expected, rtol=1e-12, atol=1e-12)

        expected = np.einsum("otb,itb->oi", dy, x).reshape(-1)
        if storage == "dense":
            got = layer.weight.gradient.reshape(-1)
        else:
            got, expected = layer.weight.active_gradient(), expected[positions]
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-11)
        if storage == "masked":
            assert not layer.weight.gradient[~layer.weight.topology.mask].any()
        np.testing.assert_allclose(layer.bias.gradient, dy.sum(axis=(1, 2)), rtol=1e-12, atol=1e-12)
        layer.weight.data *= 1.5


def test_initial_weights():
    layer = Linear(100, 50, np.random.default_rng(0))
    for p in layer.parameters():
        assert p.data.dtype == np.float32
        assert 0.09 < np.abs(p.data).max() <= 0.1  # 1/√inputs
    assert layer.weight.prunable
    assert layer.weight.decayed
    assert not layer.bias.prunable
    assert not layer.bias.decayed
    again = Linear(100, 50, np.random.default_rng(0))
    np.testing.assert_array_equal(layer.weight.data, again.weight.data)
    assert [p.name for p in Linear(3, 2, np.random.default_rng(0), bias=False).parameters()] == [
        "linear.weight"
    ]


def test_the_readout_is_linear_and_decides_by_the_mean_over_time():
    readout = Integrator(14, 3, np.random.default_rng(0), np.float64)
    x, _ = problem(2, 5, False)
    O = readout.forward(x)
    np.testing.assert_allclose(
        O, np.einsum("oi,itb->otb", readout.weight.data, x) + readout.bias.data[:, None, None]
    )
    outputs = np.array([[[0.0, 5.0], [3.0, 0.0]], [[2.0, 2.0], [2.0, 2.0]]])  # (2, T=2, B=2)
    assert decide(outputs).tolist() == [1, 0]
    assert decide(outputs).dtype == np.int64
