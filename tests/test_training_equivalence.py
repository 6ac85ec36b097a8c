"""Training gives the numbers that it always gave, in either storage."""

import numpy as np
import pytest

from nsnn.data import Batch
from nsnn.methods import NDSNN, RunLength
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.optim import SGD
from nsnn.sparsity.log import TopologyLog


def fifth_loss(preset, storage):
    """The training loop in short, on random images."""
    rng, neuron = np.random.default_rng(80), from_preset(preset, time_steps=3)
    options = {"norm": "batch", "dtype": np.float64, "storage": storage}
    network = build("6C3-AP2-24", neuron, (1, 8, 8), 4, rng, **options)
    for p in network.parameters():
        if p.prunable:
            p.data *= 2  # currents large enough to fire
    config = NDSNN.Config(initial_sparsity=0.5, final_sparsity=0.6, distribution="uniform")
    method, data = NDSNN(config), np.random.default_rng(81)
    method.prepare(network, RunLength(50, 1), np.random.default_rng(82), TopologyLog())
    optimiser = SGD(network.parameters(), momentum=0.9, weight_decay=5e-4)
    for step in range(5):  # before the first round
        batch = Batch(data.random((8, 1, 8, 8)), data.integers(0, 4, 8))
        loss, _ = network.loss_and_backward(batch)
        method.update(step, optimiser, 0.1)
    return loss


# As this very loop printed it when the test was written: float64, NumPy 2 on x86-64, the same to
# 1e-12 for CSR, masked, 1 and 2 threads. If a number here changes, initial weights, topology,
# neuron, gradients or optimiser have changed: say why.
FIFTH_LOSS = {
    "ndsnn": 1.406177015177600,
    "esl": 1.400778743282154,
    "sdsnn": 1.452151910643643,
    "lth": 1.382176797646659,
}


@pytest.mark.parametrize("preset", FIFTH_LOSS)
@pytest.mark.parametrize("storage", ["csr", "dense"])
def test_the_loss_after_five_steps(preset, storage):
    assert fifth_loss(preset, storage) == pytest.approx(FIFTH_LOSS[preset], abs=1e-9, rel=0)
