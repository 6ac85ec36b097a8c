"""The engine's NDSNN beside Algorithm 1 on dense arrays, a convolution and two linear layers."""

import itertools

import numpy as np
import pytest

from nsnn.data import Batch
from nsnn.layers import LIF, Conv2d, Flatten, Integrator, Linear, Sequential
from nsnn.losses import cross_entropy
from nsnn.methods import NDSNN, RunLength
from nsnn.neuron import from_preset
from nsnn.optim import SGD
from nsnn.reference import conv, linear, ndsnn
from nsnn.reference.lif import lif_backward, lif_forward
from nsnn.sparsity.distribution import layer_counts
from nsnn.sparsity.log import TopologyLog
from nsnn.timestepped import TimeSteppedNetwork

GEOMETRY = (3, 3, 1, 1)
CLASSES, T, B = 4, 3, 6
LENGTH = RunLength(steps_per_epoch=15, epochs=4)
END = round(0.75 * LENGTH.total_steps)


def batches():
    rng = np.random.default_rng(41)
    return [
        Batch(rng.normal(size=(B, T, 2, 5, 5)), rng.integers(0, CLASSES, B))
        for _ in range(LENGTH.total_steps)
    ]


def small_network(neuron, storage):
    """Without biases: Algorithm 1 speaks of weights."""
    rng, bare = np.random.default_rng(42), {"dtype": np.float64, "bias": False}
    layers = [
        Conv2d(2, 6, 3, rng, padding=1, name="conv1", **bare),
        LIF(neuron, np.float64, "lif1"),
        Flatten(),
        Linear(150, 20, rng, name="linear1", **bare),
        LIF(neuron, np.float64, "lif2"),
        Integrator(20, CLASSES, rng, name="linear2", **bare),
    ]
    for layer in (layers[0], layers[3], layers[5]):
        layer.weight.data *= 6  # so that every layer fires
        layer.weight.storage = storage
    return TimeSteppedNetwork(Sequential(layers), (2, 5, 5), CLASSES, neuron, np.float64)


def gradients(W, batch, neuron):
    """∂L/∂W of each weight at every position, by the equations of `nsnn.reference` alone."""
    n, g = neuron, neuron.gain
    s0 = np.ascontiguousarray(batch.images.transpose(2, 3, 4, 1, 0)).reshape(2, 5, 5, T * B)
    I1 = g * conv.conv_current(W[0], s0, np.zeros(6), *GEOMETRY)
    v1, s1 = lif_forward(I1.reshape(150, T, B), n)
    I2 = g * linear.current(W[1], s1.reshape(150, T * B), np.zeros(20))
    v2, s2 = lif_forward(I2.reshape(20, T, B), n)
    O = linear.current(W[2], s2.reshape(20, T * B), np.zeros(CLASSES)).reshape(CLASSES, T, B)
    assert 0.02 < s1.mean() < 0.98
    assert 0.01 < s2.mean() < 0.99

    d_O = cross_entropy(O, batch.labels)[1].reshape(CLASSES, T * B)
    delta = linear.input_gradient(W[2], d_O).reshape(20, T, B)
    e2 = g * lif_backward(delta, v2, s2, n).reshape(20, T * B)
    delta = linear.input_gradient(W[1], e2).reshape(150, T, B)
    e1 = g * lif_backward(delta, v1, s1, n).reshape(6, 5, 5, T * B)
    return [
        conv.conv_weight_gradient(e1, s0, *GEOMETRY),
        linear.weight_gradient(e2, s1.reshape(150, T * B)),
        linear.weight_gradient(d_O, s2.reshape(20, T * B)),
    ]


def engine(network, method, data):
    """Train, and yield after every step."""
    method.prepare(network, LENGTH, np.random.default_rng(43), TopologyLog())
    optimiser = SGD(network.parameters(), momentum=0.9, weight_decay=5e-4)
    for t, batch in enumerate(data):
        method.before_backward(t)
        network.loss_and_backward(batch)
        method.update(t, optimiser, 0.05)
        method.after_update(t)
        yield t


@pytest.mark.parametrize("preset", ["ndsnn", "lth"])
@pytest.mark.parametrize("storage", ["csr", "dense"])
@pytest.mark.parametrize("death_ratio", [0.5, 0.05])
def test_the_engine_is_algorithm_1_after_every_step(preset, storage, death_ratio):
    """The same masks, the same weights; with the small death ratio D is raised in most rounds."""
    neuron = from_preset(preset, time_steps=T)
    network, data = small_network(neuron, storage), batches()
    weights = [p for p in network.parameters() if p.prunable]
    W = [p.data.copy() for p in weights]
    config = NDSNN.Config(
        initial_sparsity=0.5, final_sparsity=0.8, update_every=4, death_ratio=death_ratio
    )
    page = ndsnn.algorithm_1(
        W, [p.dims for p in weights], lambda W, t: gradients(W, data[t], neuron),
        np.random.default_rng(43), len(data), 4, END, 0.5, 0.8, death_ratio, lr=0.05,
    )  # fmt: skip
    rounds, before = 0, None
    for (t, M), _ in zip(page, engine(network, NDSNN(config), data), strict=True):
        for p, w, m in zip(weights, W, M, strict=True):
            np.testing.assert_array_equal(p.positions(), np.flatnonzero(m), err_msg=f"step {t}")
            np.testing.assert_allclose(p.to_dense(), w, rtol=0, atol=1e-12, err_msg=f"step {t}")
        rounds += before is not None and any(map(np.any, before != M[1]))
        before = M[1].copy()
    assert rounds == 11  # steps 4, 8, … below T_end = 45
    assert [int(m.sum()) for m in M] == ndsnn.erk_counts([p.dims for p in weights], 0.8).tolist()


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9, 0.95, 0.99])
def test_erk_of_the_page_is_that_of_the_engine(sparsity):
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    dims = [(o, i, 3, 3) for i, o in itertools.pairwise(widths)] + [(10, 512)]
    expected = layer_counts("erk", dims, 1 - sparsity)
    np.testing.assert_array_equal(ndsnn.erk_counts(dims, sparsity), expected)
