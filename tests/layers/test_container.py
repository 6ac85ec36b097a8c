"""Residual, and what cuts or stops a stack; its order: test_norm_lif.py and tests/gradcheck."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.layers import LIF, AvgPool2d, Conv2d, MaxPool2d, Residual, Sequential
from nsnn.layers.base import GradientPair
from nsnn.neuron import from_preset

SHAPE = (3, 5, 4, 2, 3)


def conv(inputs, outputs, kernel=3, name="conv", stride=1, seed=20):
    rng = np.random.default_rng([seed, *name.encode()])
    return Conv2d(
        inputs, outputs, kernel, rng, stride, padding=kernel // 2, dtype=np.float64, name=name
    )


def arrays(*shapes):
    rng = np.random.default_rng(21)
    return [rng.normal(size=shape) for shape in shapes]


def test_a_layer_without_weights_cuts_a_stack_but_not_a_branch():
    def stack(*parts):
        return Sequential([*parts, AvgPool2d(2, np.float64)])

    def alive():
        return conv(3, 3)

    def dead():
        layer = conv(3, 3)
        layer.weight.sparsify(np.empty(0, dtype=np.int64))
        return layer

    assert stack(alive(), alive()).is_connected()
    assert not stack(alive(), dead()).is_connected()
    assert stack(Residual(stack(dead())), alive()).is_connected()  # beside the identity
    assert stack(Residual(stack(dead()), stack(alive()))).is_connected()
    assert stack(Residual(stack(alive()), stack(dead()))).is_connected()
    assert not stack(Residual(stack(dead()), stack(dead()))).is_connected()
    # What does not conduct gives the same for every input.
    for body in (stack(alive(), dead()), Residual(stack(dead()), stack(dead()))):
        x, other = arrays(SHAPE, SHAPE)
        np.testing.assert_array_equal(body.forward(x).copy(), body.forward(other))


@pytest.mark.parametrize("spikes", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_block_adds_what_its_branches_give(weighted, spikes):
    inner = conv(3, 4 if weighted else 3, 3, "inner", stride=1 + weighted)
    short = conv(3, 4, 1, "short", stride=2) if weighted else None
    block = Residual(Sequential([inner]), short and Sequential([short]))
    block.share_gradients(pair := GradientPair())
    x, dy = arrays(SHAPE, (4, 3, 2, 2, 3) if weighted else SHAPE)
    if spikes:
        x = (x > 0).astype(np.uint8)
    y = block.forward(x)
    np.testing.assert_array_equal(y, inner.forward(x) + (short.forward(x) if short else x))
    dx = block.backward(dy)
    expected = inner.backward(dy).copy() + (short.backward(dy) if short else dy)
    np.testing.assert_array_equal(block.backward(dy), expected)
    assert block.forward(x) is y
    assert block.backward(dy).ctypes.data == dx.ctypes.data
    parts = [part for part in (inner, short) if part]
    assert block.layers() == parts
    assert block.parameters() == [p for part in parts for p in part.parameters()]
    # What the branches need of each other is kept outside the pair: dy and the body's gradient.
    own = y.nbytes + dy.nbytes + dx.nbytes
    assert block.buffer_bytes() == sum(part.buffer_bytes() for part in parts) + own
    assert pair.nbytes <= 2 * dx.nbytes


def test_backward_stops_at_the_first_layer_or_block():
    """They have no input gradient to give; nobody asks for one, a pool before them neither."""
    inner, short = conv(3, 4, name="inner"), conv(3, 4, 1, "short")
    inner.input_gradient = short.input_gradient = False
    block = Residual(Sequential([inner]), Sequential([short]))
    x, dy = arrays(SHAPE, (4, 2, 2, 2, 3))
    for first in (block, inner):
        body = Sequential([MaxPool2d(2), first])
        body.forward(x)
        assert body.backward(dy) is None
        assert inner.weight.gradient.any()
        assert short.weight.gradient.any()
        inner.weight.gradient[...] = 0


@pytest.mark.parametrize("shortcut", [None, "convolution"])
def test_branches_of_different_shapes_are_refused(shortcut):
    """A body that makes T steps of one cannot be added to a shortcut that does not."""
    neuron = from_preset("ndsnn", time_steps=4)
    body = Sequential([conv(3, 3, name="inner"), LIF(neuron, np.float64), conv(3, 3)])
    other = None if shortcut is None else Sequential([conv(3, 3, 1, "short")])
    block = Residual(body, other, "block1")
    (x,) = arrays((3, 5, 4, 1, 2))
    with pytest.raises(UserError, match="block1"):
        block.forward(x)
