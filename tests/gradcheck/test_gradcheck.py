"""The table of gradient checks passes, and no line of it would pass if a gradient were wrong."""

import dataclasses
import threading

import numpy as np
import pytest

from nsnn import gradcheck, parallel, surrogate
from nsnn.data import Batch
from nsnn.errors import UserError
from nsnn.gradcheck import NearKinkError
from nsnn.gradcheck.cases import small_network
from nsnn.gradcheck.firstspike import EXACT, small_first_spike
from nsnn.gradcheck.result import LIVE, compare, summary
from nsnn.gradcheck.table import DRAWS, drawn, lines
from nsnn.gradcheck.training import lif_check, threads_check
from nsnn.layers import LIF, Parameter
from nsnn.layers import conv as conv_layer
from nsnn.layers.firstspike import FirstSpike
from nsnn.layers.weighted import Weighted
from nsnn.neuron import PRESETS, from_preset

NEURON = from_preset("ndsnn", detach_reset=False, time_steps=4)


@pytest.fixture(scope="module")
def results():
    return gradcheck.run_all()


def test_every_line_passes_and_would_not_if_its_gradient_were_one_percent_larger(results):
    assert not [r for r in results if not r.passed]
    assert all(r.planted > r.tolerance and r.live >= LIVE for r in results)
    assert all(r.error <= gradcheck.TOLERANCE for r in results if "float32" not in r.option)
    exact = [r for r in results if "first-spike, exact" in r.option]
    assert [r.error <= EXACT == r.tolerance for r in exact] == [True] * 4
    kinds = {r.layer.removeprefix("network: ") for r in results}
    assert {"surrogate", "Linear", "Conv2d", "AvgPool2d", "MaxPool2d", "Flatten", "LIF"} <= kinds
    options = " ".join(r.option for r in results)
    for word in (
        *surrogate.SURROGATES, "residual network, reset zero, csr", "valid", "csr", "masked",
        "detached", "zero", "subtract", "TET", "as trained", "one byte", "float32", "3 threads",
        "inactive positions", "spikes and gradient of preset lth", "binary input, csr",
        "a time for each input, all active",
    ):  # fmt: skip
        assert word in options


def one_percent_too_large(kind, check, monkeypatch):
    """Make the gradients of a line wrong where production code computes them.

    A line that compares production code with itself gets the error on one side.
    """

    def weights_where(condition, owner=Weighted):
        honest = owner.backward

        def backward(layer, dy):
            dx = honest(layer, dy)
            if condition(layer):
                layer.weight.gradient *= 1.01
            return dx

        monkeypatch.setattr(owner, "backward", backward)

    def scaled(owner, name):
        honest = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *a, **k: 1.01 * honest(*a, **k))

    if kind == "check_surrogate":
        scaled(surrogate, "derivative")
    elif kind == "adjoint_check":
        scaled(check.args[2], "backward")
    elif kind == "inactive_check":
        observe = Parameter.observe

        def observe_too_large(p, observer):
            observe(p, lambda columns, block: observer(columns, 1.01 * block))

        monkeypatch.setattr(Parameter, "observe", observe_too_large)
    elif kind == "lif_check":
        scaled(LIF, "backward")
    elif kind == "first_spike_check":
        weights_where(lambda layer: True, FirstSpike)
    else:
        weights_where({
            "network_check": lambda layer: True,
            "readout_check": lambda layer: True,
            "byte_check": lambda layer: layer.x.dtype == np.uint8,
            "float32_check": lambda layer: layer.weight.data.dtype == np.float32,
            "threads_check": lambda layer: parallel.get_threads() > 1,
        }[kind])  # fmt: skip


@pytest.mark.parametrize("number", range(len(lines())))
def test_one_percent_planted_in_production_code_is_caught(number, monkeypatch):
    check, rng = lines()[number], np.random.default_rng([7, number])
    assert drawn(check, rng).passed
    one_percent_too_large(check.func.__name__, check, monkeypatch)
    result = drawn(check, rng)
    assert result.alive
    assert not result.passed
    assert result.error > 50 * result.tolerance


@pytest.mark.parametrize("preset", PRESETS)
def test_a_current_one_percent_larger_is_caught(preset, monkeypatch):
    """In the spikes: the equations are asked with the current that was given."""
    honest, current = LIF.forward, LIF.current.fget
    monkeypatch.setattr(LIF, "forward", lambda lif, x, **k: honest(lif, 1.01 * x, **k))
    monkeypatch.setattr(LIF, "current", property(lambda lif: current(lif) / 1.01))
    assert not lif_check(preset, np.random.default_rng(8)).passed


def test_the_threads_of_a_line_share_a_product(monkeypatch):
    ran = []

    def observed(*arguments):
        ran.append((threading.get_ident(), arguments[-2:]))
        honest(*arguments)

    honest = conv_layer.conv_csr_backward
    monkeypatch.setattr(conv_layer, "conv_csr_backward", observed)
    assert threads_check(3, "csr", np.random.default_rng(0)).passed
    spans = {span for _, span in ran}
    assert (0, 16) in spans  # one thread does all of it
    assert len(spans) > 3
    assert parallel.get_threads() == 1


def test_the_printed_table(results, monkeypatch):
    monkeypatch.setattr("nsnn.gradcheck.table.run_all", lambda seed: results)
    text, passed = gradcheck.main_table()
    assert passed
    explained, table, counted = text.split("\n\n")
    assert explained.startswith("surrogate: ")
    assert len(table.splitlines()) == 1 + len(lines())
    assert " NO" not in table
    assert "0 failed" in counted


def near_kink(rng):
    """Silent input and a bias that puts every membrane of the first step at the threshold."""
    neuron = from_preset("esl", time_steps=1)  # its triangle bends at x = 0
    network, batch = small_network("3C3-5", neuron, rng)
    network.parameters()[1].data[...] = neuron.threshold
    return network, Batch(np.zeros_like(batch.images), batch.labels)


def dead(rng):
    """A hidden layer that nothing wakes: the rectangle is 0 there."""
    network, batch = small_network("3C3-5", from_preset("sdsnn", time_steps=2), rng)
    network.parameters()[1].data[...] = -10.0
    return network, batch


def checked(make, rng):
    network, batch = make(rng)
    return summary(gradcheck.check_network(network, batch, rng), "text")


@pytest.mark.parametrize(("bad", "counted"), [(near_kink, (2, 0)), (dead, (0, 2))])
def test_a_draw_that_shows_nothing_is_drawn_again_and_counted(bad, counted):
    draws = []

    def check(rng):
        draws.append(bad if len(draws) < 2 else lambda r: small_network("3C3-5", NEURON, r))
        return checked(draws[-1], rng)

    result = drawn(check, np.random.default_rng(93))
    assert result.passed
    assert (result.near_kink, result.dead) == counted
    assert len(draws) == 3


@pytest.mark.parametrize("bad", [near_kink, dead])
def test_only_draws_that_show_nothing_do_not_pass(bad):
    result = drawn(lambda rng: checked(bad, rng), np.random.default_rng(94))
    assert not result.passed
    assert result.near_kink + result.dead == DRAWS


def test_a_dead_gradient_of_a_users_network_does_not_pass():
    network, batch = dead(np.random.default_rng(95))
    results = {r.layer: r for r in gradcheck.check_network(network, batch)}
    assert results["conv1.weight"].error == 0
    assert not results["conv1.weight"].alive
    assert not results["conv1.weight"].passed
    assert results["linear2.bias"].passed


def test_a_bias_before_a_normalisation_may_be_level_but_not_wrong(monkeypatch):
    network, batch = small_network("3C3-5", NEURON, np.random.default_rng(96), norm="batch")
    level = [r for r in gradcheck.check_network(network, batch) if r.level]
    assert [r.layer for r in level] == ["conv1.bias", "linear1.bias"]
    assert all(r.passed for r in level)
    honest = Weighted.backward

    def wrong(layer, dy):
        dx = honest(layer, dy)
        layer.bias.gradient += 1e-3
        return dx

    monkeypatch.setattr(Weighted, "backward", wrong)
    results = gradcheck.check_network(network, batch)
    assert not any(r.passed for r in results if r.level)


def test_two_arrays_are_compared_relative_to_the_largest_entry():
    same = compare("", "", [1.0, -2.0], [1.0, -2.0])
    assert same.passed
    assert same.error == 0
    assert same.planted == pytest.approx(0.01)
    assert compare("", "", [1.0, -2.0], [1.1, -2.0]).error == pytest.approx(0.05)
    assert not compare("", "", [1.0, -2.0], [1.1, -2.0]).passed
    assert not compare("", "", [1.0, np.nan], [1.0, np.nan]).passed
    zeros = compare("", "", np.zeros(5), np.zeros(5))
    assert (zeros.error, zeros.planted, zeros.live, zeros.passed) == (0, 0, 0, False)
    assert not compare("", "", [1.0, *9 * [0.0]], [1.0, *9 * [0.0]]).alive


def test_directions_that_change_a_causal_set_are_left_out_and_counted():
    """A step so large that some inputs arrive before the neuron instead of after it."""
    rng = np.random.default_rng(97)
    network, batch = small_first_spike(rng, True, True)
    found = gradcheck.check_network(network, batch, rng, directions=5, step=3e-4)
    assert sum(r.near_kink for r in found) > 0
    with pytest.raises(NearKinkError, match="directions change a causal set"):
        gradcheck.check_network(network, batch, rng, step=0.1)


def test_a_users_first_spike_network_is_as_before():
    network, batch = small_first_spike(np.random.default_rng(98), True, False)
    network.config = dataclasses.replace(network.config, largest_gradient=1e-6)
    before, config = network.state(), network.config
    results = gradcheck.check_network(network, batch)
    assert [r.layer for r in results] == [p.name for p in network.parameters()]
    assert all(r.passed for r in results)
    assert network.config is config
    np.testing.assert_equal(network.state(), before)
    single, batch = small_first_spike(np.random.default_rng(98), True, False, np.float32)
    with pytest.raises(UserError, match="float64"):
        gradcheck.check_network(single, batch)
