"""GradientPair: two blocks serve the input gradients of any chain of layers."""

import tracemalloc

import numpy as np
import pytest

from nsnn.layers import (
    LIF,
    BatchNorm,
    BatchNormLIF,
    Conv2d,
    Flatten,
    Integrator,
    MaxPool2d,
    Residual,
    Sequential,
)
from nsnn.layers.gradients import GradientPair
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.timestepped import TimeSteppedNetwork

NEURON = from_preset("ndsnn", detach_reset=False, time_steps=3)


@pytest.mark.parametrize("view", [
    lambda a: a, lambda a: a.reshape(6, 4), lambda a: a.T, lambda a: a[-1:],
    lambda a: a[1:3, ::2], lambda a: a[:1, :1],
])  # fmt: skip
def test_the_block_is_the_one_that_the_output_gradient_is_not_in(view):
    """Nor a view of it, as of Flatten, whose backward gives one of dy."""
    pair = GradientPair()
    first = pair.other(np.zeros(4), (4, 6), np.float64)
    second = pair.other(first, (4, 6), np.float64)
    assert not np.shares_memory(first, second)
    assert np.shares_memory(pair.other(view(first), (2,), np.float32), second)
    assert np.shares_memory(pair.other(view(second), (4, 6), np.float64), first)


def conv(inputs, outputs, name, kernel=3, stride=1):
    rng = np.random.default_rng([33, *name.encode()])
    return Conv2d(inputs, outputs, kernel, rng, stride, kernel // 2, np.float64, name=name)


def norm_lif(channels, number):
    norm = BatchNorm(channels, np.float64, f"norm{number}")
    return BatchNormLIF(norm, LIF(NEURON, np.float64, f"lif{number}"))


def blocks():
    """Layers with residual blocks of every kind, one in another, as a list."""
    inner = Residual(Sequential([conv(4, 4, "conv5"), BatchNorm(4, np.float64, "norm5")]))
    deep = Sequential([conv(4, 4, "conv4"), norm_lif(4, 4), inner, norm_lif(4, 6),
                       conv(4, 4, "conv7")])  # fmt: skip
    return [
        conv(2, 4, "conv1"), norm_lif(4, 1),
        Residual(
            Sequential([conv(4, 6, "conv2", stride=2), norm_lif(6, 2), conv(6, 4, "conv3")]),
            Sequential([conv(4, 4, "short", 1, stride=2), BatchNorm(4, np.float64, "norms")]),
            "block1",
        ),
        LIF(NEURON, np.float64, "lif3"), Residual(deep, name="block2"),
        Residual(Sequential([]), Sequential([conv(4, 4, "conv8", 1)]), "block3"),
        LIF(NEURON, np.float64, "lif8"), MaxPool2d(2), Flatten(),
        Integrator(4 * 2 * 2, 3, np.random.default_rng(39), np.float64, name="readout"),
    ]  # fmt: skip


@pytest.mark.parametrize("storage", ["dense", "csr"])
def test_residual_blocks_in_the_shared_pair_equal_separate_pairs(storage):
    """The branches of a block meet in the same two blocks of memory and must not disturb."""
    rng = np.random.default_rng(40)
    x, dy = rng.normal(size=(2, 8, 8, 1, 5)), rng.normal(size=(3, 3, 5))
    outcome = []
    for shared in (False, True):
        body = Sequential(blocks())
        for p in body.parameters():
            if p.prunable:
                p.data *= 2
                if storage == "csr":
                    p.sparsify(np.flatnonzero(np.arange(p.size) % 3))
        if shared:
            network = TimeSteppedNetwork(body, (2, 8, 8), 3, NEURON, np.float64)
        for _ in range(2):  # the second time the blocks hold what the first left
            y = body.forward(x, training=True)
            dx = body.backward(dy)
        outcome.append([y, dx.copy(), *(p.gradient for p in body.parameters())])
    # No layer took memory of its own, inside the branches neither.
    pairs = {id(layer._pair) for layer in (*body.layers(), *body.parts) if layer._pair.nbytes}
    assert pairs == {id(network._gradients)}
    for separate, together in zip(*outcome, strict=True):
        assert separate.any()
        np.testing.assert_array_equal(separate, together)


def plain(depth, norm):
    """A network of `depth` convolutions, sparse, that has run one forward; and its d_outputs."""
    rng = np.random.default_rng(41)
    network = build("-".join(["6C3"] * depth), NEURON, (2, 16, 16), 4, rng, norm=norm)
    for p in network.parameters():
        if p.prunable:
            p.sparsify(np.arange(0, p.size, 2))
    x = network.encode(rng.random((4, 2, 16, 16)))
    outputs = network.body.forward(x, training=True)
    return network, network.loss(outputs, rng.integers(0, 4, 4))[1]


@pytest.mark.parametrize("depth", [2, 12])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_the_gradients_of_a_deep_network_are_two_blocks(depth, norm):
    """However deep: as the network reports them, and as the peak of what a backward allocates."""
    block = 4 * 6 * 16 * 16 * 3 * 4  # (C, H, W, T, B) float32
    network, dy = plain(depth, norm)
    network.body.backward(dy)  # compiles
    assert network.bytes_held()["buffers"] == network.body.buffer_bytes() + 2 * block

    network, dy = plain(depth, norm)
    before = network.body.buffer_bytes()
    tracemalloc.start()
    try:
        network.body.backward(dy)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 2 * block <= peak < 2.2 * block
    assert network.body.buffer_bytes() == before
