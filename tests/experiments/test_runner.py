"""`reproduce`: only what is missing is trained, whatever happened before."""

import contextlib
import functools
import io
import json
import multiprocessing
import os
import re
import runpy
import shutil
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from nsnn.errors import RunError, UserError
from nsnn.experiments import results, runner, spec
from nsnn.experiments.cells import plan, run_folders
from nsnn.experiments.estimate import CellEstimate
from nsnn.files import locked
from nsnn.models import MODELS

SLUGS = ["arrays-dense-seed0", "arrays-ndsnn-sparsity0.5-seed0", "arrays-ndsnn-sparsity0.8-seed0"]


ONE_CELL = ('["dense", "ndsnn"]\nsparsity = [0.5, 0.8]', '"dense"')


@pytest.fixture
def reproduce(in_process):
    """`runner.reproduce` without processes."""
    return functools.partial(runner.reproduce, executor=in_process)


def states(experiment, out="out", seeds=None):
    return [cell.state for cell in plan(experiment, "small", out, seeds)]


def test_cells_are_trained_once_and_written_with_their_table(tiny, reproduce, in_process, capsys):
    assert states(tiny) == ["missing"] * 3
    outcome = reproduce(tiny, "small", "out")
    assert (outcome.cells, outcome.done, outcome.failures) == (3, 3, {})
    assert in_process.started == SLUGS
    printed = capsys.readouterr()
    assert "3/3 cells  arrays-ndsnn-sparsity0.8-seed0: test accuracy" in printed.out
    assert printed.err == ""  # no bar where nobody watches
    folder = results.folder("out", "tiny", "small")
    assert {path.name for path in folder.iterdir()} == {
        "cells.jsonl", "table.md", "table.csv", "figure.png", ".lock",
    }  # fmt: skip
    assert states(tiny) == ["done"] * 3

    again = reproduce(tiny, "small", "out")
    assert (again.done, in_process.started) == (3, SLUGS)
    # More seeds: only those are missing, and the time of the others is known.
    assert states(tiny, seeds=[0, 1]) == ["done", "missing"] * 3
    reproduce(tiny, "small", "out", seeds=[0, 1])
    assert len(in_process.started) == 6
    assert len(results.read_cells("out", "tiny", "small")) == 6


def test_a_record_says_all_about_a_cell(trained):
    found = results.read_cells("out", "tiny", "small")[2]
    folder = run_folders(trained, "small") / SLUGS[2]
    summary = json.loads((folder / "summary.json").read_text())
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for key in ("test_accuracy", "density", "asked", "cpu_seconds", "bytes_held_peak"):
        assert found[key] == summary[key]
    for key in ("density", "mean_density", "spike_rate", "learning_rate", "train_accuracy"):
        assert found["per_epoch"][key] == [line[key] for line in lines]
    assert found["per_epoch"]["seconds"] == summary["epoch_seconds"]
    assert found["per_epoch"]["synaptic_operations"] == [
        line["synaptic_operations"]["total"] for line in lines
    ]
    rows = {"conv1.weight": 4, "linear1.weight": 12, "linear2.weight": 3}
    assert found["channels"]["rows"] == rows
    assert found["channels"]["empty"] == {}
    assert found["channels"]["steps"] == [2, 4, 6, 8]  # the rounds
    assert found["currents"]["epochs"] == [1, 2]
    assert [len(of) for of in found["currents"]["layers"].values()] == [2, 2]
    work = found["work_training"]
    products = ("forward", "weight_gradient", "input_gradient", "growth")
    assert work.keys() == {f"{k}/{p}" for k in ("useful", "executed") for p in products}
    for product in products:
        assert 0 < work[f"useful/{product}"] <= work[f"executed/{product}"]
    assert found["labels"] == {"data": "arrays", "method": "ndsnn", "sparsity": 0.8}
    assert found["config"]["method.final_sparsity"] == 0.8
    assert not {"data.dir", "train.threads", "train.dense_run"} & found["config"].keys()
    assert {"nsnn", "numpy", "numba", "python", "cores"} <= found["environment"].keys()


def test_a_finished_run_folder_is_collected(trained, reproduce, in_process):
    assert states(trained, "other") == ["trained"] * 3
    reproduce(trained, "small", "other")
    assert in_process.started == []
    out, other = (results.folder(name, "tiny", "small") for name in ("out", "other"))
    assert (out / "cells.jsonl").read_text() == (other / "cells.jsonl").read_text()
    (run_folders(trained, "small") / SLUGS[0] / "environment.json").unlink()
    with pytest.raises(RunError, match=f"{SLUGS[0]} is not a whole run"):
        reproduce(trained, "small", "another")


def test_any_executor_trains_cells_of_one_thread_with_the_same_results(trained, comparable):
    run_folders(trained, "small").rename("elsewhere")
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        outcome = runner.reproduce(trained, "small", "other", executor=executor)
    assert (outcome.done, outcome.failures) == (3, {})
    found = results.read_cells("other", "tiny", "small")
    assert {record["environment"]["threads"] for record in found} == {1}
    assert comparable("other") == comparable("out")


def test_a_cell_that_begins_with_another_run_follows_it(trained, tiny_toml, reproduce, tmp_path):
    shutil.copytree(run_folders(trained, "small") / SLUGS[0], "first")
    starts = "epochs = 2, start = 'first', dense_run = 'first'"
    second = spec.load(tiny_toml(("epochs = 2", starts), ONE_CELL, name="second"))
    (cell,) = plan(second, "small", "out")
    options, *_ = runner.arguments_of(cell, 1)
    assert (options["train.start"], options["train.dense_run"]) == ("first", f"{tmp_path}/first")
    assert reproduce(second, "small", "out").failures == {}
    written = results.folder("out", "second", "small") / "cells.jsonl"
    assert str(tmp_path) not in written.read_text()
    for out, was in (("out", "done"), ("elsewhere", "trained")):
        assert states(second, out) == [was]
        with open("first/checkpoint.npz", "ab") as file:
            file.write(b"x")
        assert states(second, out) == ["changed"]
        Path("first/checkpoint.npz").rename("gone")
        assert states(second, out) == [was]
        Path("gone").rename("first/checkpoint.npz")
        os.truncate("first/checkpoint.npz", os.path.getsize("first/checkpoint.npz") - 1)


def test_experiments_share_cells_under_their_labels(trained, tiny_toml, reproduce, in_process):
    other = spec.load(
        tiny_toml(
            ('sparsity = "method.final', 'theta = "method.final'),
            ('columns = ["sparsity"]', 'columns = ["theta"]'),
            ('x = "sparsity"', 'x = "theta"'),
            ("across.sparsity", "across.theta"),
            ("sparsity = [0.5, 0.8]\n", "theta = [0.8, 0.9]\n"),
            name="other",
        )
    )
    assert states(other) == ["shared", "shared", "missing"]
    reproduce(other, "small", "out")
    assert in_process.started == ["arrays-ndsnn-theta0.9-seed0"]
    found = results.read_cells("out", "other", "small")
    assert [cell["labels"].get("theta") for cell in found] == [None, 0.8, 0.9]
    assert len(results.read_cells("out", "tiny", "small")) == 3


def test_other_options_are_trained_anew(trained, tiny_toml, reproduce, in_process, capsys):
    changed = spec.load(tiny_toml(("initial_sparsity = 0.3", "initial_sparsity = 0.4")))
    assert states(changed) == ["done", "changed", "changed"]
    reproduce(changed, "small", "out")
    assert in_process.started == SLUGS[1:]
    text = f"{SLUGS[1]} holds a run with other options or data: trained anew"
    assert text in capsys.readouterr().out
    found = results.read_cells("out", "tiny", "small")
    assert [cell["config"].get("method.initial_sparsity") for cell in found] == [
        None, 0.3, 0.3, 0.4, 0.4,
    ]  # fmt: skip


def test_a_failing_cell_does_not_stop_the_others(tiny_toml, reproduce, capsys):
    rule = '[[profiles.small.when]]\nmethod = "dense"\nconfig.optim.lr = 1e30\n'
    grids = "[[profiles.small.grids]]"
    experiment = spec.load(tiny_toml((grids, rule + grids)))
    outcome = reproduce(experiment, "small", "out")
    assert (outcome.done, list(outcome.failures)) == (2, SLUGS[:1])
    reason, log = outcome.failures[SLUGS[0]]
    assert "is not finite after step" in str(reason)
    assert log == run_folders(experiment, "small") / SLUGS[0] / "log.txt"
    assert states(experiment) == ["stopped", "done", "done"]


class Controlled(Executor):
    """The first call fails at once; the others go on until they are asked to stop."""

    def __init__(self):
        self.futures, self.asked = [], False

    def submit(self, function, /, *arguments):
        future = Future()
        future.set_running_or_notify_cancel()
        if not self.futures:
            future.set_exception(RunError("bad"))
        self.futures.append(future)
        return future

    def stop(self):
        self.asked = True
        for future in self.futures[1:]:
            threading.Timer(0.3, future.set_result, [None]).start()  # they save first


class Gone(io.StringIO):
    """Standard output whose reader leaves after the first line."""

    def write(self, text):
        if "failed" in text:
            raise BrokenPipeError
        return super().write(text)


def test_a_reader_that_leaves_lets_the_others_save(tiny):
    executor = Controlled()
    with pytest.raises(BrokenPipeError), contextlib.redirect_stdout(Gone()):
        runner.reproduce(tiny, "small", "out", executor=executor)
    assert executor.asked
    assert all(future.done() for future in executor.futures)


def test_ctrl_c_before_the_training_stops_at_once(tiny):
    """On a new machine the estimate compiles the kernels: that takes long."""
    executor = Controlled()
    executor.check = lambda calls: signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        runner.reproduce(tiny, "small", "out", executor=executor)
    assert executor.futures == []


class Watched(Executor):
    """A cell finishes an epoch whenever someone looks, and fails in its last one."""

    def submit(self, function, /, options, folder, plugin_files):
        Path(folder).mkdir(parents=True)
        future = Future()
        future.set_running_or_notify_cancel()

        def look():
            with (Path(folder) / "metrics.jsonl").open("a") as file:
                file.write("{}\n")
            if len((Path(folder) / "metrics.jsonl").read_text()) == 3 * len("{}\n"):
                future.set_exception(RunError("bad"))
            return True

        future.running = look
        return future


def test_the_bar_follows_the_cells_that_are_trained(tiny_toml, monkeypatch, capsys):
    monkeypatch.setenv("TQDM_MININTERVAL", "0")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    experiment = spec.load(tiny_toml(("epochs = 2", "epochs = 4"), ONE_CELL))
    runner.reproduce(experiment, "small", "out", executor=Watched())
    shown = re.findall(r"(\d+)% \|", capsys.readouterr().err)
    assert [*dict.fromkeys(shown)] == ["0", "25", "50", "75"]


def test_the_bar_counts_estimated_seconds_of_this_sitting(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    a, b, shared = (
        SimpleNamespace(slug=slug, state=state, fraction=lambda: 0.1)
        for slug, state in (("a", "changed"), ("b", "stopped"), ("c", "shared"))
    )
    expected = {"a": CellEstimate(10.0, 0), "b": CellEstimate(30.0, 0)}
    with runner.Progress([a, b, shared], expected) as progress:
        assert (progress.initial, progress.n) == (3.0, 3.0)  # not the work of this sitting
        progress.reach(a, 0.7)
        progress.reach(shared, 1.0)
        assert (progress.initial, progress.n) == (3.0, pytest.approx(10.0))
        assert " 25% |" in str(progress)


@pytest.mark.parametrize("which", ["runs", "results"])
def test_only_one_at_a_time(tiny, reproduce, in_process, which):
    """Results may be one folder for two calls that have run folders of their own."""
    runs, kept = run_folders(tiny, "small"), results.folder("out", "tiny", "small")
    folder = {"runs": runs, "results": kept}[which]
    folder.mkdir(parents=True)
    with locked(folder), pytest.raises(UserError, match=r"^another process"):
        reproduce(tiny, "small", "out")
    assert in_process.started == []


def test_results_that_cannot_be_kept_are_known_before_training(tiny, reproduce, in_process):
    Path("file").write_text("")
    with pytest.raises(RunError, match=r"cannot make the folder file/tiny/small: Not a dir"):
        reproduce(tiny, "small", "file")
    assert in_process.started == []


def test_networks_without_time_steps_have_experiments_too(tiny_toml, reproduce, monkeypatch):
    proofs = runpy.run_path(Path(__file__).parents[1] / "test_proofs.py")
    monkeypatch.setitem(MODELS, "regression", proofs["Regression"])
    network = ('name = "custom", layers = "4C3-AP2-12"', 'name = "regression"')
    experiment = spec.load(tiny_toml(network, ("neuron = { time_steps = 2 }", "")))
    outcome = reproduce(experiment, "small", "out")
    assert (outcome.done, outcome.failures) == (3, {})
    page = (results.folder("out", "tiny", "small") / "table.md").read_text()
    assert "No cost / dense: an epoch of the dense cell has no spike (3 cells)." in page
