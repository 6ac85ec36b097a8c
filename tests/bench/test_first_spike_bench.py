"""What `nsnn bench epoch --model firstspike` compares with networks in PyTorch."""

import numpy as np
import pytest

from nsnn.bench import FIRST_SPIKE_DENSITY as DENSITY
from nsnn.bench.child import Job
from nsnn.bench.step import Trainee, random_data
from nsnn.data import Batch
from nsnn.firstspike import FirstSpikeNetwork
from nsnn.metrics import density


def test_a_first_spike_network_has_the_density_of_epsilon_60():
    trainee = Trainee(Job(model="firstspike", density=DENSITY))
    assert density(trainee.network.parameters()).active == 103_040


@pytest.mark.peer
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("delay", [0.0, 0.15])
def test_pytorch_computes_the_same(delay):
    """Times, loss with the K-term and its gradient, in float64 and with a mask."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    from nsnn.bench import peers as theirs

    rng, config = np.random.default_rng(0), FirstSpikeNetwork.Config()
    network = FirstSpikeNetwork([60], (1, 28, 28), 10, config, rng, np.float64)
    for p in network.parameters():
        p.data += rng.normal(0, 0.02, p.shape)
    network.parameters()[0].sparsify(np.flatnonzero(rng.random(784 * 60) < 0.3))
    network.sparse_start()
    data = random_data(Job(model="firstspike"), 6)
    images, labels = data.images, data.labels
    delays = np.abs(rng.normal(0, delay, images.shape)) if delay else None
    value, _ = network.loss_and_backward(Batch(images, labels, delays))
    weights = [torch.tensor(p.to_dense(), requires_grad=True) for p in network.parameters()]
    x = torch.tensor(images.reshape(6, -1) / 255.0)
    if delay:
        z = torch.where(x > 0.5, 1.0, 6.0) * torch.tensor(delays.reshape(6, -1)).exp()
        z_out = theirs.by_sorting(theirs.by_sorting(z, weights[0]), weights[1])
    else:
        z_out = theirs.first_spikes(x, weights, 0.0)
        same = theirs.by_sorting(theirs.by_products(x, weights[0]), weights[1])
        torch.testing.assert_close(z_out, same)
    np.testing.assert_allclose(z_out.detach().numpy().T, network.layers()[-1].z, rtol=1e-9)
    loss = theirs.first_spike_loss(z_out, torch.tensor(labels), weights)
    assert loss.item() == pytest.approx(value, rel=1e-9)
    loss.backward()
    for p, W in zip(network.parameters(), weights, strict=True):
        found = W.grad.numpy().ravel()[p.positions()]
        np.testing.assert_allclose(p.gradient.ravel(), found, rtol=1e-6, atol=1e-9)
