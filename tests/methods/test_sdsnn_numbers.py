"""SD-SNN's rates and counts of neurons are those of the paper."""

import math

import numpy as np
import pytest

from nsnn.layers import Parameter
from nsnn.methods import SDSNN, RunLength, hidden
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.sparsity.log import TopologyLog

PAPER_INPUTS, PAPER_WEIGHTS = 1960, 596_535  # of a neuron of the FC layer; of all layers


def prepared(epochs, **options):
    """The method on 300 hidden neurons and ten outputs."""
    neuron = from_preset("sdsnn", time_steps=1)
    rng, run = np.random.default_rng(0), RunLength(1, epochs)
    network = build("300", neuron, (1, 8, 8), 10, rng, norm="none", storage="auto")
    method = SDSNN(SDSNN.Config(**options))
    method.prepare(network, run, rng, TopologyLog())
    return method


def untrained(epochs, between=None, **options):
    """Its layer after all epochs of the rules alone, without a step of training."""
    method = prepared(epochs, **options)
    for epoch in range(epochs):
        if between:
            between(method.hidden[0], epoch)
        method.end_epoch(epoch)
    return method.hidden[0]


@pytest.mark.parametrize("epochs", [150, 60, 40])
def test_a_shorter_run_ends_at_the_rate_of_the_paper(epochs):
    """Scaled rates and exponents would end elsewhere: at 56.6 and 55.7 %."""
    layer = untrained(epochs, regenerate=False)
    assert layer.rate == pytest.approx(62.86, abs=0.01)
    assert layer.listed.sum() == 188
    f, rho, listed = epochs / 150, 35.0, 0
    start = 2 * round(18 * f)
    for e in range(start + 1, epochs):
        listed = max(listed, int(3 * rho))
        delta = math.exp(-(e - start - 1) / f) if e <= round(60 * f) else 0.00075 / f
        rho += delta * (300 - listed) / 10
    assert rho == pytest.approx({150: 62.86, 60: 56.59, 40: 55.70}[epochs], abs=0.01)


def test_the_literal_rate_ends_below_it():
    layer = untrained(150, regenerate=False, counts="fixed")
    assert layer.rate == pytest.approx(54.5, abs=0.05)
    assert layer.listed.sum() == 163


def test_without_regeneration_as_much_is_removed_as_in_table_2():
    listed = untrained(150, regenerate=False, linear_rate=50.0).listed.sum()
    assert listed == 214
    assert 100 * listed * PAPER_INPUTS / PAPER_WEIGHTS == pytest.approx(70.31, abs=0.005)


def test_with_regeneration_as_many_neurons_are_pruned_as_in_figure_8():
    """Neurons that get their inputs back, here after paper epoch 70, are alive for Eq. 6."""

    def wanted(layer, epoch):
        """From epoch 52 on all pruned synapses, so that streaks of more than 18 end at 70."""
        layer.scores = np.zeros(layer.weights.shape)
        if epoch >= 52:
            layer.scores[layer.silent()] = 1

    layer = untrained(150, wanted, admitted="top")
    assert layer.listed.sum() == 191
    assert layer.silent().sum() == 1  # pruned after epoch 70


@pytest.mark.parametrize(("dims", "alive"), [((5, 60), 2), ((5, 15, 2, 2), 3), ((5, 40), 2)])
def test_a_neuron_is_alive_with_fifty_inputs_a_channel_with_twenty(dims, alive):
    size, inputs = math.prod(dims[1:]), (19, 20, 50, 60, 0)
    p = Parameter("p", np.zeros((5, size)), dims, prunable=True)
    p.sparsify(np.concatenate([size * i + np.arange(min(n, size)) for i, n in enumerate(inputs)]))
    assert hidden.alive(p) == alive


def test_the_paper_epochs_of_a_run_are_those_of_the_paper():
    for epochs in (6, 30, 41, 60, 150, 300):
        method = prepared(epochs)
        performed = [E for e in range(method.start + 1, epochs) for E in method.paper_epochs(e)]
        assert performed == list(range(37, 150))
        assert method.start == 2 * max(2, round(18 * epochs / 150))


@pytest.mark.parametrize(("growth", "full"), [("code", 76), ("eq8", 52)])
def test_the_regeneration_rate_is_full_when_both_readings_say_so(growth, full):
    method = prepared(150, regenerate=False, growth=growth)
    for epoch in range(1, 90):
        method.end_epoch(epoch)
        assert (method.growth_rate == 99) == (epoch >= full)
