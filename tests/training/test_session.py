"""Whole runs: what they write, and that equal runs write equal bytes."""

import json

import numpy as np
import pytest

import nsnn
from nsnn.data import load
from nsnn.errors import UserError
from nsnn.training import session
from nsnn.training.config_file import load_config
from nsnn.training.progress import Progress
from nsnn.training.run_folder import FILES, read_metrics

pytestmark = pytest.mark.usefixtures("no_plots", "no_sync")


def start(tiny, out, *changes):
    return session.start(load_config(None, [*tiny, *changes]), out)


def test_a_run_writes_its_folder_and_reaches_the_density_asked(tiny, tmp_path, capsys):
    folder = start(tiny, tmp_path / "run")
    assert {path.name for path in folder.iterdir()} == {*FILES, ".lock"}
    records = read_metrics(folder)
    assert [(r["epoch"], r["step"]) for r in records] == [(0, 15), (1, 30), (2, 45)]
    assert records[-1]["train_loss"] < records[0]["train_loss"]
    assert records[0]["validation_accuracy"] is None
    assert not any("second" in key or "time" in key for key in records[0])
    summary = json.loads((folder / "summary.json").read_text())
    active = {name: layer["active"] for name, layer in summary["layers"].items()}
    assert active == summary["asked"]
    assert summary["density"] == pytest.approx(0.2, abs=0.01)
    assert summary["bytes_held"] < summary["bytes_held_peak"] < summary["bytes_dense"]
    # III-D with T = 2: 32 bits for each of T gradients, the value and its index; 6 + 30 + 3 rows
    assert summary["bytes_formula"] == 4 * (4 * summary["active_weights"] + 6 + 30 + 3 + 3)
    assert np.sum(summary["confusion"]) == 60
    assert summary["test_accuracy"] == np.trace(summary["confusion"]) / 60
    mean_cost = np.mean([record["relative_cost"] for record in records])
    assert summary["relative_cost"] == pytest.approx(mean_cost)
    operations = [record["synaptic_operations"] for record in records]
    assert summary["synaptic_operations"] == operations[-1]
    for kind, whole in summary["synaptic_operations_training"].items():
        assert whole == pytest.approx(150 * sum(epoch[kind] for epoch in operations))
    assert len(summary["epoch_seconds"]) == 3
    assert summary["seconds"] == pytest.approx(sum(summary["epoch_seconds"]), abs=0.01)
    assert summary["cpu_seconds"] > 0
    printed = capsys.readouterr().out
    assert f"test accuracy      {100 * summary['test_accuracy']:.2f} %" in printed
    assert "estimate: about" in printed


def test_a_loaded_network_predicts_as_the_trained_one(tiny, tiny_data, tmp_path):
    folder = start(tiny, tmp_path / "run", "data.validation=0.2")
    network = nsnn.load(folder)
    test = load("arrays", tiny_data).test
    accuracy = np.mean(network.predict(test.images) == test.labels)
    assert accuracy == json.loads((folder / "summary.json").read_text())["test_accuracy"]
    last = read_metrics(folder)[-1]
    assert 0 <= last["validation_accuracy"] <= 1


def test_equal_seeds_and_any_threads_give_equal_bytes(tiny, tmp_path, content):
    one = content(start(tiny, tmp_path / "one"))
    assert content(start(tiny, tmp_path / "two")) == one
    assert content(start(tiny, tmp_path / "threads", "train.threads=2")) == one
    other = content(start(tiny, tmp_path / "seed", "train.seed=1"))
    assert other["metrics.jsonl"] != one["metrics.jsonl"]


def test_storage_does_not_change_the_topology(tiny, tmp_path, content):
    csr = content(start(tiny, tmp_path / "csr"))
    dense = content(start(tiny, tmp_path / "dense", "model.storage=dense"))
    for key in csr:
        if key.startswith("topology.npz") or "position" in key:
            assert dense[key] == csr[key], key


def test_relative_cost_against_a_dense_run(tiny, tmp_path):
    dense = start(
        [s for s in tiny if not s.startswith("method")], tmp_path / "d", "method.name=dense"
    )
    rates = [record["spike_rate"] for record in read_metrics(dense)]
    folder = start(tiny, tmp_path / "sparse", f"train.dense_run={dense}")
    alone = start(tiny, tmp_path / "alone")
    runs = zip(rates, read_metrics(folder), read_metrics(alone), strict=True)
    for rate, record, without in runs:
        density = without["relative_cost"]  # R_d = R_s
        assert record["relative_cost"] == pytest.approx(record["spike_rate"] * density / rate)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["method.name=rigl"], "method.name = 'rigl', not 'dense'"),
        (["method.name=dense", "model.layers=5C3-AP2-30"], "model.layers = '5C3-AP2-30', not '6C3"),
        (["method.name=dense", "neuron.time_steps=3"], "neuron.time_steps = 3, not 2"),
        (["method.name=dense", "train.epochs=2"], "has 2 finished epochs, this run 3"),
    ],
)
def test_a_dense_run_that_cannot_be_compared_with(tiny, tmp_path, changes, message):
    others = [s for s in tiny if not s.startswith("method")]
    other = start(others, tmp_path / "other", *changes)
    with pytest.raises(UserError, match=f"^train.dense_run = .*{message}"):
        start(tiny, tmp_path / "run", f"train.dense_run={other}")
    assert not (tmp_path / "run").exists()


def test_mistakes_leave_no_folder(tiny, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(UserError, match=r"data.batch = 156 is larger .* 155 samples"):
        start(tiny, out, "data.batch=156")
    with pytest.raises(UserError, match=r"\.npz file not found"):
        start(tiny, out, f"data.dir={tmp_path}")
    with pytest.raises(UserError, match="holds no run"):
        start(tiny, out, f"train.dense_run={tmp_path}")
    with pytest.raises(UserError, match="needs momentum"):
        start(tiny, out, "optim.nesterov=true", "optim.momentum=0")
    assert not out.exists()


def test_an_existing_run_is_not_written_over(tiny, tmp_path, content):
    out = tmp_path / "run"
    (out / "plots").mkdir(parents=True)
    (out / "notes.txt").write_text("mine")
    before = content(start(tiny, out))
    with pytest.raises(UserError, match="already holds a run: continue it with --resume"):
        start(tiny, out)
    assert content(out) == before
    session.start(load_config(None, [*tiny, "train.seed=1"]), out, overwrite=True)
    assert content(out)["metrics.jsonl"] != before["metrics.jsonl"]
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("optimiser", ["optim.name=adam", "optim.schedule=step", "optim.clip=0.1"])
def test_other_optimisers_train(tiny, tmp_path, optimiser):
    changes = [optimiser, "optim.lr=0.01", "train.loss=tet", "train.tet_lambda=0.1"]
    folder = start(tiny, tmp_path / "run", *changes)
    losses = [record["train_loss"] for record in read_metrics(folder)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    "options",
    [
        ("name=lth", "prune_fraction=0.9", "rewind_epochs=1"),
        ("name=admm", "dense_fraction=0.0", "admm_fraction=0.5"),
    ],
)
def test_what_a_method_holds_itself_counts_at_the_peak(tiny, tmp_path, options):
    """A snapshot, or Z and U, beside weights, gradients and momentum that are dense at first."""
    others = [change for change in tiny if not change.startswith("method.")]
    changes = (f"method.{option}" for option in ("final_sparsity=0.5", *options))
    folder = start(others, tmp_path / "run", *changes)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["bytes_held_peak"] > 1.2 * summary["bytes_dense"]


def test_scaling_for_a_sparse_start_that_there_is_not(tiny, tmp_path):
    others = [change for change in tiny if not change.startswith("method.")]
    with pytest.raises(UserError, match=r"model\.init .* method\.name = 'dense' starts dense"):
        start(others, tmp_path / "run", "method.name=dense", "model.init=active_fan_in")
    assert not (tmp_path / "run").exists()


def test_keep_best_ends_with_the_best_epoch_on_validation(tiny, tmp_path, monkeypatch):
    """Also after a kill; the test split has no part in the choice."""
    words = ["train.keep=best", "data.validation=0.2", "optim.lr=1.5", "train.epochs=6"]
    whole = start(tiny, tmp_path / "whole", *words)
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


def test_keep_best_needs_a_validation_split(tiny, tmp_path):
    with pytest.raises(UserError, match=r"train\.keep = 'best' needs .* data\.validation"):
        start(tiny, tmp_path / "run", "train.keep=best")
