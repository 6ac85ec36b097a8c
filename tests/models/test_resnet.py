"""Residual networks: shortcuts, storage, training."""

import functools

import numpy as np

from nsnn.data import Batch
from nsnn.gradcheck import TOLERANCE, check_network
from nsnn.gradcheck.cases import sparsify
from nsnn.layers import Conv2d, Residual
from nsnn.models import architecture, build
from nsnn.models.resnet import resnet
from nsnn.neuron import from_preset

SHAPE = (3, 8, 8)


def make(storage="all active", width=0.06, norm="batch", model=None):
    rng, neuron = np.random.default_rng(72), from_preset("ndsnn", detach_reset=False, time_steps=3)
    model = architecture("resnet19") if model is None else model
    network = build(model, neuron, SHAPE, 5, rng, width=width, norm=norm, dtype=np.float64)
    for p in network.parameters():
        if p.name == "linear1.weight":
            p.data *= 5  # the hidden layer is not normalised: it would be silent at first
        if p.prunable:
            sparsify(p, storage, rng, density=0.4)
    return network


def batch(n=4, seed=73):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, *SHAPE)).astype(np.uint8)
    return Batch(images, rng.integers(0, 5, n))


def shortcuts(network):
    """Of each block the geometry of its shortcut's weights."""
    blocks = [part for part in network.body.parts if isinstance(part, Residual)]
    return [block.shortcut and block.shortcut.parts[0].geometry for block in blocks]


def test_a_shortcut_has_weights_only_where_the_shape_changes():
    halves = (1, 1, 2, 0)  # a kernel of one pixel, stride 2
    assert shortcuts(make()) == [halves, None, None, halves, None, None, halves, None]
    model = functools.partial(resnet, stages=[(4, 2)], strides=[1], stem=4, hidden=6)
    assert shortcuts(make(model=model, width=1)) == [None, None]
    model = functools.partial(resnet, stages=[(4, 2)], strides=[1], stem=3, hidden=6)
    assert shortcuts(make(model=model, width=1)) == [(1, 1, 1, 0), None]


def test_convolutions_have_a_bias_only_without_norm():
    for norm in ("batch", "none"):
        convs = [layer for layer in make(norm=norm).layers() if isinstance(layer, Conv2d)]
        assert {conv.bias is None for conv in convs} == {norm == "batch"}


def test_the_gradient_of_the_whole_network():
    """A smaller h: 18 layers of neurons bend so much that the difference is off by O(h²)."""
    results = check_network(make("csr", width=0.1), batch(8), directions=1, step=1e-7)
    assert len(results) > 60
    assert max(result.error for result in results) <= TOLERANCE
