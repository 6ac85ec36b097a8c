"""Energy of tiny networks whose operations are counted by hand."""

import numpy as np
import pytest

from nsnn.energy import PER_FLOP, PER_SOP, energy
from nsnn.firstspike import FirstSpikeNetwork
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.operations import counted


def test_the_papers_columns_are_those_of_table_1():
    """ESL prints 1.13E-05 and 7.95E-06 for 635K connections, 1.84E-06 and 1.29E-06 for 103K."""
    dense, sparse = 635_200, 103_040
    assert f"{dense * PER_FLOP:.2e} {sparse * PER_FLOP:.2e}" == "1.13e-05 1.84e-06"
    assert sparse * PER_SOP == pytest.approx(1.29e-6, abs=5e-9)
    assert dense * PER_SOP == pytest.approx(7.95e-6, abs=1.5e-8)  # 7.94e-6
    assert f"{1e12 * PER_FLOP:.2f} {1e12 * PER_SOP}" == "17.86 12.5"


def first_spike():
    """Two pixels, two hidden neurons, two classes."""
    config, rng = FirstSpikeNetwork.Config(), np.random.default_rng(0)
    network = FirstSpikeNetwork([2], (1, 1, 2), 2, config, rng, np.float64)
    hidden, output = network.parameters()
    hidden.data[...] = [[2.0, 0.0], [-1.0, -1.0]]
    hidden.sparsify(np.array([0, 2, 3]))  # the first neuron has the bright pixel alone
    output.data[...] = [[1.5, 9.0], [0.5, 0.5]]
    return network


def test_synaptic_operations_of_a_first_spike_network():
    """The first hidden neuron fires after one spike, the second never: it waits for both.

    Of the outputs each gets the first hidden neuron's spike; that of the second never comes.
    """
    images = np.array([[[[255, 0]]], [[[255, 0]]]], np.uint8)
    network = first_spike()
    scores, operations = counted(network, images, batch_size=1)
    assert operations.layers == {"linear1.weight": 2 * (1 + 2), "linear2.weight": 2 * 2}
    assert operations.real == 0
    np.testing.assert_allclose(scores, [[-6.0, -np.inf]] * 2)  # 2/(2 − 1) = 2, then 3/(1.5 − 1)
    assert energy(network, operations, 2) == {
        "multiply_adds": 0.0, "synaptic_operations": 5.0, "counted": 5 * PER_SOP,
        "paper_gpu": (3 + 4) * PER_FLOP, "paper_truenorth": (3 + 4) * PER_SOP,
    }  # fmt: skip


@pytest.mark.parametrize("time_steps", [1, 3])
def test_pixels_are_multiply_adds_and_never_synaptic_operations(time_steps):
    """Two pixels, one of them not 0, meet two neurons, once; one of these fires at every step."""
    neuron = from_preset("ndsnn", time_steps=time_steps)
    network = build("2", neuron, (1, 1, 2), 3, np.random.default_rng(0), dtype=np.float64)
    hidden = network.parameters()[0]
    hidden.data[...] = [[5.0, 1.0], [-1.0, 1.0]]
    scores, operations = counted(network, np.array([[[[1.0, 0.0]]]]))
    assert scores.shape == (1, 3)
    found = energy(network, operations, 1)
    assert found["paper_gpu"] == (4 + 6) * 250 / 14e12
    assert (found["multiply_adds"], found["synaptic_operations"]) == (2.0, 3.0 * time_steps)
    assert found["counted"] == pytest.approx(2 * 250 / 14e12 + 3 * time_steps * 12.5e-12)


def test_averages_of_spikes_are_real_numbers():
    """A convolution that fires everywhere; its averages are all 1, and no spikes."""
    neuron = from_preset("ndsnn", time_steps=2)
    network = build("1C1-AP2", neuron, (1, 2, 2), 3, np.random.default_rng(0), dtype=np.float64)
    network.parameters()[0].data[...] = 5.0
    _, operations = counted(network, np.ones((1, 1, 2, 2)))
    assert operations.static == 4
    assert operations.real == 4 + 2 * 3  # a pixel a neuron; T averages for three classes
    assert energy(network, operations, 1)["synaptic_operations"] == 0
