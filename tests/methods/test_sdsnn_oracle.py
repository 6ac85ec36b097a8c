"""The engine's SD-SNN beside Algorithms 1 and 2 on dense arrays, epoch by epoch in float64."""

from functools import partial

import numpy as np
import pytest

from nsnn.data import Batch
from nsnn.methods import SDSNN, RunLength
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.optim import SGD
from nsnn.reference import sdsnn
from nsnn.sparsity.log import TopologyLog

STEPS, EPOCHS, WINDOW = 4, 30, 2
RATES = {"linear_rate": 35.0, "channel_rate": 30.0}
FIRST = 20.0  # ρ_g: more grows back in a short run
RUN = RunLength(STEPS, EPOCHS)  # T_num = 4, START = 8


def network(storage, norm):
    neuron = from_preset("sdsnn", time_steps=3)
    rng = np.random.default_rng(51)
    made = build(
        "6C3-AP2-20-12", neuron, (2, 6, 6), 4, rng, norm=norm, dtype=np.float64, storage=storage
    )
    for p in made.parameters():
        if p.prunable:
            p.data *= 5  # so that every layer fires
    return made


def batches(epoch):
    rng = np.random.default_rng([52, epoch])
    labels = rng.integers(0, 4, (STEPS, 8))
    patterns = np.random.default_rng(53).random((4, 1, 2, 6, 6))
    for y in labels:
        images = 2 * patterns[y] + 0.5 * rng.normal(size=(8, 3, 2, 6, 6))
        yield Batch(images, y)


def optimiser(net):
    return SGD(net.parameters(), momentum=0.9, weight_decay=1e-3)


def add(array, columns, block):
    array[:, columns] += block


class Dense:
    """The page's own training: every array whole, what is frozen put back after each step."""

    def __init__(self, norm):
        self.network = network("csr", norm)
        self.optimiser = optimiser(self.network)
        self.weights = [p for p in self.network.parameters() if p.prunable]
        self.vectors = [group.vectors for group in self.network.neurons()] + [[]]
        self.columns = [None] + [group.outgoing[0][1] for group in self.network.neurons()]
        self.layers = []
        for p, vectors in zip(self.weights, self.vectors, strict=True):
            rate, enough = (30.0, 20) if len(p.dims) == 4 else (35.0, 50)
            rate = None if p is self.weights[-1] else rate
            arrays = [v.data for v in vectors]
            self.layers.append(sdsnn.Hidden(p.data, arrays, rate, enough))

    def frozen(self):
        """Of each parameter: entries that are no synapse, or that silent neurons leave unused."""
        found, before = {}, None
        for p, L, vectors, columns in zip(
            self.weights, self.layers, self.vectors, self.columns, strict=True
        ):
            parked = np.zeros(p.shape, bool)
            if before is not None:
                parked[:, columns(np.flatnonzero(before))] = True
            found[p] = ~L.M, parked
            before = ~L.M.any(axis=1)
            found |= {v: (before, np.zeros_like(before)) for v in vectors}
        return found

    def train(self, epoch):
        frozen = self.frozen()
        scores = [np.zeros(p.shape) for p in self.weights]
        for i, batch in enumerate(batches(epoch)):
            if i >= STEPS - WINDOW:
                for p, S in zip(self.weights[:-1], scores, strict=False):
                    p.observe(partial(add, S), of="delta")
            self.network.loss_and_backward(batch)
            before = {p: [a.copy() for a in (p.data, *p.slots.values())] for p in frozen}
            self.optimiser.step(0.05)
            for p, (gone, parked) in frozen.items():
                for array, old in zip((p.data, *p.slots.values()), before[p], strict=False):
                    array[gone] = 0
                    array[parked] = old[parked]
        return scores


def engine(net, options):
    """Train as the loop does, and yield after every epoch."""
    method, log = (
        SDSNN(SDSNN.Config(**RATES, window=WINDOW, growth_start=FIRST, **options)),
        TopologyLog(),
    )
    method.prepare(net, RUN, np.random.default_rng(0), log)
    own = optimiser(net)
    for epoch in range(EPOCHS):
        for i, batch in enumerate(batches(epoch)):
            step = STEPS * epoch + i
            method.before_backward(step)
            net.loss_and_backward(batch)
            method.update(step, own, 0.05)
            method.after_update(step)
        method.end_epoch(epoch)
        yield method


def counters(L):
    """The page's arrays under the engine's names: a weight cannot be beyond both bounds."""
    return {
        "upper": L.upper, "lower": L.lower, "beyond": L.N_up - L.N_low, "decays": L.N_d,
        "excess": L.C_up + L.C_low, "previous": np.abs(L.previous),
    }  # fmt: skip


def near(found, expected, what):
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12, err_msg=what)


@pytest.mark.parametrize(("storage", "norm", "options"), [
    ("csr", "none", {}), ("auto", "none", {}), ("auto", "batch", {}), ("dense", "batch", {}),
    ("csr", "none", {"counts": "fixed"}), ("auto", "none", {"growth": "eq8"}),
    ("auto", "none", {"admitted": "top"}), ("csr", "none", {"regrown": "zero"}),
])  # fmt: skip
def test_the_engine_is_algorithm_2_after_every_epoch(storage, norm, options):
    net, dense = network(storage, norm), Dense(norm)
    page = sdsnn.algorithm_2(dense.layers, dense.train, EPOCHS, first=FIRST, **options)
    start, moved = {}, {"clipped": 0, "wider": 0, "narrower": 0, "regrown": 0}
    for (e, rho_g), method in zip(page, engine(net, options), strict=True):
        weights = [p for p in net.parameters() if p.prunable]
        for p, L in zip(weights, dense.layers, strict=True):
            what = f"{p.name} after epoch {e}"
            np.testing.assert_array_equal(p.positions(), np.flatnonzero(L.M), err_msg=what)
            near(p.to_dense(), L.W, what)
            for name, array in counters(L).items():
                near(p.attached[name], array[L.M], f"{name} of {what}")
            first = start.setdefault(p, L.upper.max())
            moved["clipped"] += np.count_nonzero(L.N_up + L.N_low)
            moved["wider"] += np.count_nonzero(L.upper[~L.listed] > first)
            moved["narrower"] += np.count_nonzero(L.upper[~L.listed] < 0.8 * first)
        for layer, L, theirs in zip(method.hidden, dense.layers, dense.vectors, strict=False):
            np.testing.assert_array_equal(layer.listed, L.listed)
            assert layer.rate == pytest.approx(L.rate, rel=1e-12)
            T_g = np.zeros(L.W.shape, int)
            T_g.flat[layer.streaks.positions] = layer.streaks.epochs
            np.testing.assert_array_equal(T_g, L.T_g)
            for mine, v in zip(layer.group.vectors, theirs, strict=True):
                near(mine.to_dense(), v.data, f"{v.name} after epoch {e}")
            moved["regrown"] += np.count_nonzero(L.M[L.listed])
        assert method.growth_rate == pytest.approx(rho_g, rel=1e-12)
    assert all(moved.values()), moved
