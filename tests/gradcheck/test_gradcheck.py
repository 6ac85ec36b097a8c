"""The gradient checks pass, and would not pass if a gradient were wrong."""

import dataclasses

import numpy as np
import pytest

from nsnn import gradcheck, surrogate
from nsnn.data import Batch
from nsnn.errors import UserError
from nsnn.gradcheck import cases, check_network, check_readout, check_surrogate
from nsnn.gradcheck.check import NearKinkError, relative_error, smooth_spikes
from nsnn.layers import (
    LIF,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    Residual,
)
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
    return cases._small(notation, neuron, np.random.default_rng(seed), **options)


def worst(network, batch):
    return max(result.error for result in check_network(network, batch))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_whole_table_passes(seed):
    results = gradcheck.run_all(seed)
    assert not [r for r in results if not r.passed]
    assert np.mean([r.error < 1e-8 for r in results]) > 0.5  # most are far below the tolerance
    names = {r.layer.removeprefix("network: ") for r in results}
    assert {"surrogate", "Linear", "Conv2d", "AvgPool2d", "MaxPool2d", "Flatten"} <= names
    options = " ".join(r.option for r in results)
    for word in (
        *surrogate.SURROGATES,
        "residual network, reset zero, csr",
        "valid",
        "csr",
        "masked",
        "detached",
        "zero",
        "subtract",
        "TET",
    ):
        assert word in options


def test_the_printed_table():
    text, passed = gradcheck.main_table(3)
    assert passed
    assert "caught" in text
    assert "NOT CAUGHT" not in text
    assert text.count("\n") > 50
    assert "0 failed" in text
    assert "tolerance 1e-06" in text


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
    assert worst(*cases._residual(neuron, np.random.default_rng(96))) <= gradcheck.TOLERANCE
    monkeypatch.setattr(kind, "backward", wrong)
    assert worst(*cases._residual(neuron, np.random.default_rng(96))) > 1e-4


@pytest.mark.parametrize(("layer", "shape"), [
    (Linear(6, 5, np.random.default_rng(0), float, bias=False), (6, 2, 3)),
    (Conv2d(2, 3, 3, np.random.default_rng(0), dtype=float, bias=False), (2, 5, 5, 2, 3)),
    (AvgPool2d(2, float), (2, 4, 4, 2, 3)),
    (MaxPool2d(2), (2, 4, 4, 2, 3)),
])  # fmt: skip
def test_the_adjoint_identity_catches_one_percent(layer, shape):
    rng = np.random.default_rng(91)
    assert cases._adjoint("", "", layer, shape, rng).passed
    honest = layer.backward
    layer.backward = lambda dy: 1.01 * honest(dy)
    assert not cases._adjoint("", "", layer, shape, rng).passed


def test_a_wrong_surrogate_is_caught(monkeypatch):
    rng = np.random.default_rng(92)
    honest = surrogate.derivative
    for name in surrogate.SURROGATES:
        assert check_surrogate(name, rng).passed
        assert check_surrogate(name, rng, 1.7).passed
    monkeypatch.setattr(surrogate, "derivative", lambda *arguments: 1.01 * honest(*arguments))
    for name in surrogate.SURROGATES:
        assert not check_surrogate(name, rng).passed


def test_a_wrong_readout_gradient_is_caught(monkeypatch):
    network, batch = small()
    assert check_readout(network, batch).passed
    monkeypatch.setattr(linear_layer, "csr_backward", scaled(linear_layer.csr_backward, 7))
    assert not check_readout(network, batch).passed


@pytest.mark.parametrize("options", [
    CSR, DENSE, {"storage": "masked"}, {"events": True}, {"norm": "batch"},
])  # fmt: skip
def test_the_network_is_as_before(options):
    """Weights, running statistics and the spiking forward."""
    network, batch = small(**options)
    before = {key: array.copy() for key, array in network.state().items()}
    outputs = network.forward(batch).copy()
    rates = network.spike_rates()
    assert 0 < rates["lif1"] < 1
    check_network(network, batch)
    after = network.state()
    assert after.keys() == before.keys()
    for key, array in before.items():
        np.testing.assert_array_equal(after[key], array, err_msg=key)
    np.testing.assert_array_equal(network.forward(batch), outputs)
    assert network.spike_rates() == rates
    assert not network.layers()[0].input_gradient
    assert all(layer.fire is None for layer in network.layers() if isinstance(layer, LIF))


def test_spikes_come_back_after_an_exception():
    network, batch = small()
    outputs = network.forward(batch).copy()
    with smooth_spikes(network):
        assert not np.array_equal(network.forward(batch), outputs)
    np.testing.assert_array_equal(network.forward(batch), outputs)
    with pytest.raises(UserError), smooth_spikes(network):
        network.forward(Batch(batch.images[:, :1], batch.labels))
    np.testing.assert_array_equal(network.forward(batch), outputs)


def test_every_parameter_and_the_input_is_checked():
    network, batch = small(norm="batch")
    results = check_network(network, batch, directions=1, option="mine")
    assert [r.layer for r in results] == [p.name for p in network.parameters()] + ["input"]
    assert all(r.option == "mine" for r in results)


def test_float32_is_refused():
    rng = np.random.default_rng(0)
    network = cases.build("3C3-5", NEURON, (2, 6, 6), 4, rng)
    with pytest.raises(UserError, match="float64"):
        check_network(network, Batch(rng.normal(size=(3, 2, 6, 6)), np.zeros(3, np.int64)))


def near_kink(rng):
    """Silent input and a bias that puts every membrane of the first step at the threshold."""
    neuron = from_preset("esl", time_steps=1)  # its triangle bends at x = 0
    network, batch = cases._small("3C3-5", neuron, rng)
    network.parameters()[1].data[...] = neuron.threshold
    return network, Batch(np.zeros_like(batch.images), batch.labels)


def test_a_draw_near_a_kink_is_redrawn_and_counted():
    draws = []

    def make(rng):
        draws.append(len(draws))
        return near_kink(rng) if len(draws) <= 2 else cases._small("3C3-5", NEURON, rng)

    result = cases._network_check("text", make, np.random.default_rng(93))
    assert result.passed
    assert result.redrawn == 2
    assert len(draws) == 3


def test_only_draws_near_a_kink_do_not_pass():
    result = cases._network_check("text", near_kink, np.random.default_rng(94))
    assert not result.passed
    assert result.redrawn == cases.DRAWS


@pytest.mark.parametrize("name", ["rectangle", "triangle"])
def test_every_kink_is_noticed(name):
    neuron = from_preset("ndsnn", surrogate=name, time_steps=1)
    for kink in surrogate.kinks(name):
        for distance, near in ((0.0, True), (5e-5, True), (-5e-5, True), (1e-2, False)):
            network, batch = cases._small("3C3-5", neuron, np.random.default_rng(95))
            network.parameters()[1].data[...] = neuron.threshold + kink + distance
            batch = Batch(np.zeros_like(batch.images), batch.labels)
            if near:
                with pytest.raises(NearKinkError, match="lif1"):
                    check_network(network, batch)
            else:
                assert worst(network, batch) <= gradcheck.TOLERANCE


def test_a_tie_in_max_pooling_is_noticed():
    """An even background: neighbours have the same membrane, but not the same input."""
    for seed in range(10):
        network, batch = small("3C3-MP2-5", seed=seed)
        pictures = np.zeros_like(batch.images)
        pictures[:, :, 2:4, 2:4] = batch.images[:, :, 2:4, 2:4]
        with pytest.raises(NearKinkError, match="pool1"):
            check_network(network, Batch(pictures, batch.labels))


def test_silent_neighbours_are_no_tie():
    """Where φ is 0 the gradient is 0 whichever of them is the maximum."""
    neuron = from_preset("ndsnn", surrogate="rectangle", time_steps=2)
    network, batch = small("3C3-MP2-5", neuron)
    network.parameters()[1].data[...] = -5.0  # far below the threshold with no input
    pictures = np.zeros_like(batch.images)
    pictures[:, :, 2:4, 2:4] = batch.images[:, :, 2:4, 2:4]
    assert worst(network, Batch(pictures, batch.labels)) <= gradcheck.TOLERANCE


def test_relative_error():
    assert relative_error(1.0, 1.0) == 0
    assert relative_error(0.0, 0.0) == 0
    assert relative_error(1.0, 1.01) == pytest.approx(0.01 / 1.01)
    assert relative_error(-1.0, 1.0) == 2
    assert relative_error(1e-9, 2e-9, least=1.0) == pytest.approx(1e-9)
    assert not gradcheck.Result("", "", np.nan).passed


def test_a_surrogate_gradient_is_not_the_derivative_of_the_spiking_loss():
    """Why all this is needed: the finite difference of a loss of spikes is 0."""
    network, batch = small()
    weight = network.parameters()[0]
    loss = network.loss_and_backward(batch)[0]
    assert np.linalg.norm(weight.gradient) > 1e-3
    weight.data += 1e-9
    assert network.loss_and_backward(batch)[0] == loss
    assert any(isinstance(layer, LIF) for layer in network.layers())
