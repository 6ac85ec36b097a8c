"""A network of bare parameters, to test methods without layers."""

from collections import namedtuple

import numpy as np
import pytest

from nsnn.layers.groups import NeuronGroup, silence
from nsnn.layers.parameter import Parameter
from nsnn.methods import METHODS, Method, RunLength
from nsnn.methods.drop_grow import DropGrow
from nsnn.optim import SGD
from nsnn.sparsity.distribution import layer_counts
from nsnn.sparsity.log import TopologyLog

DIMS = {
    "conv1.weight": (2, 1, 3, 3),
    "conv2.weight": (12, 6, 3, 3),
    "fc1.weight": (60, 150),
    "fc2.weight": (5, 60),
}

# Options and a length of run in which a method shows all that it does: ADMM is dense for two epochs
# and prunes at the fifth, LTH prunes to .75, .5625, .4219 and .4 in five rounds of two epochs.
# SD-SNN prunes from the sixth epoch on, and regenerates from the eighth.
SHOWN = {
    "ndsnn": {"initial_sparsity": 0.5, "final_sparsity": 0.9, "update_every": 6},
    "rigl": {"final_sparsity": 0.9, "update_every": 7},
    "set": {"final_sparsity": 0.9, "update_every": 7},
    "esl": {"final_sparsity": 0.7, "update_every": 12},
    "static": {"final_sparsity": 0.9},
    "lth": {"final_sparsity": 0.6, "prune_fraction": 0.25, "rewind_epochs": 2},
    "admm": {"final_sparsity": 0.8, "rho": 0.5, "dense_fraction": 0.2, "admm_fraction": 0.3},
    "deepr": {"final_sparsity": 0.9, "alpha": 0.5},
    "gradr": {"alpha": 0.5},
    "sdsnn": {"linear_rate": 30.0, "growth_start": 20.0, "window": 2},
}
MOMENTUM = {"gradr": 0.0}
LENGTHS = {"lth": RunLength(4, 13), "admm": RunLength(6, 10), "sdsnn": RunLength(4, 20)}


def shown(kind):
    """Name of the method that `kind` is, or is a variant of."""
    return next((name for name in SHOWN if issubclass(kind, METHODS[name])), None)


def made(kind, options):
    """A method: one that is there, or by name or class with the options of `SHOWN`, checked."""
    if isinstance(kind, Method):
        return kind
    kind = METHODS.get(kind, kind)
    config = kind.Config(**(SHOWN.get(shown(kind), {}) | options))
    config.validate()
    return kind(config)


def copies(p):
    """All that belongs to a parameter, optimiser slots included."""
    return {key: np.array(array) for key, array in p.state().items()}


class BareNetwork:
    """Parameters and an invented gradient, answered as layers do."""

    def __init__(self, seed=0, ties=False):
        rng = np.random.default_rng(seed)
        self.ties = ties
        self._parameters = []
        for name, dims in DIMS.items():
            shape = (dims[0], int(np.prod(dims[1:])))
            weight = rng.normal(size=shape)
            self._parameters.append(Parameter(name, weight, dims=dims, prunable=True))
        self._parameters.append(Parameter("fc2.bias", np.zeros(5), decayed=False))
        self.silent = {}

    def parameters(self):
        return self._parameters

    def layers(self):
        return []

    def neurons(self):
        """One group, between the linear layers."""
        fc1, fc2 = (self.prunable()[name] for name in ("fc1.weight", "fc2.weight"))
        return [NeuronGroup("lif", 60, [fc1], [], [(fc2, np.ravel)], True, [])]

    def silence(self, silent):
        self.silent = silence(self.neurons(), silent)

    def wake(self):
        silent = self.silent
        self.silence({})
        return silent

    def is_connected(self):
        return all(p.active for p in self.prunable().values())

    def prunable(self):
        return {p.name: p for p in self._parameters if p.prunable}

    def states(self):
        """All of the network."""
        return {p.name: copies(p) for p in self._parameters}

    def assert_same_as(self, other):
        """Bit for bit."""
        np.testing.assert_equal(self.states(), other.states())

    def dense_gradient(self, p, step):
        """(size,) a function of the name and the step only."""
        rng = np.random.default_rng([step, *p.name.encode()])
        if self.ties:
            return rng.integers(-2, 3, p.size).astype(float)
        return rng.normal(size=p.size)

    def backward(self, step):
        """Gradients at active positions; at all of them for those who observe."""
        silent = self.wake()
        for p in self._parameters:
            g = self.dense_gradient(p, step)
            sparse = p.topology is not None
            p.gradient[...] = p.topology.scatter(g[p.positions()]) if sparse else g.reshape(p.shape)
            shown = self.shown(p, g).reshape(p.shape)
            for observer in p.take_observers("gradient") + p.take_observers("delta"):
                for first in range(0, p.shape[1], 7):
                    columns = slice(first, min(first + 7, p.shape[1]))
                    observer(columns, shown[:, columns].copy())
        self.silence(silent)

    def shown(self, p, g):
        """The gradient at all positions as observers see it."""
        return g


class CountingSGD(SGD):
    """SGD that counts its updates."""

    steps = 0

    def step(self, lr, only=None):
        self.steps += 1
        super().step(lr, only)


Change = namedtuple("Change", "step weights drop before after")


class Bench:
    """One run of a method on a `BareNetwork`: the training loop, in short.

    Of methods of drop and grow `seen` has a `Change` for each change of topology: which weights it
    was told to drop, and what it found and left behind.
    """

    def __init__(self, kind, storage="csr", seed=0, ties=False, run=None, **options):
        self.network = BareNetwork(ties=ties)
        self.method = method = made(kind, options)
        self.run = run or LENGTHS.get(shown(type(method)), RunLength(steps_per_epoch=30, epochs=4))
        self.log = TopologyLog()
        for p in self.network.parameters():
            p.storage = storage
        method.prepare(self.network, self.run, np.random.default_rng(seed), self.log)
        self.new_optimiser()
        self.taken, self.seen = [], []
        if isinstance(method, DropGrow):
            method.rewire = self.noting(method.rewire)

    def noting(self, rewire):
        def change(step, p, drop, *rest, **options):
            before = copies(p)
            rewire(step, p, drop, *rest, **options)
            self.seen.append(Change(step, p, drop, before, copies(p)))

        return change

    def new_optimiser(self):
        for p in self.network.parameters():
            p.slots.clear()
        momentum = MOMENTUM.get(shown(type(self.method)), 0.9)
        self.optimiser = CountingSGD(self.network.parameters(), momentum, weight_decay=1e-3)

    def steps(self, start=0, stop=None):
        """Train, and yield after every step."""
        for step in range(start, self.run.total_steps if stop is None else stop):
            epoch, in_epoch = divmod(step, self.run.steps_per_epoch)
            if in_epoch == 0 and self.method.begin_epoch(epoch):
                self.new_optimiser()
            self.method.before_backward(step)
            self.network.backward(step)
            before = self.optimiser.steps
            self.method.update(step, self.optimiser, 0.01)
            if self.optimiser.steps == before:
                self.taken.append(step)
            self.method.after_update(step)
            if in_epoch == self.run.steps_per_epoch - 1:
                self.method.end_epoch(epoch)
            yield step

    def train(self, start=0, stop=None):
        for _ in self.steps(start, stop):
            pass
        return self

    def active(self):
        """Active weights of each prunable layer."""
        return {name: p.active for name, p in self.network.prunable().items()}

    def masks(self):
        """True where a weight is active, of each prunable layer."""
        weights = self.network.prunable().items()
        return {name: np.isin(np.arange(p.size), p.positions()) for name, p in weights}

    def sparse(self):
        """The layers that are not dense."""
        return [p for p in self.network.prunable().values() if p.topology is not None]

    def asked(self, distribution, sparsity):
        """Weights that a distribution over the layers gives each of them at a sparsity."""
        weights = self.network.prunable()
        counts = layer_counts(distribution, [p.dims for p in weights.values()], 1 - sparsity)
        return dict(zip(weights, counts.tolist(), strict=True))

    def assert_same_as(self, other):
        """Network, log and method, bit for bit."""
        self.network.assert_same_as(other.network)
        assert self.method.targets() == other.method.targets()
        np.testing.assert_equal(self.log.arrays(), other.log.arrays())
        np.testing.assert_equal(self.method.state(), other.method.state())


@pytest.fixture
def bench():
    """The class `Bench`."""
    return Bench


@pytest.fixture
def train():
    """`train(run)` trains a `nsnn.training.run.Run` and yields after every step."""

    def steps(run):
        for epoch in range(run.config.train.epochs):
            for batch in run.batches(epoch):
                run.method.before_backward(run.step)
                run.network.loss_and_backward(batch)
                run.method.update(run.step, run.optimiser, run.learning_rate(run.step))
                run.step += 1
                yield

    return steps
