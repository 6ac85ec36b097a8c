"""nsnn and its peers compute the same: loss, gradients and training from the same weights.

What `nsnn bench --against` compares is then the same work. Autograd of another library is also an
oracle for every backward that is written by hand here.
"""

import numpy as np
import pytest

from nsnn.bench import child
from nsnn.bench.child import Job
from nsnn.bench.step import plan
from nsnn.export import network_tree
from nsnn.layers.weighted import scale_to_active_fan_in
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.optim import SGD
from nsnn.sparsity.distribution import random_positions

# The peers' own warnings are not ours.
pytestmark = [pytest.mark.peer, pytest.mark.filterwarnings("default")]

T, B, SHAPE, CLASSES = 4, 6, (2, 8, 8), 5
CONV_NET, LINEAR_NET = "5C3-6C3-MP2-7C3-AP2-9", "12-11"
LEARNING_RATE, MOMENTUM, STEPS = 0.1, 0.9, 3


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="compares with PyTorch: pip install 'nsnn[peers]'")


@pytest.fixture
def peers(torch):
    pytest.importorskip("spikingjelly")
    from nsnn.bench import peers

    return peers


def our_network(notation, norm, reset, density):
    neuron = from_preset("ndsnn", reset=reset, time_steps=T)
    rng = np.random.default_rng(0)
    network = build(notation, neuron, SHAPE, CLASSES, rng, norm=norm, dtype=np.float64)
    for parameter in network.parameters():
        if norm == "none" and parameter.prunable:
            parameter.data *= 3  # enough current for every layer to fire
        if density < 1 and parameter.prunable and parameter.name != "conv1.weight":
            count = round(density * parameter.size)
            parameter.sparsify(random_positions(parameter.shape, count, rng))
    scale_to_active_fan_in(network.parameters())
    return network


def their_network(torch, peers, network, lif):
    """The peer's network with the weights of ours; (network, their parameters in our order)."""
    theirs = peers.build(network_tree(network)["layers"], lif).to(torch.float64)
    parameters = list(theirs.parameters())
    ours = network.parameters()
    assert len(ours) == len(parameters)
    with torch.no_grad():
        for a, b in zip(ours, parameters, strict=True):
            assert int(np.prod(a.shape)) == b.numel()
            b.copy_(torch.from_numpy(a.to_dense().copy()).view_as(b))
    return theirs, parameters


def fires_after_decay(torch):
    """SpikingJelly's neuron with nsnn's order: decay first, then subtract the threshold."""
    from spikingjelly.activation_based import base, neuron

    from nsnn.bench.peers import DECAY, THRESHOLD, spikingjelly_lif

    class DecayFirst(neuron.LIFNode):
        def single_step_functional_forward(self, inputs, states, **options):
            (s,), (v, *rest) = super().single_step_functional_forward(inputs, states, **options)
            # α (v - ϑ s - (ϑ/α - ϑ) s) = α v - ϑ s
            v = v - (THRESHOLD / DECAY - THRESHOLD) * s.detach()
            return (s,), (v, *rest)

        multi_step_functional_forward = base.MemoryModule.multi_step_functional_forward

    def make():
        node = spikingjelly_lif()
        node.__class__ = DecayFirst
        return node

    return make


@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("density", [1.0, 0.3])
@pytest.mark.parametrize(
    ("notation", "norm"), [(CONV_NET, "batch"), (CONV_NET, "none"), (LINEAR_NET, "batch")]
)
def test_loss_gradients_and_training(torch, peers, reset, density, notation, norm):
    """Three SGD steps: the loss and every gradient of each, so the weights after each as well.

    The reset to zero is that of SpikingJelly's own node.
    """
    ours = our_network(notation, norm, reset, density)
    lif = {"zero": lambda: peers.spikingjelly_lif("zero"), "subtract": fires_after_decay(torch)}
    theirs, parameters = their_network(torch, peers, ours, lif[reset])
    our_sgd = SGD(ours.parameters(), MOMENTUM)
    their_sgd = torch.optim.SGD(parameters, lr=LEARNING_RATE, momentum=MOMENTUM)
    close = {"rtol": 1e-9, "atol": 1e-12}
    rng = np.random.default_rng(1)
    for _ in range(STEPS):
        images = rng.integers(0, 256, (B, *SHAPE), dtype=np.uint8)
        labels = rng.integers(0, CLASSES, B)
        x = ours.encode(images)
        outputs = ours.body.forward(x, training=True)  # (classes, T, B)
        loss, d_outputs = ours.loss(outputs, labels)
        ours.body.backward(d_outputs)
        assert all(0.01 < rate < 0.99 for rate in ours.spike_rates().values())
        their_x = torch.from_numpy(x[:, :, :, 0].transpose(3, 0, 1, 2).copy())
        their_outputs = peers.outputs_of(theirs, their_x, T)
        cross_entropy = torch.nn.functional.cross_entropy
        their_loss = cross_entropy(their_outputs.mean(0), torch.from_numpy(labels))
        their_sgd.zero_grad()
        their_loss.backward()
        np.testing.assert_allclose(
            outputs, their_outputs.detach().numpy().transpose(2, 0, 1), **close
        )
        np.testing.assert_allclose(loss, their_loss.item(), **close)
        for a, b in zip(ours.parameters(), parameters, strict=True):
            gradient = b.grad.numpy().reshape(-1)[a.positions()]
            np.testing.assert_allclose(a.active_gradient(), gradient, err_msg=a.name, **close)
        our_sgd.step(LEARNING_RATE)
        their_sgd.step()
        with torch.no_grad():  # masks, as mask-based code applies them
            for a, b in zip(ours.parameters(), parameters, strict=True):
                mask = torch.zeros(b.numel(), dtype=b.dtype)
                mask[torch.from_numpy(a.positions())] = 1
                b.mul_(mask.view_as(b))


def test_a_masked_peer_stays_sparse(torch, peers):
    job = Job(model="mlp", width=0.02, norm="none", density=0.3, batch=4, time_steps=2)
    layers, shape = plan(job)
    network, step = peers.training(job, layers)
    for _ in range(2):
        step(torch.randn(4, *shape), torch.arange(4))
    weights = [m.weight for m in network.modules() if isinstance(m, torch.nn.Linear)]
    wanted = [item["active"] or w.numel() for item, w in zip(
        (item for item in layers if "active" in item), weights, strict=True)]  # fmt: skip
    assert [int(torch.count_nonzero(w)) for w in weights] == wanted


def test_steps_are_timed(peers):
    job = Job("vgg16", width=0.02, density=0.3, batch=2, time_steps=2, steps=2)
    found = child.call("nsnn.bench.peers:measure", job, *plan(job))
    assert len(found["seconds"]) >= 2
    assert found["memory"] > 1 << 20


def test_a_peer_process_does_not_load_the_engine(torch, python):
    """Its memory is the peer's alone."""
    program = "import sys, nsnn.bench.peers; sys.exit('numba' in sys.modules)"
    assert python("-c", program).returncode == 0
