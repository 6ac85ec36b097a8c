"""Deep R and Grad R in the engine beside their steps on dense arrays, in float64."""

import numpy as np
import pytest

from nsnn.data import Batch
from nsnn.methods import DeepR, GradR, RunLength
from nsnn.methods.deepr import position_signs
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.optim import SGD, Adam
from nsnn.reference import rewiring
from nsnn.sparsity.log import TopologyLog

LENGTH = RunLength(steps_per_epoch=20, epochs=3)


class Pair:
    """A network that a method trains, and its dense twin, which has the page's weights."""

    def __init__(self, method, storage="csr"):
        networks = [
            build("6C3-AP2-20", from_preset("ndsnn", time_steps=3), (2, 6, 6), 4,
                  np.random.default_rng(5), dtype=np.float64)
            for _ in range(2)
        ]  # fmt: skip
        self.network, self.twin = networks
        for p in self.network.parameters():
            p.data *= 4  # so that every layer fires
            p.storage = storage
        self.method, self.log = method, TopologyLog()
        self.weights = [p for p in self.network.parameters() if p.prunable]
        method.prepare(self.network, LENGTH, np.random.default_rng(6), self.log)

    def steps(self, optimiser, lr):
        """For every step: gradients at all positions by the twin, (N,) by name, then the update."""
        rng = np.random.default_rng(7)
        for t in range(LENGTH.total_steps):
            batch = Batch(rng.normal(size=(8, 3, 2, 6, 6)), rng.integers(0, 4, 8))
            for p, twin in zip(self.network.parameters(), self.twin.parameters(), strict=True):
                twin.data[...] = p.to_dense()
            self.twin.loss_and_backward(batch)
            gradients = {p.name: p.gradient.reshape(-1) for p in self.twin.parameters()}
            assert all(np.any(gradient) for gradient in gradients.values())
            self.method.before_backward(t)
            self.network.loss_and_backward(batch)
            yield t, gradients, lambda t=t: self.method.update(t, optimiser, lr)


@pytest.mark.parametrize("storage", ["csr", "dense"])
@pytest.mark.parametrize(
    "noise", [{"noise": 1 / 3}, {"temperature": 1e-4}, {"noise": 0.0}], ids=str
)
def test_every_step_of_deep_r(storage, noise):
    alpha, lr = 0.01, 0.05
    method = DeepR(DeepR.Config(final_sparsity=0.7, alpha=alpha, **noise))
    pair = Pair(method, storage)
    noise = {"T": noise.get("temperature", 0.0), "noise": noise.get("noise", 1 / 3)}
    rng = np.random.default_rng()
    rng.bit_generator.state = method.rng.bit_generator.state
    optimiser = SGD(pair.network.parameters(), weight_decay=1e-3)
    layers = {}
    for p in pair.weights:
        if p.topology is not None:
            active = np.isin(np.arange(p.size), p.positions())
            s = position_signs(method.seed, p.name, np.arange(p.size))
            layers[p.name] = p, np.abs(p.to_dense().reshape(-1)), s, active
    assert len(layers) == 2  # conv1 is dense at this sparsity
    moved = 0
    for _, gradients, update in pair.steps(optimiser, lr):
        update()
        for p, theta, s, active in layers.values():
            before = active.copy()
            rewiring.deep_r_step(theta, s, active, gradients[p.name], lr, alpha, rng, **noise)
            moved += np.count_nonzero(before & ~active)
            np.testing.assert_array_equal(p.positions(), np.flatnonzero(active))
            np.testing.assert_allclose(p.values(), (s * theta)[active], rtol=0, atol=1e-12)
            assert p.active == method.targets()[p.name]
    assert moved > 100


@pytest.mark.parametrize("storage", ["csr", "dense", "auto"])
@pytest.mark.parametrize("form", [SGD, Adam])
def test_every_step_of_grad_r(storage, form):
    alpha, lr, p_prior = (0.003, 0.5, 0.95) if form is SGD else (0.2, 0.02, 0.51)
    method = GradR(GradR.Config(alpha=alpha, prior_probability=p_prior))
    pair = Pair(method, storage)
    optimiser = form(pair.network.parameters(), weight_decay=1e-3)
    layers = {}
    for p in pair.weights:
        w = p.to_dense().reshape(-1)
        moments = None if form is SGD else (np.zeros(p.size), np.zeros(p.size))
        layers[p.name] = p, np.abs(w), np.where(w < 0, -1, 1), moments
    dropped = grown = 0
    for t, gradients, update in pair.steps(optimiser, lr):
        update()
        for p, theta, s, moments in layers.values():
            before = theta > 0
            rewiring.grad_r_step(theta, s, gradients[p.name], lr, alpha, p_prior, moments, t + 1)
            dropped += np.count_nonzero(before & (theta <= 0))
            grown += np.count_nonzero(~before & (theta > 0))
            np.testing.assert_array_equal(p.positions(), np.flatnonzero(theta > 0))
            wanted = s * np.maximum(theta, 0)
            np.testing.assert_allclose(p.to_dense().reshape(-1), wanted, rtol=0, atol=1e-10)
    assert dropped > 200
    assert grown > 20
