"""A kernel or layer whose backward is wrong is noticed by the check of a network."""

import dataclasses

import numpy as np
import pytest

from nsnn import gradcheck
from nsnn.gradcheck import check_network
from nsnn.gradcheck.cases import residual_network, small_network
from nsnn.layers import BatchNorm, GlobalAvgPool2d, Residual
from nsnn.layers import batchnorm as norm_layer
from nsnn.layers import conv as conv_layer
from nsnn.layers import dense_conv as dense_layer
from nsnn.layers import lif as lif_layer
from nsnn.layers import linear as linear_layer
from nsnn.layers import pool as pool_layer
from nsnn.layers import weighted as weighted_layer
from nsnn.neuron import from_preset

NEURON = from_preset("ndsnn", detach_reset=False, time_steps=4)


def small(notation="3C3-AP2-5", neuron=NEURON, seed=90, **options):
    return small_network(notation, neuron, np.random.default_rng(seed), **options)


def worst(network, batch):
    return max(result.error for result in check_network(network, batch))


def larger(a):
    return a * 1.01


def scaled(module, name, argument):
    """Kernel `name` of `module`, then one of its output arrays a little too large."""
    kernel = getattr(module, name)

    def corrupted(*arguments):
        kernel(*arguments)
        arguments[argument][...] *= 1.01

    return module, name, corrupted


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
CSR, DENSE = {"storage": "csr"}, {"storage": "all active"}
NORM = CSR | {"norm": "batch"}
ZERO = CSR | {"neuron": from_preset("esl", surrogate="arctan", time_steps=4)}
SMALL, TWO = "3C3-AP2-5", "3C3-3C3-5"


def mean_held_constant(d, x, mean, r, gamma, d_gamma, d_beta, start, stop):
    np.multiply(d, (gamma * r)[:, None], out=d)


# name: ((module, attribute, corrupted), notation, options of the network)
CORRUPTIONS = {
    "decay": (lif(5), SMALL, CSR),
    "gain": (lif(6), SMALL, CSR),
    "threshold": (lif(7), SMALL, CSR),
    "width of the surrogate": (lif(11), SMALL, CSR),
    "kind of reset": (lif(8, other), SMALL, CSR),
    "reset term dropped, subtract": (lif(9, other), SMALL, CSR),
    "reset term dropped, zero": (lif(9, other), SMALL, ZERO),
    "time reversed": (lif(0, reversed_in_time), SMALL, CSR),
    "membrane from another input": (lif(1), SMALL, CSR),
    "membrane from another scale": (lif(2), SMALL, NORM),
    "membrane from another shift": (lif(3, lambda a: a + 0.01), SMALL, NORM),
    "no sum over time": ((lif_layer, "lif_backward", last_step_only), SMALL, CSR),
    "linear gradient of a first layer": (scaled(linear_layer, "csr_gradient", 4), "5", CSR),
    "linear gradient": (scaled(linear_layer, "csr_backward", 7), SMALL, CSR),
    "linear transposed": (scaled(linear_layer, "csr_backward", 6), SMALL, CSR),
    "convolution gradient of a first layer": (
        scaled(conv_layer, "conv_csr_gradient", 9), SMALL, CSR),
    "convolution gradient": (scaled(conv_layer, "conv_csr_backward", 12), TWO, CSR),
    "convolution transposed": (scaled(conv_layer, "conv_csr_backward", 11), TWO, CSR),
    "dense convolution gradient": (scaled(dense_layer, "conv_gradient", 4), SMALL, DENSE),
    "dense convolution transposed": (
        scaled(dense_layer, "conv_transposed_matmul", 4), TWO, DENSE),
    "average pool": (scaled(pool_layer.kernels, "average_pool_backward", 2), SMALL, CSR),
    "max pool": (scaled(pool_layer.kernels, "max_pool_backward", 4), "3C3-MP2-5", CSR),
    "bias": (scaled(weighted_layer, "bias_gradient", 1), SMALL, CSR),
    "batch norm, input": (scaled(norm_layer.kernels, "batchnorm_backward", 0), SMALL, NORM),
    "batch norm, gamma": (scaled(norm_layer.kernels, "batchnorm_backward", 5), SMALL, NORM),
    "batch norm, beta": (scaled(norm_layer.kernels, "batchnorm_backward", 6), SMALL, NORM),
    "batch norm, mean held constant": (
        (norm_layer.kernels, "batchnorm_backward", mean_held_constant), SMALL, NORM),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_wrong_backward_is_caught(name, monkeypatch):
    corruption, notation, options = CORRUPTIONS[name]
    assert worst(*small(notation, **options)) <= gradcheck.TOLERANCE
    monkeypatch.setattr(*corruption)
    assert worst(*small(notation, **options)) > 1e-4


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
