"""What a researcher may bring along without a change to the engine: each proof is short."""

import time
from dataclasses import dataclass

import numpy as np
import pytest

import nsnn
from nsnn import cli
from nsnn.data import Batch
from nsnn.export import export, tree_file
from nsnn.files import read_json, read_lines
from nsnn.layers import Linear
from nsnn.losses import cross_entropy
from nsnn.methods import METHODS, Method, RunLength
from nsnn.methods.drop_grow import DropGrow, SparseStart
from nsnn.models import MODELS, build
from nsnn.network import Network
from nsnn.neuron import from_preset
from nsnn.operations import Measures, Operations
from nsnn.optim import SGD
from nsnn.options import option
from nsnn.plot import plot_run
from nsnn.sparsity.grow import TopK
from nsnn.sparsity.log import TopologyLog
from nsnn.training.config_file import load_config
from nsnn.training.run import Run


@pytest.fixture
def resumed_is_equal(train, content):
    """Whether a run that stops in the middle of its second epoch ends as one that does not."""

    def equal(words):
        whole = content(train(words, name="whole"))
        assert train(words, 20) is None
        return content(train(words)) == whole

    return equal


# ---- a method that moves its own weights with the learning rate ---------------------------------


class SignDescent(Method):
    """Weights move by the learning rate, against the gradient's sign; biases by the optimiser."""

    def update(self, step, optimiser, lr):
        optimiser.clip()
        for p in self.prunable:
            p.data -= lr * np.sign(p.gradient)
        others = [p for p in optimiser.parameters if not p.prunable]
        optimiser.step(lr, only=others)


def test_a_method_moves_its_own_weights_and_leaves_biases_to_the_optimiser(bare, monkeypatch):
    monkeypatch.setitem(METHODS, "sign", SignDescent)
    run = Run(load_config(None, [*bare, "method.name=sign", "optim.weight_decay=0.0"]))
    before = {p.name: p.data.copy() for p in run.network.parameters()}
    batch = next(run.batches(0))
    run.network.loss_and_backward(batch)
    run.method.update(0, run.optimiser, lr=0.125)
    for p in run.network.parameters():
        step = np.sign(p.gradient) if p.prunable else p.gradient
        np.testing.assert_allclose(before[p.name] - p.data, 0.125 * step, rtol=1e-4, atol=1e-7)
        assert ("momentum" in p.slots) == (not p.prunable)


# ---- growth by a gradient summed over the last four batches -------------------------------------


class SummedGrowth(DropGrow):
    """A tenth of the weights moves to where the sum of the last four gradients is largest."""

    def before_backward(self, step):
        if self.rounds.happens_at(step + 3):
            self.sums = {share.weights.name: np.zeros(share.weights.shape) for share in self.shares}
        if any(self.rounds.happens_at(step + ahead) for ahead in range(4)):
            for p in (share.weights for share in self.shares):
                p.observe(lambda c, block, a=self.sums[p.name]: add(a, c, block))

    def after_update(self, step):
        if self.rounds.happens_at(step):
            self.drop_and_grow(step)

    def counts(self, share, step):
        return share.weights.active // 10, share.weights.active // 10, False

    def choose_grow(self, p, count, kept):
        top = TopK(p.shape, count, kept)
        top(slice(0, p.shape[1]), self.sums[p.name])
        return top.positions()


def add(array, columns, block):
    array[:, columns] += block


def test_growth_by_a_gradient_summed_over_four_batches(bare, monkeypatch):
    monkeypatch.setitem(METHODS, "summed", SummedGrowth)
    words = ["method.name=summed", "method.update_every=5", "method.distribution=uniform"]
    run = Run(load_config(None, [*bare, *words, "method.final_sparsity=0.7"]))
    p = run.network.parameters()[0]
    wanted = np.zeros(p.shape)
    for step, batch in zip(range(6), run.batches(0), strict=False):
        if step >= 2:  # the round is after step 5: the batches of steps 2 to 5
            p.observe(lambda c, block: add(wanted, c, block))
        before = p.positions()
        run.method.before_backward(step)
        run.network.loss_and_backward(batch)
        run.method.update(step, run.optimiser, 0.1)
        run.method.after_update(step)
    grown = np.setdiff1d(p.positions(), before)
    assert grown.size
    free = np.setdiff1d(np.arange(p.size), p.positions())
    assert np.abs(wanted.flat[grown]).min() >= np.abs(wanted.flat[free]).max()


# ---- a counter and two bounds for each synapse --------------------------------------------------


class Bounded(SparseStart):
    """Clips each weight into its own bounds and moves a synapse that was clipped four times."""

    def prepare(self, network, run, rng, log):
        super().prepare(network, run, rng, log)
        for p in (share.weights for share in self.shares):
            p.attach("low", lambda at: -0.05 - 1e-5 * at, np.float32)
            p.attach("high", lambda at: 0.05 + 1e-5 * at, np.float32)
            p.attach("clipped", 0, np.int16)

    def after_update(self, step):
        for p in (share.weights for share in self.shares):
            low, high, clipped = (p.attached[key] for key in ("low", "high", "clipped"))
            clipped += (p.data < low) | (p.data > high)
            np.clip(p.data, low, high, out=p.data)
            keep = clipped < 4
            free = np.setdiff1d(np.arange(p.size), p.positions())
            grown = np.sort(self.rng.choice(free, np.count_nonzero(~keep), replace=False))
            self.log.record(step, p.name, p.positions()[~keep], grown)
            p.rewire(keep, grown)


def test_bounds_and_a_counter_survive_rewiring_checkpoint_and_resume(
    bare, resumed_is_equal, monkeypatch, tmp_path
):
    monkeypatch.setitem(METHODS, "bounded", Bounded)
    words = [*bare, "method.name=bounded", "method.final_sparsity=0.5", "optim.lr=0.01"]
    assert resumed_is_equal(words)
    with np.load(tmp_path / "run" / "checkpoint.npz") as arrays:
        layer = "network/linear1.weight"
        at = arrays[f"{layer}/positions"]
        np.testing.assert_allclose(arrays[f"{layer}/attached.high"], 0.05 + 1e-5 * at, rtol=1e-6)
        assert arrays[f"{layer}/attached.clipped"].any()
        held = 4 + 4 + 2  # bytes for each synapse
        total = sum(a.size for k, a in arrays.items() if k.endswith("attached.clipped"))
        assert arrays["peak/method"] == held * total
    with np.load(tmp_path / "run" / "topology.npz") as log:
        assert log["dropped"].size > 0


# ---- a network that is not time-stepped ---------------------------------------------------------


class Regression(Network):
    """Softmax regression on pixels: no neurons, no time."""

    @dataclass(frozen=True)
    class Config(Network.Config):
        """One option of its own."""

        gain: float = option(1.0, "factor of the pixels", above=0)

    @classmethod
    def from_config(cls, config, shape, classes, rng):
        self = cls(shape, classes, np.float32)
        self.gain = np.float32(config.model.options.gain)
        self.linear = Linear(int(np.prod(shape)), classes, rng, name="linear1")
        return self

    def layers(self):
        return [self.linear]

    def outputs(self, images):
        x = self.as_images(images).reshape(len(images), -1).T / np.float32(255)
        return self.linear.forward(self.gain * np.ascontiguousarray(x)[:, None])

    def loss_and_backward(self, batch):
        outputs = self.outputs(batch.images)
        loss, d_outputs = cross_entropy(outputs, batch.labels)
        self.linear.backward(d_outputs)
        return loss, outputs[:, 0].argmax(axis=0)

    def scores_of(self, images):
        return self.outputs(images)[:, 0].T.copy()

    def measures(self):
        return Measures(0.0, {}, Operations({}, 0))


def test_a_network_that_is_not_time_stepped(bare, resumed_is_equal, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(MODELS, "regression", Regression)
    keep = [w for w in bare if not w.startswith(("model.", "neuron."))]
    words = [*keep, "model.name=regression", "model.gain=2.0", "method.update_every=4"]
    words += ["method.initial_sparsity=0.3", "method.final_sparsity=0.5"]
    assert resumed_is_equal(words)
    summary = read_json(tmp_path / "run" / "summary.json")
    accuracy = summary["test_accuracy"]
    assert accuracy > 0.8
    assert summary["density"] == pytest.approx(0.5, abs=0.005)
    assert cli.main(["eval", str(tmp_path / "run")]) == 0
    assert f"test accuracy  {100 * accuracy:.2f} %" in capsys.readouterr().out
    assert plot_run(tmp_path / "run")
    tree = read_json(tree_file(export(tmp_path / "run", tmp_path / "out.npz")))
    assert tree["readout"] == "the class with the largest score"


@pytest.mark.parametrize(
    ("word", "said"), [("model.width=2", "width"), ("neuron.decay=1", "neuron")]
)
def test_it_has_options_of_its_own_alone_and_no_gradient_check(bare, monkeypatch, word, said):
    monkeypatch.setitem(MODELS, "regression", Regression)
    keep = [w for w in bare if not w.startswith(("model.", "neuron."))]
    with pytest.raises(nsnn.UserError, match=said):
        load_config(None, [*keep, "model.name=regression", word])
    with pytest.raises(nsnn.UserError, match="takes time-stepped and first-spike networks"):
        nsnn.check_network(Regression((1, 2, 2), 2, np.float64), None)


# ---- half of all hidden neurons fall silent, and cost nothing any more --------------------------


class Halving(Method):
    """After the first epoch half of each group of neurons loses all its inputs."""

    def prepare(self, network, run, rng, log):
        super().prepare(network, run, rng, log)
        self.groups = [group for group in network.neurons() if group.prunable]
        for p in (p for group in self.groups for p in group.incoming):
            p.sparsify(np.arange(p.size))
            log.start(p.name, p.size, p.positions())

    def end_epoch(self, epoch):
        silent = dict(self.network.silent)
        for group in self.groups if epoch == 0 else []:
            members = silent[group.name] = self.rng.permutation(group.size) < group.size // 2
            for p, into in group.inputs_of(members):
                self.log.record(self.run.steps_per_epoch - 1, p.name, p.positions()[into], [])
                p.rewire(~into, [])
            for p in group.vectors:
                p.data[members] = 0
        self.network.silence(silent)


def test_silent_neurons_cost_nothing(bare, resumed_is_equal, monkeypatch, tmp_path):
    monkeypatch.setitem(METHODS, "halving", Halving)
    assert resumed_is_equal([*bare, "method.name=halving", "model.storage=auto"])
    records = read_lines(tmp_path / "run" / "metrics.jsonl")
    operations = [sum(record["synaptic_operations"]["layers"].values()) for record in records]
    assert operations[1] < 0.7 * operations[0]

    seconds, rng = {}, np.random.default_rng(1)
    batch = Batch(rng.integers(0, 256, (64, 1, 28, 28)).astype(np.uint8), rng.integers(0, 10, 64))
    for kind in (METHODS["dense"], Halving):
        neuron = from_preset("sdsnn", time_steps=4)
        network = build("1000-1000", neuron, (1, 28, 28), 10, rng, storage="auto")
        method = kind(kind.Config())
        method.prepare(network, RunLength(9, 2), rng, TopologyLog())
        method.end_epoch(0)
        seconds[network, method, SGD(network.parameters(), momentum=0.9)] = []
    for _ in range(11):
        for (network, method, optimiser), times in seconds.items():
            start = time.perf_counter()
            network.loss_and_backward(batch)
            method.update(9, optimiser, 0.01)
            times.append(time.perf_counter() - start)
    dense, halved = np.array(list(seconds.values()))[:, 1:]  # the first step compiles
    assert np.median(dense / halved) > 1.5  # 2.5 and more where nothing else runs
