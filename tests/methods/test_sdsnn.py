"""SD-SNN: neurons that go and come back, and what cannot be asked."""

import numpy as np
import pytest

from nsnn.data import Batch
from nsnn.errors import UserError
from nsnn.layers import LIF
from nsnn.methods import SDSNN, RunLength
from nsnn.models import MODELS, build, resnet19
from nsnn.neuron import from_preset
from nsnn.optim import SGD
from nsnn.sparsity.log import TopologyLog

STEPS = 6
SHORT = {"linear_rate": 40.0, "channel_rate": 30.0, "growth_start": 20.0, "window": 2}


class Development:
    """The training loop in short: four patterns in noise, six steps an epoch."""

    def __init__(self, model="8C3-AP2-24-16", norm="none", epochs=20, shape=(1, 6, 6), **options):
        rng = np.random.default_rng(60)
        neuron = from_preset("sdsnn", time_steps=3)
        self.network = build(
            model, neuron, shape, 4, rng, norm=norm, dtype=np.float64, storage="auto"
        )
        for p in self.network.parameters():
            if p.prunable:
                p.data *= 4  # so that every layer fires
        self.log, run = TopologyLog(), RunLength(STEPS, epochs)
        self.method = SDSNN(SDSNN.Config(**(SHORT | options)))
        self.method.prepare(self.network, run, rng, self.log)
        self.optimiser = SGD(self.network.parameters(), momentum=0.9)
        self.shape, self.patterns = shape, 2 * rng.random((4, 1, *shape))

    def batch(self, step):
        rng = np.random.default_rng([61, step])
        y = rng.integers(0, 4, 12)
        return Batch(self.patterns[y] + 0.5 * rng.normal(size=(12, 3, *self.shape)), y)

    def step(self, step):
        self.method.before_backward(step)
        self.network.loss_and_backward(self.batch(step))
        self.operations = sum(self.network.measures().operations.layers.values())
        self.method.update(step, self.optimiser, 0.05)
        self.method.after_update(step)

    def epochs(self):
        """Train, and yield after each epoch."""
        for epoch in range(self.method.run.epochs):
            for i in range(STEPS):
                self.step(STEPS * epoch + i)
            self.method.end_epoch(epoch)
            yield epoch

    def train(self):
        for _ in self.epochs():
            pass
        return self


def fires(run):
    """Who fires, of each group: all neurons awake, over several batches."""
    run.network.wake()
    found = {}
    for batch in map(run.batch, range(1000, 1010)):
        run.network.forward(batch)
        for layer in run.network.layers():
            if isinstance(layer, LIF):
                spikes = layer.s.reshape(len(layer.s), -1).any(axis=1)
                found[layer.name] = found.get(layer.name, False) | spikes
    run.network.silence({layer.group.name: layer.silent() for layer in run.method.hidden})
    return found


def regrown_and_moved(run):
    """How many neurons came back and fire an epoch later, weights grew and have moved by then."""
    back, fired, grown, moved, last, came = 0, 0, 0, 0, {}, {}
    for _ in run.epochs():
        firing = fires(run)
        for layer in run.method.hidden:
            p, name, silent = layer.weights, layer.group.name, layer.silent()
            if name in came:
                positions, values, neurons = came.pop(name)
                moved += np.count_nonzero(p.to_dense().flat[positions] != values)
                grown += positions.size
                back += neurons.sum()
                fired += (firing[name] & neurons).sum()
            before, was_silent = last.get(name, (p.positions(), silent))
            new = np.setdiff1d(p.positions(), before)
            if new.size:
                came[name] = new, p.to_dense().flat[new], was_silent & ~silent
            last[name] = p.positions(), silent
    return back, fired, grown, moved


def test_a_regrown_neuron_fires_an_epoch_later_and_its_weights_move():
    back, fired, grown, moved = regrown_and_moved(Development(norm="batch"))
    assert back >= 10
    assert fired >= 0.9 * back
    assert grown > 100
    assert moved > 0.9 * grown


def test_what_grows_back_at_zero_does_not_work():
    """The literal reading: a neuron whose inputs are all 0 has no gradient."""
    back, fired, _, _ = regrown_and_moved(Development(regrown="zero"))
    assert back >= 10
    assert fired == 0
    _, fired, _, _ = regrown_and_moved(Development())
    assert fired >= 10


def test_the_importance_that_neurons_had_before_the_first_was_pruned_is_kept():
    run, found = Development(), {}
    for _ in run.epochs():
        for layer in run.method.hidden:
            if layer.listed.any():
                D = found.setdefault(layer.group.name, layer.D.copy())
                np.testing.assert_array_equal(layer.D, D)
    assert len(found) == 3
    assert all((D > 0).all() for D in found.values())


def test_pruned_neurons_cost_no_operations_and_the_readout_is_whole():
    run, operations = Development(regenerate=False), []
    for _ in run.epochs():
        operations.append(run.operations)
    assert max(operations[6:]) < 0.7 * min(operations[:5])  # after START = 4 epochs
    *hidden, readout = (p for p in run.network.parameters() if p.prunable)
    assert readout.active == readout.size
    assert readout.stored_shape[1] == 16 - run.method.hidden[-1].listed.sum()
    for p, layer in zip(hidden, run.method.hidden, strict=True):
        assert p.active == p.size - layer.listed.sum() * p.shape[1]


def test_silent_channels_leave_no_trace_in_the_running_statistics():
    run, before, kept = Development(norm="batch"), [], 0
    for _ in run.epochs():
        now = [(x.silent(), x.group.layers[0].running_mean) for x in run.method.hidden]
        for (silent, mean), (was_silent, old) in zip(now, before, strict=False):
            still = silent & was_silent
            np.testing.assert_array_equal(mean[still], old[still])
            assert (mean[~silent & ~was_silent] != old[~silent & ~was_silent]).all()
            kept += still.sum()
        before = now
    assert kept


def test_a_layer_is_never_pruned_whole():
    run = Development("6", linear_rate=100.0, regenerate=False)
    with pytest.warns(RuntimeWarning, match="lif1: the pruning rate would take all 6 neurons"):
        run.train()
    assert run.method.hidden[0].listed.sum() == 5
    assert run.network.is_connected()


@pytest.mark.parametrize(("model", "shape", "norm", "count"), [
    (MODELS["sdsnn-mnist"], (1, 12, 12), "none", 3), (resnet19, (3, 16, 16), "batch", 10),
])  # fmt: skip
def test_prunable_groups_of_other_models_are_found(model, shape, norm, count):
    method, rng = SDSNN(SDSNN.Config()), np.random.default_rng(0)
    neuron = from_preset("sdsnn", time_steps=1)
    network = build(model, neuron, shape, 10, rng, width=0.2, norm=norm)
    method.prepare(network, RunLength(2, 9), rng, TopologyLog())
    assert len(method.hidden) == count
    rates = {len(layer.weights.dims): layer.rate for layer in method.hidden}
    assert rates == {4: 0.5, 2: 35.0}
    last = network.parameters()[-2]
    assert last.topology is None
    assert "upper" in last.attached  # held between bounds, too


def test_constraint_alone_prunes_nothing():
    run = Development(prune=False, t_num=120).train()
    assert run.log.names == []
    assert all(p.topology is None for p in run.network.parameters())
    p = max(run.method.prunable, key=lambda p: p.size)
    assert (p.values() <= p.attached["upper"]).all()
    assert (p.attached["beyond"] != 0).any()
    measured = run.method.measures()
    assert len(measured) == 8 * 3
    for name, value in measured.items():
        kind, position, what = name.split("/")
        found = {"weight": p.data, **p.attached}[what].flat[int(position)]
        assert (kind, value) == ("synapse", found)


@pytest.mark.parametrize("options", [{"constraint": False}, {"clip_from": 150}])
def test_bounds_that_do_not_clip(options):
    plain = Development(prune=False, t_num=120, **options).train()
    dense = Development(prune=False, t_num=120, **options)
    dense.method.end_epoch = lambda epoch: None
    dense.train()
    data = ([p.data for p in run.network.parameters()] for run in (plain, dense))
    np.testing.assert_equal(*data)
    beyond = [(np.abs(p.values()) > p.attached["upper"]).any() for p in plain.method.prunable]
    assert any(beyond)


def test_dense_layers_are_left_alone():
    run = Development(dense_layers="conv1, linear2").train()
    assert [layer.weights.name for layer in run.method.hidden] == ["linear1.weight"]
    for p in run.network.parameters():
        assert bool(p.attached) == (p.name in ("linear1.weight", "linear3.weight"))


def test_what_cannot_be_pruned_is_said():
    with pytest.raises(
        UserError, match=r"START = 2·T_num = 4, and train\.epochs = 5 .*: train for 6"
    ):
        Development(epochs=5)
    with pytest.raises(UserError, match=r"method\.prune = true, but the network has no hidden"):
        Development(dense_layers="conv1, linear1, linear2")
