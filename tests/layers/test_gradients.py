"""GradientPair: two blocks serve the input gradients of any chain of layers."""

import tracemalloc

import numpy as np
import pytest

from nsnn.layers.base import GradientPair
from nsnn.models import build
from nsnn.neuron import from_preset

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
