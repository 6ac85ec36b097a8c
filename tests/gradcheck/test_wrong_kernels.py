"""A backward that is wrong in its structure is noticed by the check of a network.

One percent too much of what a line checks: tests/gradcheck/test_gradcheck.py.
"""

import dataclasses

import numpy as np
import pytest

from nsnn import gradcheck
from nsnn.gradcheck import check_network
from nsnn.gradcheck.cases import residual_network, small_network
from nsnn.layers import BatchNorm, GlobalAvgPool2d, Residual
from nsnn.layers import batchnorm as norm_layer
from nsnn.layers import lif as lif_layer
from nsnn.neuron import from_preset

NEURON = from_preset("ndsnn", detach_reset=False, time_steps=4)


def small(neuron=NEURON, **options):
    return small_network("3C3-AP2-5", neuron, np.random.default_rng(90), **options)


def worst(network, batch):
    return max(result.error for result in check_network(network, batch))


def larger(a):
    return a * 1.01


def lif(argument, change=larger):
    """`lif_backward` with one of its inputs changed."""

    def corrupted(*arguments):
        arguments = list(arguments)
        arguments[argument] = change(arguments[argument])
        honest_lif(*arguments)

    return lif_layer, "lif_backward", corrupted


def other(flag):
    return not flag


def reversed_in_time(delta):
    return np.ascontiguousarray(delta[:, :, ::-1])


def last_step_only(*arguments):
    """lif_backward that forgets to sum a constant input's gradient over time."""
    *before, d, start, stop = arguments
    delta = arguments[0]
    if d.shape[2] == delta.shape[2]:
        honest_lif(*arguments)
        return
    full = np.empty(delta.shape)
    honest_lif(*before, full, start, stop)
    d[...] = full[:, :, -1:]


honest_lif = lif_layer.lif_backward
honest_global_pool = GlobalAvgPool2d.backward
CSR = {"storage": "csr"}
NORM = CSR | {"norm": "batch"}
ZERO = CSR | {"neuron": from_preset("esl", surrogate="arctan", time_steps=4)}


def mean_held_constant(d, x, mean, r, gamma, d_gamma, d_beta, start, stop):
    np.multiply(d, (gamma * r)[:, None], out=d)


# name: ((module, attribute, corrupted), options of the network)
CORRUPTIONS = {
    "decay": (lif(5), CSR),
    "gain": (lif(6), CSR),
    "threshold": (lif(7), CSR),
    "width of the surrogate": (lif(11), CSR),
    "kind of reset": (lif(8, other), CSR),
    "reset term dropped, subtract": (lif(9, other), CSR),
    "reset term dropped, zero": (lif(9, other), ZERO),
    "time reversed": (lif(0, reversed_in_time), CSR),
    "membrane from another input": (lif(1), CSR),
    "membrane from another scale": (lif(2), NORM),
    "membrane from another shift": (lif(3, lambda a: a + 0.01), NORM),
    "no sum over time": ((lif_layer, "lif_backward", last_step_only), CSR),
    "batch norm, mean held constant": (
        (norm_layer.kernels, "batchnorm_backward", mean_held_constant), NORM),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_wrong_backward_is_caught(name, monkeypatch):
    corruption, options = CORRUPTIONS[name]
    assert worst(*small(**options)) <= gradcheck.TOLERANCE
    monkeypatch.setattr(*corruption)
    assert worst(*small(**options)) > 1e-4


def without_shortcut(block, dy):
    """Residual.backward that forgets the second branch."""
    dx = block.body.backward(block._kept("dy", dy))
    if block.shortcut is not None:
        block.shortcut.backward(block._kept("d_body", dy))
    return dx


def body_only_through_shortcut(block, dy):
    """Residual.backward that forgets the first branch."""
    block.body.backward(block._kept("d_body", dy))
    kept = block._kept("dy", dy)
    return kept if block.shortcut is None else block.shortcut.backward(kept)


def norm_passed_over(norm, dy):
    """BatchNorm.backward of a constant scale."""
    norm.gamma.gradient[...] = norm.beta.gradient[...] = 0
    return dy * (norm.gamma.data * norm._inverse_std)[:, None, None, None, None]


@pytest.mark.parametrize(("kind", "wrong"), [
    (Residual, without_shortcut), (Residual, body_only_through_shortcut),
    (BatchNorm, norm_passed_over),
    (GlobalAvgPool2d, lambda pool, dy: honest_global_pool(pool, 1.01 * dy)),
])  # fmt: skip
@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_a_wrong_residual_network_is_caught(kind, wrong, reset, monkeypatch):
    neuron = dataclasses.replace(NEURON, reset=reset)
    assert worst(*residual_network(neuron, np.random.default_rng(96))) <= gradcheck.TOLERANCE
    monkeypatch.setattr(kind, "backward", wrong)
    assert worst(*residual_network(neuron, np.random.default_rng(96))) > 1e-4
