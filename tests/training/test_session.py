"""Whole runs: what they write, and that equal runs write equal bytes."""

import itertools
import json

import numpy as np
import pytest

import nsnn
from nsnn.data import load
from nsnn.errors import UserError
from nsnn.training import session
from nsnn.training.checkpoint import load_topology
from nsnn.training.config_file import load_config
from nsnn.training.loop import Progress
from nsnn.training.run_folder import FILES, read_metrics

pytestmark = pytest.mark.usefixtures("no_plots", "no_sync")


def test_a_run_writes_its_folder_and_reaches_the_density_asked(finished_once):
    folder, printed = finished_once
    assert {path.name for path in folder.iterdir()} == {*FILES, ".lock"}
    records = read_metrics(folder)
    assert [(r["epoch"], r["step"]) for r in records] == [(0, 15), (1, 30), (2, 45)]
    assert records[-1]["train_loss"] < records[0]["train_loss"]
    assert records[0]["validation_accuracy"] is None
    assert "method" not in records[0]  # which measures nothing
    assert not any("second" in key or "time" in key for key in records[0])
    summary = json.loads((folder / "summary.json").read_text())
    active = {name: layer["active"] for name, layer in summary["layers"].items()}
    assert active == summary["asked"]
    log = load_topology(folder / "topology.npz")
    for record, name in itertools.product(records, log.names):
        reached = log.positions_at(name, record["step"] - 1).size
        assert record["layers"][name]["active"] == reached
    assert summary["density"] == pytest.approx(0.2, abs=0.01)
    assert summary["bytes_held"] < summary["bytes_held_peak"] < summary["bytes_dense"]
    # III-D with T = 2: 32 bits for each of T gradients, the value and its index; 6 + 30 + 3 rows
    assert summary["bytes_formula"] == 4 * (4 * summary["active_weights"] + 6 + 30 + 3 + 3)
    assert np.sum(summary["confusion"]) == 60
    assert summary["test_accuracy"] == np.trace(summary["confusion"]) / 60
    work = {key: sum(record["work"][key] for record in records) for key in records[0]["work"]}
    assert summary["work_training"] == work
    operations = [record["synaptic_operations"] for record in records]
    assert summary["synaptic_operations"] == operations[-1]
    for kind, whole in summary["synaptic_operations_training"].items():
        assert whole == pytest.approx(150 * sum(epoch[kind] for epoch in operations))
    assert len(summary["epoch_seconds"]) == 3
    assert summary["seconds"] == pytest.approx(sum(summary["epoch_seconds"]), abs=0.01)
    assert summary["cpu_seconds"] > 0
    assert f"test accuracy      {100 * summary['test_accuracy']:.2f} %" in printed
    assert "estimate: about" in printed


def test_equal_seeds_and_any_threads_give_equal_bytes(tiny, finished, train, content):
    one = content(finished)
    assert content(train(tiny, name="two")) == one
    assert content(train([*tiny, "train.threads=2"], name="threads")) == one
    other = content(train([*tiny, "train.seed=1"], name="seed"))
    assert other["metrics.jsonl"] != one["metrics.jsonl"]


def test_relative_cost_against_a_dense_run(tiny, bare, finished, train):
    dense = train([*bare, "method.name=dense"], name="dense")
    rates = [record["spike_rate"] for record in read_metrics(dense)]
    folder = train([*tiny, f"train.dense_run={dense}"])
    runs, costs = zip(rates, read_metrics(folder), read_metrics(finished), strict=True), []
    for rate, record, without in runs:
        assert without["relative_cost"] is None
        cost = record["spike_rate"] * record["mean_density"] / rate
        assert record["relative_cost"] == pytest.approx(cost)
        costs.append(record["relative_cost"])
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["relative_cost"] == pytest.approx(np.mean(costs))
    assert json.loads((finished / "summary.json").read_text())["relative_cost"] is None


@pytest.mark.parametrize(("changes", "message"), [
    (["method.name=rigl"], "method.name = 'rigl', not 'dense'"),
    (["method.name=dense", "model.layers=5C3-AP2-30"], "model.layers = '5C3-AP2-30', not '6C3"),
    (["method.name=dense", "neuron.time_steps=3"], "neuron.time_steps = 3, not 2"),
    (["method.name=dense", "train.epochs=2"], "has 2 finished epochs, this run 3"),
])  # fmt: skip
def test_a_dense_run_that_cannot_be_compared_with(tiny, bare, train, tmp_path, changes, message):
    other = train([*bare, *changes], name="other")
    with pytest.raises(UserError, match=f"^train.dense_run = .*{message}"):
        train([*tiny, f"train.dense_run={other}"])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("changes", "message"), [
    (["data.batch=156"], r"data.batch = 156 is larger .* 155 samples"),
    (["data.dir=."], r"\.npz file not found"),
    (["train.dense_run=."], "holds no run"),
    (["optim.nesterov=true", "optim.momentum=0"], "needs momentum"),
    (["method.name=dense", "data.augment=crop-flip-cutout"], r"data\.augment = .*16 pixels"),
    (["train.keep=best"], r"train\.keep = 'best' needs .* data\.validation"),
    (["method.name=dense", "model.init=active_fan_in"],
     r"model\.init .* the method starts dense"),
])  # fmt: skip
def test_mistakes_leave_no_folder(bare, train, tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        train([*bare, *changes])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [
    ("name=lth", "prune_fraction=0.9", "rewind_epochs=1"),
    ("name=admm", "dense_fraction=0.0", "admm_fraction=0.5"),
])  # fmt: skip
def test_what_a_method_holds_itself_counts_at_the_peak(bare, train, options):
    """A snapshot, or Z and U, beside weights, gradients and momentum that are dense at first."""
    changes = (f"method.{option}" for option in ("final_sparsity=0.5", *options))
    summary = json.loads((train([*bare, *changes]) / "summary.json").read_text())
    assert summary["bytes_held_peak"] > 1.2 * summary["bytes_dense"]


def test_keep_best_ends_with_the_best_epoch_on_validation(bare, tmp_path, train):
    """Also after a kill; the test split has no part in the choice."""
    tiny = [*bare, "method.name=static", "method.final_sparsity=0.5"]
    words = ["train.keep=best", "data.validation=0.2", "optim.lr=1.5", "train.epochs=6"]
    whole = train([*tiny, *words], name="whole")
    found = [record["validation_accuracy"] for record in read_metrics(whole)]
    best = int(np.argmax(found))
    assert best < 5  # else this run tells nothing: take another learning rate

    class StopsAfterTheBest(Progress):
        def bar(self, epoch, done, batches):
            if epoch > best:
                raise KeyboardInterrupt
            return batches

    parts, config = tmp_path / "parts", load_config(None, [*tiny, *words])
    with pytest.raises(KeyboardInterrupt):
        session.start(config, parts, progress=StopsAfterTheBest(6, 15))
    then = nsnn.load(parts)
    session.resume(parts)
    data = load("arrays", tiny[1].partition("=")[2])
    for folder in (whole, parts):
        network = nsnn.load(folder)
        for p, q in zip(network.parameters(), then.parameters(), strict=True):
            np.testing.assert_array_equal(p.values(), q.values())
    summary = json.loads((whole / "summary.json").read_text())
    assert summary["test_accuracy"] == np.mean(
        network.predict(data.test.images) == data.test.labels
    )


@pytest.mark.parametrize("options", [
    ["admm", "rho=0", "final_sparsity=0.99"],
    ["lth", "prune_fraction=0.9", "rewind_epochs=1", "final_sparsity=0.95"],
    ["ndsnn", "initial_sparsity=0.1", "final_sparsity=0.99", "end_fraction=0.9"],
    ["sdsnn", "t_num=30", "linear_rate=90"],
    ["gradr", "alpha=0.03"],
], ids=lambda options: options[0])  # fmt: skip
def test_keep_best_keeps_no_epoch_before_the_network_is_as_sparse_as_asked(bare, train, options):
    name, *others = options
    words = ["data.validation=0.2", "train.epochs=8", "optim.name=adam", "optim.lr=0.01"]
    words += ["train.keep=best", f"method.name={name}", *(f"method.{o}" for o in others)]
    run = train([*bare, *words])
    epochs = read_metrics(run)
    best = max(epochs, key=lambda record: record["validation_accuracy"])
    summary = json.loads((run / "summary.json").read_text())
    assert summary["density"] < best["density"]  # an earlier epoch is better, and is not taken
    assert summary["active_weights"] in [record["active_weights"] for record in epochs]
    assert summary["density"] <= (summary["density_asked"] or 0.9)
