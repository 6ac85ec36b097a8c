"""A kernel or layer whose backward is wrong is noticed by the check of a network."""

import dataclasses

import numpy as np
import pytest

from nsnn import gradcheck
from nsnn.gradcheck import check_network
from nsnn.gradcheck.cases import residual_network, small_network
from nsnn.layers import BatchNorm, GlobalAvgPool2d, Residual
from nsnn.layers import batchnorm as batchnorm_layer
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


def scaled(kernel, argument, factor=1.01):
    """`kernel`, then one of its output arrays a little too large."""

    def corrupted(*arguments):
        kernel(*arguments)
        arguments[argument][...] *= factor

    return corrupted


def changed(kernel, argument, change):
    """`kernel` with one of its inputs changed."""

    def corrupted(*arguments):
        arguments = list(arguments)
        arguments[argument] = change(arguments[argument])
        kernel(*arguments)

    return corrupted


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
honest_dense = dense_layer.conv_transposed_matmul
CSR, DENSE = {"storage": "csr"}, {"storage": "all active"}
NORM = CSR | {"norm": "batch"}
ZERO = from_preset("esl", surrogate="arctan", time_steps=4)

# name: (module, attribute, corrupted, notation, options of the network)
CORRUPTIONS = {
    "decay": (
        lif_layer, "lif_backward", changed(honest_lif, 5, lambda a: a * 1.01), "3C3-AP2-5", CSR),
    "gain": (
        lif_layer, "lif_backward", changed(honest_lif, 6, lambda a: a * 1.01), "3C3-AP2-5", CSR),
    "threshold": (
        lif_layer, "lif_backward", changed(honest_lif, 7, lambda a: a * 1.01), "3C3-AP2-5", CSR),
    "scale of the surrogate": (
        lif_layer, "lif_backward", changed(honest_lif, 11, lambda a: a * 1.01), "3C3-AP2-5", CSR),
    "kind of reset": (
        lif_layer, "lif_backward", changed(honest_lif, 8, lambda a: not a), "3C3-AP2-5", CSR),
    "reset term dropped, subtract": (
        lif_layer, "lif_backward", changed(honest_lif, 9, lambda a: not a), "3C3-AP2-5", CSR),
    "reset term dropped, zero": (
        lif_layer, "lif_backward", changed(honest_lif, 9, lambda a: not a), "3C3-AP2-5",
        CSR | {"neuron": ZERO}),
    "time reversed": (
        lif_layer, "lif_backward",
        changed(honest_lif, 0, lambda a: np.ascontiguousarray(a[:, :, ::-1])), "3C3-AP2-5", CSR),
    "membrane from another input": (
        lif_layer, "lif_backward", changed(honest_lif, 1, lambda a: a * 1.01), "3C3-AP2-5", CSR),
    "membrane from another scale": (
        lif_layer, "lif_backward", changed(honest_lif, 2, lambda a: a * 1.01), "3C3-AP2-5", NORM),
    "membrane from another shift": (
        lif_layer, "lif_backward", changed(honest_lif, 3, lambda a: a + 0.01), "3C3-AP2-5", NORM),
    "no sum over time": (lif_layer, "lif_backward", last_step_only, "3C3-AP2-5", CSR),
    "linear gradient of a first layer": (
        linear_layer, "csr_gradient", scaled(linear_layer.csr_gradient, 4), "5", CSR),
    "linear gradient": (
        linear_layer, "csr_backward", scaled(linear_layer.csr_backward, 7), "3C3-AP2-5", CSR),
    "linear transposed": (
        linear_layer, "csr_backward", scaled(linear_layer.csr_backward, 6), "3C3-AP2-5", CSR),
    "convolution gradient of a first layer": (
        conv_layer, "conv_csr_gradient", scaled(conv_layer.conv_csr_gradient, 9), "3C3-AP2-5", CSR),
    "convolution gradient": (
        conv_layer, "conv_csr_backward", scaled(conv_layer.conv_csr_backward, 12), "3C3-3C3-5",
        CSR),
    "convolution transposed": (
        conv_layer, "conv_csr_backward", scaled(conv_layer.conv_csr_backward, 11), "3C3-3C3-5",
        CSR),
    "dense convolution gradient": (
        dense_layer, "conv_gradient", scaled(dense_layer.conv_gradient, 4), "3C3-AP2-5", DENSE),
    "dense convolution transposed": (
        dense_layer, "conv_transposed_matmul", scaled(honest_dense, 4), "3C3-3C3-5", DENSE),
    "average pool": (
        pool_layer.kernels, "average_pool_backward",
        scaled(pool_layer.kernels.average_pool_backward, 2), "3C3-AP2-5", CSR),
    "max pool": (
        pool_layer.kernels, "max_pool_backward",
        scaled(pool_layer.kernels.max_pool_backward, 4), "3C3-MP2-5", CSR),
    "bias": (
        weighted_layer, "bias_gradient", scaled(weighted_layer.bias_gradient, 1), "3C3-AP2-5",
        CSR),
    "batch norm, input": (
        batchnorm_layer.kernels, "batchnorm_backward",
        scaled(batchnorm_layer.kernels.batchnorm_backward, 0), "3C3-AP2-5", NORM),
    "batch norm, gamma": (
        batchnorm_layer.kernels, "batchnorm_backward",
        scaled(batchnorm_layer.kernels.batchnorm_backward, 5), "3C3-AP2-5", NORM),
    "batch norm, beta": (
        batchnorm_layer.kernels, "batchnorm_backward",
        scaled(batchnorm_layer.kernels.batchnorm_backward, 6), "3C3-AP2-5", NORM),
    "batch norm, mean held constant": (
        batchnorm_layer.kernels, "batchnorm_backward",
        lambda d, x, mean, r, gamma, d_gamma, d_beta, a, b: np.multiply(
            d, (gamma * r)[:, None], out=d), "3C3-AP2-5", NORM),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_wrong_backward_is_caught(name, monkeypatch):
    module, attribute, corrupted, notation, options = CORRUPTIONS[name]
    assert worst(*small(notation, **options)) <= gradcheck.TOLERANCE
    monkeypatch.setattr(module, attribute, corrupted)
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
