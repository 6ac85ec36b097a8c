"""What the loop calls, and how it stops."""

import errno
import json
import os
import re
import sys

import numpy as np
import pytest

from nsnn import files, metrics
from nsnn.data import augment
from nsnn.errors import RunError, UserError
from nsnn.layers import LIF
from nsnn.methods import METHODS
from nsnn.operations import synaptic_operations
from nsnn.optim import SGD
from nsnn.streams import stream
from nsnn.training import loop
from nsnn.training.checkpoint import load_topology
from nsnn.training.config_file import load_config
from nsnn.training.loop import Progress
from nsnn.training.run import Run
from nsnn.training.session import estimate

pytestmark = pytest.mark.usefixtures("no_sync")


def make(tiny, *changes):
    return Run(load_config(None, [*tiny, *changes]))


def train(run, folder):
    return loop.train(run, folder, Progress(3, 15))


class Diary(METHODS["dense"]):
    """Notes each moment of a run, with what it is told; a new optimiser with the second epoch."""

    def prepare(self, *arguments):
        super().prepare(*arguments)
        self.notes, self.optimisers = [], []

    def begin_epoch(self, epoch):
        self.notes.append(("begin", epoch))
        return epoch == 1

    def before_backward(self, step):
        self.notes.append(("before", step))
        p = self.network.parameters()[-1]  # the readout's bias
        p.gradient[...] = np.nan

    def update(self, step, optimiser, lr):
        p = self.network.parameters()[-1]
        assert np.isfinite(p.gradient).all()  # the backward came in between
        assert ("momentum" in p.slots) == (step not in (0, 15))
        self.notes.append(("update", step, lr))
        self.optimisers += [optimiser] if optimiser not in self.optimisers else []
        super().update(step, optimiser, lr)

    def after_update(self, step):
        self.notes.append(("after", step))

    def end_epoch(self, epoch):
        self.notes.append(("end", epoch))


def test_the_method_s_moments_come_in_order(bare, tmp_path, monkeypatch):
    monkeypatch.setitem(METHODS, "diary", Diary)
    run = make(bare, "method.name=diary", "train.epochs=2", "optim.schedule=cosine")
    assert train(run, tmp_path)
    expected = []
    for epoch in range(2):
        expected.append(("begin", epoch))
        for step in range(15 * epoch, 15 * epoch + 15):
            lr = run.learning_rate(step)
            expected += [("before", step), ("update", step, lr), ("after", step)]
        expected.append(("end", epoch))
    assert run.method.notes == expected
    assert len(run.method.optimisers) == 2


def test_epochs_have_their_own_order(tiny):
    run = make(tiny)
    first, second = ([b.labels for b in run.batches(epoch)] for epoch in (0, 1))
    assert len(first) == 15
    assert not np.array_equal(first, second)
    assert np.array_equal(first, [batch.labels for batch in run.batches(0)])


@pytest.mark.parametrize(("seed", "epoch"), [(0, 1), (0, 2), (3, 1)])
def test_only_training_batches_are_augmented_by_a_stream_of_their_own(tiny, seed, epoch):
    arguments = ["data.validation=0.2", f"train.seed={seed}"]
    plain, changed = make(tiny, *arguments), make(tiny, *arguments, "data.augment=crop-flip")
    for purpose in ("train", "validation", "test"):
        before, after = getattr(plain.data, purpose), getattr(changed.data, purpose)
        assert np.array_equal(before.images, after.images)
    rng = stream(seed, "augment", epoch)
    expected = augment.augmented(plain.batches(epoch), "crop-flip", rng)
    for ours, theirs in zip(changed.batches(epoch), expected, strict=True):
        assert np.array_equal(ours.labels, theirs.labels)
        assert np.array_equal(ours.images, theirs.images)


@pytest.mark.parametrize("options", [
    ["name=deepr", "final_sparsity=0.8"], ["name=gradr", "alpha=0.05"],
])  # fmt: skip
def test_the_mask_of_every_epoch_can_be_rebuilt(bare, tmp_path, options):
    optimiser = ["optim.lr=0.3", "optim.momentum=0"]
    run, masks = make(bare, *(f"method.{option}" for option in options), *optimiser), []

    class Looking(Progress):
        def line(self, record, seconds):
            weights = [p for p in run.network.parameters() if p.topology is not None]
            masks.append({p.name: p.positions() for p in weights})

    assert loop.train(run, tmp_path, Looking(3, 15))
    log = load_topology(tmp_path / "topology.npz")
    assert len(masks) == 3
    for last, layers in zip((14, 29, 44), masks, strict=True):
        assert [*layers] == log.names
        for name, positions in layers.items():
            np.testing.assert_array_equal(log.positions_at(name, last), positions)
    # It grows with epochs, not with steps: at most one event a layer in each.
    events = log.counts()
    assert 3 <= log.events <= 3 * len(log.names)
    assert set(events["step"]) <= {14, 29, 44}
    assert (events["dropped"] > 0).any()
    assert (events["grown"] > 0).any()


def test_grad_r_refuses_a_momentum_in_one_line(bare, tmp_path):
    with pytest.raises(UserError, match=r"optim\.momentum from 0\.9 to 0, or optim\.name = adam"):
        train(make(bare, "method.name=gradr"), tmp_path)


def test_a_part_of_the_training_samples_is_drawn_by_the_seed(tiny):
    few, all_of_them = make(tiny, "data.samples=100", "data.batch=50"), make(tiny)
    assert len(list(few.batches(0))) == 2
    kept = {image.tobytes() for image in few.data.train.images}
    assert len(kept) == 100
    assert kept < {image.tobytes() for image in all_of_them.data.train.images}
    other = make(tiny, "data.samples=100", "data.batch=50", "train.seed=1")
    assert kept != {image.tobytes() for image in other.data.train.images}
    with pytest.raises(UserError, match=r"data\.samples = 7000: arrays has 155 to train on"):
        make(tiny, "data.samples=7000")


def test_the_record_averages_over_the_steps(tiny, tmp_path, monkeypatch):
    run = make(tiny, "train.epochs=1", "method.end_fraction=0.99")
    real, losses, densities, spikes, counted = run.network.loss_and_backward, [], [], [], []
    neurons = [layer for layer in run.network.layers() if isinstance(layer, LIF)]

    def loss_and_backward(batch):
        loss, predictions = real(batch)
        losses.append(loss)
        densities.append(metrics.density(run.network.parameters()).density)
        spikes.append([np.count_nonzero(layer.s) for layer in neurons])
        counted.append(synaptic_operations(run.network))
        return loss, predictions

    monkeypatch.setattr(run.network, "loss_and_backward", loss_and_backward)
    train(run, tmp_path)
    record = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert record["train_loss"] == pytest.approx(np.mean(losses))
    reached = [*densities[1:], metrics.density(run.network.parameters()).density]
    assert record["density"] == reached[-1] < record["mean_density"]
    assert record["mean_density"] == pytest.approx(np.mean(reached))
    assert record["relative_cost"] is None  # there is no dense run
    # T B = 2 · 10 in each of 15 steps; 6 maps of 6 × 6, which are halved, and 30 neurons
    sizes = np.array([6 * 6 * 6, 30]) * 20 * 15
    found = [record["spike_rates"][layer.name] for layer in neurons]
    np.testing.assert_allclose(found, np.sum(spikes, axis=0) / sizes)
    assert record["spike_rate"] == pytest.approx(np.sum(spikes) / sizes.sum())
    assert 0 < record["spike_rate"] < 1
    operations = record["synaptic_operations"]
    assert operations["total"] == sum(step.total for step in counted) / 150
    assert operations["static"] == sum(step.static for step in counted) / 150 > 0
    for name, count in operations["layers"].items():
        assert count == sum(step.layers[name] for step in counted) / 150


@pytest.mark.parametrize(("name", "changes", "message"), [
    ("linear2.weight", [], r"loss is nan at step 22, first in linear2; .*from before"),
    # A hidden neuron whose membrane is no number is silent: the loss does not tell, and no
    # round looks at it.
    ("conv1.bias", ["method.end_fraction=0.3"], r"conv1 is not finite after step 29; .*before"),
])  # fmt: skip
def test_nan_is_named_and_not_saved(tiny, tmp_path, monkeypatch, name, changes, message):
    run = make(tiny, *changes)
    real = SGD.step

    def step(self, lr):
        real(self, lr)
        if run.step == 21:
            parameter = next(p for p in self.parameters if p.name == name)
            parameter.data.reshape(-1)[0] = np.nan

    monkeypatch.setattr(SGD, "step", step)
    with pytest.raises(RunError, match=message):
        train(run, tmp_path)
    with np.load(tmp_path / "checkpoint.npz") as archive:
        assert archive["position/step"] == 15
        assert all(np.isfinite(archive[k]).all() for k in archive.files if k.endswith("/data"))


def test_weights_that_run_away_end_in_one_error_without_warnings(tiny, tmp_path):
    # A spike that is not there passes nothing on, not even of a weight that is no number: the first
    # sign may be the loss or, on a step of drop and grow, a gradient without a largest entry.
    sign = r"loss is nan at step \d+, first in .*no checkpoint yet|step \d+: .* finite"
    with pytest.raises(RunError, match=sign):
        train(make(tiny, "optim.lr=1e30"), tmp_path)


@pytest.mark.parametrize("full_at", ["metrics.jsonl", "topology.npz", "checkpoint.npz"])
def test_a_full_disk_keeps_the_checkpoint(tiny, tmp_path, monkeypatch, full_at):
    run = make(tiny)
    real_open = open

    def limited_open(path, mode="r", **options):
        if run.step > 15 and os.path.basename(path).startswith(full_at) and mode != "rb":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_open(path, mode, **options)

    monkeypatch.setattr(files, "open", limited_open, raising=False)
    with pytest.raises(RunError, match=r"cannot write .*: No space left on device"):
        train(run, tmp_path)
    with np.load(tmp_path / "checkpoint.npz") as archive:
        assert archive["position/step"] == 15
    assert not list(tmp_path.glob("*.tmp"))


def test_the_estimate_changes_nothing(tiny, tmp_path, content):
    measured = make(tiny)
    found = estimate(measured)
    assert re.match(r"estimate: about \d+ s for 45 steps of \d+ ms", found)
    assert f"data {215 * 36 / 1024:.1f} KiB" in found
    for name, run in (("measured", measured), ("not", make(tiny))):
        (tmp_path / name).mkdir()
        train(run, tmp_path / name)
    assert content(tmp_path / "measured") == content(tmp_path / "not")


@pytest.mark.parametrize("terminal", [True, False])
def test_bars_only_on_a_terminal(capsys, monkeypatch, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert list(Progress(2, 5).bar(0, 2, range(3))) == [0, 1, 2]
    assert ("epoch 1/2" in capsys.readouterr().err) == terminal
