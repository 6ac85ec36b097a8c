"""Residual networks: shortcuts, biases; their gradients: tests/gradcheck."""

import functools

import numpy as np

from nsnn.layers import Conv2d, Residual
from nsnn.models import build, resnet19
from nsnn.models.resnet import resnet
from nsnn.neuron import from_preset


def make(model=resnet19, width=0.06, norm="batch"):
    rng, neuron = np.random.default_rng(72), from_preset("ndsnn", time_steps=3)
    return build(model, neuron, (3, 8, 8), 5, rng, width=width, norm=norm)


def shortcuts(network):
    """Of each block the geometry of its shortcut's weights."""
    blocks = [part for part in network.body.parts if isinstance(part, Residual)]
    return [block.shortcut and block.shortcut.parts[0].geometry for block in blocks]


def test_a_shortcut_has_weights_only_where_the_shape_changes():
    halves = (1, 1, 2, 0)  # a kernel of one pixel, stride 2
    assert shortcuts(make()) == [halves, None, None, halves, None, None, halves, None]
    model = functools.partial(resnet, stages=[(4, 2)], strides=[1], stem=4, hidden=6)
    assert shortcuts(make(model, width=1)) == [None, None]
    model = functools.partial(resnet, stages=[(4, 2)], strides=[1], stem=3, hidden=6)
    assert shortcuts(make(model, width=1)) == [(1, 1, 1, 0), None]


def test_convolutions_have_a_bias_only_without_norm():
    for norm in ("batch", "none"):
        convs = [layer for layer in make(norm=norm).layers() if isinstance(layer, Conv2d)]
        assert {conv.bias is None for conv in convs} == {norm == "batch"}
