"""What `check_network` does with a network, and where it refuses to judge."""

import numpy as np
import pytest

from nsnn import gradcheck, surrogate
from nsnn.data import Batch
from nsnn.errors import UserError
from nsnn.gradcheck import NearKinkError, check_network, smooth_spikes
from nsnn.gradcheck.cases import small_network
from nsnn.layers import LIF
from nsnn.neuron import from_preset

NEURON = from_preset("ndsnn", detach_reset=False, time_steps=4)


def small(notation="3C3-AP2-5", neuron=NEURON, seed=90, **options):
    return small_network(notation, neuron, np.random.default_rng(seed), **options)


def worst(network, batch):
    return max(result.error for result in check_network(network, batch))


@pytest.mark.parametrize("options", [
    {}, {"storage": "all active"}, {"storage": "masked"}, {"events": True}, {"norm": "batch"},
])  # fmt: skip
def test_the_network_is_as_before(options):
    """Weights, running statistics and the spiking forward."""
    network, batch = small(**options)
    before = {key: array.copy() for key, array in network.state().items()}
    outputs = network.forward(batch).copy()
    rates = network.spike_rates()
    assert 0 < rates["lif1"] < 1
    check_network(network, batch)
    np.testing.assert_equal(network.state(), before)
    np.testing.assert_array_equal(network.forward(batch), outputs)
    assert network.spike_rates() == rates
    assert not network.layers()[0].input_gradient
    network.layers()[0].input_gradient = True
    check_network(network, batch)
    assert network.layers()[0].input_gradient
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


@pytest.mark.parametrize("name", ["rectangle", "triangle"])
def test_every_kink_is_noticed(name):
    neuron = from_preset("ndsnn", surrogate=name, time_steps=1)
    for kink in surrogate.kinks(name):
        for distance, near in ((0.0, True), (5e-5, True), (-5e-5, True), (1e-2, False)):
            network, batch = small_network("3C3-5", neuron, np.random.default_rng(95))
            network.parameters()[1].data[...] = neuron.threshold + kink + distance
            batch = Batch(np.zeros_like(batch.images), batch.labels)
            if near:
                with pytest.raises(NearKinkError, match="lif1"):
                    check_network(network, batch)
            else:  # no pictures: the first weights have no gradient
                assert all(r.error <= r.tolerance for r in check_network(network, batch))


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
