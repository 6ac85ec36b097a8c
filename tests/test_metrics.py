"""Density, memory, cost; accuracy and confusion: the examples of their docstrings."""

import numpy as np
import pytest

from nsnn import metrics
from nsnn.layers import Parameter
from nsnn.models import build
from nsnn.neuron import from_preset


def weight(name, rows, cols, active=None):
    parameter = Parameter(name, np.ones((rows, cols), np.float32), prunable=True)
    if active is not None:
        parameter.sparsify(np.arange(active))
    return parameter


@pytest.fixture
def parameters():
    bias = Parameter("a.bias", np.zeros(4, np.float32))
    return [weight("a.weight", 4, 5, active=6), bias, weight("b.weight", 2, 4)]


def test_density_counts_prunable_weights_only(parameters):
    found = metrics.density(parameters)
    assert (found.active, found.size, found.density) == (14, 28, 0.5)
    assert found.layers == {"a.weight": (6, 20), "b.weight": (8, 8)}


def test_density_without_prunable_weights_is_one():
    assert metrics.density([]).density == 1.0


def test_paper_bytes_is_the_paper_s_formula(parameters):
    # (1−θ)N = 14, T = 2, b_w = b_idx = 32: 14·(3·32 + 32) + (5 + 3)·32 bits
    assert metrics.paper_bytes(parameters, 2) == (14 * 128 + 8 * 32) / 8


def test_relative_cost():
    assert metrics.relative_cost(0.1, 0.05, 0.2) == pytest.approx(0.025)
    assert metrics.relative_cost(0.1, 0.05, 0.0) == 0.0


def test_spike_rates_weigh_layers_by_their_neurons():
    rng = np.random.default_rng(0)
    neuron = from_preset("ndsnn", time_steps=3)
    network = build("8-2", neuron, (1, 4, 4), 2, rng)
    network.predict(rng.random((5, 1, 4, 4), dtype=np.float32))
    first, second = (layer for layer in network.layers() if hasattr(layer, "s"))
    first.s[:] = 1
    second.s[:] = 0
    measured = network.measures()
    assert measured.spike_rates == {"lif1": 1.0, "lif2": 0.0}
    assert measured.spike_rate == pytest.approx(8 / 10)


def test_peak_memory_without_proc(monkeypatch):
    """As on macOS: the peak of the process table, which is no less."""
    told = metrics.peak_memory()

    def refuse(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", refuse)
    assert told <= 1.01 * metrics.peak_memory() < 1 << 40
