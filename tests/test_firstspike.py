"""The first-spike network: its loss, its exact gradient, both kinds of input, sparse and dense."""

import dataclasses

import numpy as np
import pytest

from nsnn.firstspike import FirstSpikeNetwork, loss
from nsnn.gradcheck.firstspike import small_first_spike
from nsnn.layers.firstspike import BinaryTimes, FirstSpike
from nsnn.reference import firstspike as reference

CLASSES = 4


def small(**options):
    """A sparse network with a neuron that cannot fire, and a batch of six."""
    network, batch = small_first_spike(np.random.default_rng(91), sparse=True, delays=False)
    network.config = dataclasses.replace(network.config, **options)
    return network, batch


@pytest.mark.parametrize("seed", range(20))
def test_the_loss_is_that_of_the_paper(seed):
    rng = np.random.default_rng(seed)
    z = 1 + 5 * rng.random((CLASSES, 8))
    z[rng.random(z.shape) < 0.3] = np.inf
    z[:, 0] = np.inf  # nobody fires
    labels = rng.integers(0, CLASSES, 8)
    for found, wanted in zip(loss(z, labels, 20.0), reference.loss(z, labels, 20.0), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15)
    assert np.isfinite(loss(np.full((3, 2), np.inf), np.array([0, 1]), 20.0)[0])


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_two_times_are_found_as_any_times_are(seed, sparse):
    """The products with bytes give what the order of events gives, forward and backward."""
    rng = np.random.default_rng([93, seed])
    layer = FirstSpike(20, 15, rng, 4.0, np.float64)
    layer.weight.data += rng.normal(0, 0.15, layer.weight.shape)
    layer.weight.data[:2] = -0.1
    if sparse:
        layer.weight.sparsify(np.flatnonzero(rng.random(300) < 0.6))
    layer.input_gradient = False
    x = BinaryTimes((rng.random((20, 9)) < 0.4).astype(np.uint8), 1.0, 6.0)
    dz, found = rng.normal(size=(15, 9)), []
    for each in (x, x.z.astype(np.float64)):
        z = layer.forward(each).copy()
        layer.backward(dz)
        found.append((z, layer.weight.gradient.copy(), layer.operations()))
    (z, gradient, count), (z_ordered, gradient_ordered, count_ordered) = found
    assert 0.1 < np.isfinite(z).mean() < 1
    assert np.any(z[np.isfinite(z)] < 6)
    assert np.any(z[np.isfinite(z)] > 6)
    np.testing.assert_allclose(z, z_ordered, rtol=1e-9)
    np.testing.assert_allclose(gradient, gradient_ordered, rtol=1e-8, atol=1e-9)
    assert count == count_ordered
    causal = reference.causal(x.z.astype(np.float64), z)
    stored = layer.weight.to_dense() != 0
    assert count == (stored[:, :, None] & causal).sum()


def test_a_large_gradient_is_scaled_down_before_the_k_term():
    free, batch = small(largest_gradient=1e9, k_term=0.0)
    held, _ = small(largest_gradient=1e-6, k_term=0.0)
    for network in (free, held):
        network.loss_and_backward(batch)
    for p, q in zip(free.parameters(), held.parameters(), strict=True):
        norm = np.linalg.norm(p.gradient) / p.shape[1]
        np.testing.assert_allclose(q.gradient, p.gradient * 1e-6 / norm, rtol=1e-12)


def test_the_reported_loss_holds_the_squares_of_the_weights():
    (plain, batch), (decayed, _) = small(), small()
    decayed.weight_decay = 0.2
    squares = sum(np.square(p.data).sum() for p in plain.parameters())
    difference = decayed.loss_and_backward(batch)[0] - plain.loss_and_backward(batch)[0]
    assert difference == pytest.approx(0.1 * squares, rel=1e-9)


def test_a_network_that_never_fires_says_so_and_learns_to():
    net, batch = small(k_term=1.0)
    for p in net.parameters():
        p.data[...] = 0.01
    value, predictions = net.loss_and_backward(batch)
    assert np.isfinite(value)
    assert value > np.log(CLASSES)
    assert net.undecided(net.scores(batch.images)) == 6
    assert set(predictions) == {0}
    for p in net.parameters():
        np.testing.assert_array_equal(p.gradient, -1.0)


def test_weights_start_with_the_sum_asked_sparse_or_dense():
    rng = np.random.default_rng(0)
    net = FirstSpikeNetwork([400], (1, 28, 28), 10, FirstSpikeNetwork.Config(), rng)
    p = net.parameters()[0]
    assert p.data.sum(axis=1).mean() == pytest.approx(4, rel=0.01)
    p.sparsify(np.flatnonzero(rng.random(p.size) < 0.1))
    net.sparse_start()
    assert p.data.sum() / 400 == pytest.approx(4, rel=0.02)
    assert p.data.min() >= 0


def test_observers_see_the_gradient_at_inactive_positions():
    net, batch = small()
    p = net.parameters()[0]
    seen = np.zeros(p.shape)

    def observer(columns, block):
        seen[:, columns] = block

    p.observe(observer)
    net.loss_and_backward(batch)
    layer = net.layers()[0]
    assert np.isfinite(layer.z).any()
    own = seen.flat[p.positions()]
    weak = np.repeat(layer.row_sums() < 1, np.diff(p.topology.indptr))
    np.testing.assert_allclose(own, p.gradient + 0.5 * weak, rtol=1e-9, atol=1e-12)
    assert np.count_nonzero(np.delete(seen.reshape(-1), p.positions())) > 5
    assert net.bytes_held()["blocks"] == seen.nbytes
    net.loss_and_backward(batch)  # nobody asks
    assert net.bytes_held()["blocks"] == 0
