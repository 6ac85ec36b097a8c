"""`reproduce`: only what is missing is trained, whatever happened before."""

import json
from pathlib import Path

import pytest

from nsnn.errors import RunError, UserError
from nsnn.experiments import plan, record, results, runner, spec
from nsnn.experiments.runner import reproduce
from nsnn.files import locked
from nsnn.training.config import Config

SLUGS = ["arrays-dense-seed0", "arrays-ndsnn-sparsity0.5-seed0", "arrays-ndsnn-sparsity0.8-seed0"]


def states(experiment, out="out", seeds=None):
    return [task.state for task in plan.plan(experiment, "small", out, seeds)]


def test_cells_are_trained_once_and_written_with_their_table(tiny_toml, in_process, capsys):
    experiment = spec.load(tiny_toml())
    assert states(experiment) == ["missing"] * 3
    outcome = reproduce(experiment, "small", "out")
    assert (outcome.cells, outcome.done, outcome.failures) == (3, 3, {})
    assert in_process == SLUGS
    printed = capsys.readouterr()
    assert "3/3 cells  arrays-ndsnn-sparsity0.8-seed0: test accuracy" in printed.out
    assert printed.err == ""  # no bar where nobody watches
    folder = results.folder("out", "tiny", "small")
    assert {path.name for path in folder.iterdir()} == {
        "cells.jsonl", "table.md", "table.csv", "figure.png", ".lock",
    }  # fmt: skip
    assert states(experiment) == ["done"] * 3

    again = reproduce(experiment, "small", "out")
    assert (again.done, in_process) == (3, SLUGS)
    # More seeds: only those are missing, and the time of the others is known.
    assert states(experiment, seeds=[0, 1]) == ["done", "missing"] * 3
    reproduce(experiment, "small", "out", seeds=[0, 1])
    assert len(in_process) == 6
    assert len(results.read_cells("out", "tiny", "small")) == 6


def test_a_record_says_all_about_a_cell(tiny_toml, in_process):
    experiment = spec.load(tiny_toml())
    reproduce(experiment, "small", "out")
    found = results.read_cells("out", "tiny", "small")[2]
    folder = plan.run_folders(experiment, "small") / SLUGS[2]
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
    assert found["labels"] == {"data": "arrays", "method": "ndsnn", "sparsity": 0.8}
    assert found["config"]["method.final_sparsity"] == 0.8
    assert not {"data.dir", "train.threads", "train.dense_run"} & found["config"].keys()
    assert {"nsnn", "numpy", "numba", "python", "cores"} <= found["environment"].keys()


def test_a_finished_run_folder_is_collected(tiny_toml, in_process):
    experiment = spec.load(tiny_toml())
    reproduce(experiment, "small", "out")
    assert states(experiment, "other") == ["trained"] * 3
    reproduce(experiment, "small", "other")
    assert len(in_process) == 3
    texts = [
        (results.folder(out, "tiny", "small") / "cells.jsonl").read_text()
        for out in ("out", "other")
    ]
    assert texts[0] == texts[1]


def test_other_experiments_share_cells_under_their_own_labels(tiny_toml, in_process):
    reproduce(spec.load(tiny_toml()), "small", "out")
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
    assert in_process[3:] == ["arrays-ndsnn-theta0.9-seed0"]
    found = results.read_cells("out", "other", "small")
    assert [cell["labels"].get("theta") for cell in found] == [None, 0.8, 0.9]
    assert len(results.read_cells("out", "tiny", "small")) == 3


def test_a_folder_with_other_options_is_trained_anew(tiny_toml, in_process, capsys):
    reproduce(spec.load(tiny_toml()), "small", "out")
    changed = spec.load(tiny_toml(("initial_sparsity = 0.3", "initial_sparsity = 0.4")))
    assert states(changed) == ["done", "changed", "changed"]
    capsys.readouterr()
    reproduce(changed, "small", "out")
    assert in_process[3:] == SLUGS[1:]
    assert f"{SLUGS[1]} holds a run with other options: trained anew" in capsys.readouterr().out
    found = results.read_cells("out", "tiny", "small")
    assert [cell["config"].get("method.initial_sparsity") for cell in found] == [
        None, 0.3, 0.3, 0.4, 0.4,
    ]  # fmt: skip


def test_a_failing_cell_does_not_stop_the_others(tiny_toml, in_process, capsys):
    rule = '[[profiles.small.when]]\nmethod = "dense"\nconfig.optim.lr = 1e30\n'
    experiment = spec.load(
        tiny_toml(("[[profiles.small.grids]]", rule + "[[profiles.small.grids]]"))
    )
    outcome = reproduce(experiment, "small", "out")
    assert (outcome.done, list(outcome.failures)) == (2, SLUGS[:1])
    reason, log = outcome.failures[SLUGS[0]]
    assert "is not finite after step" in reason
    assert log == plan.run_folders(experiment, "small") / SLUGS[0] / "log.txt"
    assert states(experiment) == ["stopped", "done", "done"]


class FakeJob:
    """The first fails at once; the others go on until they are asked to stop."""

    made = ()

    def __init__(self, task, config):
        self.task, self.asked, self.killed = task, False, False
        FakeJob.made = (*FakeJob.made, self)

    def ended(self):
        return self is FakeJob.made[0] or self.asked

    def ask_to_stop(self):
        self.asked = True

    def kill(self):
        self.killed = True

    def close(self):
        return "bad"

    def mistake(self):
        return False

    def fraction(self):
        return 0.5


def test_a_reader_that_leaves_lets_the_others_save(tiny_toml, monkeypatch):
    def gone(self, text):
        raise BrokenPipeError

    monkeypatch.setattr(FakeJob, "made", ())
    monkeypatch.setattr(runner, "Job", FakeJob)
    monkeypatch.setattr(runner.Progress, "line", gone)
    with pytest.raises(BrokenPipeError):
        reproduce(spec.load(tiny_toml()), "small", "out", jobs=3)
    assert [job.asked for job in FakeJob.made] == [False, True, True]
    assert not any(job.killed for job in FakeJob.made)


def test_the_bar_follows_the_cells_that_are_trained(tiny_toml, monkeypatch):
    class FailingJob(FakeJob):
        """Goes a third of its way between two looks, then fails."""

        looks = 0

        def ended(self):
            self.looks += 1
            return self.looks == 3

        def fraction(self):
            return self.looks / 3

    shown = []
    monkeypatch.setattr(runner, "Job", FailingJob)
    monkeypatch.setattr(runner, "_POLL", 0.0)
    monkeypatch.setattr(runner.Progress, "update", lambda self, *at: shown.append(at))
    reproduce(spec.load(tiny_toml()), "small", "out", jobs=2)
    one, two, three = SLUGS
    steps = [(one, 1 / 3), (two, 1 / 3), (one, 2 / 3), (two, 2 / 3), (three, 1 / 3), (three, 2 / 3)]
    assert shown == steps


@pytest.mark.parametrize("which", ["runs", "results"])
def test_only_one_at_a_time(tiny_toml, in_process, which):
    """Results may be one folder for two calls that have run folders of their own."""
    experiment = spec.load(tiny_toml())
    runs, kept = plan.run_folders(experiment, "small"), results.folder("out", "tiny", "small")
    folder = {"runs": runs, "results": kept}[which]
    folder.mkdir(parents=True)
    with locked(folder), pytest.raises(UserError, match=r"^another process"):
        reproduce(experiment, "small", "out")
    assert in_process == []


def test_a_run_folder_that_lost_a_file_is_named(tiny_toml, in_process):
    experiment = spec.load(tiny_toml())
    reproduce(experiment, "small", "out")
    task = plan.plan(experiment, "small", "other")[0]
    (task.folder / "environment.json").unlink()
    with pytest.raises(record.RunError, match=f"{task.folder} is not a whole run"):
        record.make_record(task.cell, task.config, task.folder)


def test_the_plan_has_whole_configurations(tiny_toml):
    experiment = spec.load(tiny_toml())
    tasks = plan.plan(experiment, "small", "out")
    assert [task.cell.slug for task in tasks] == SLUGS
    assert all(isinstance(task.config, Config) for task in tasks)
    assert len({task.digest for task in tasks}) == 3


def test_results_that_cannot_be_written_are_known_before_training(tiny_toml, in_process):
    experiment = spec.load(tiny_toml())
    Path("file").write_text("")
    with pytest.raises(RunError, match=r"cannot write in .*/file: give another folder"):
        reproduce(experiment, "small", "file")
    assert in_process == []


def test_a_read_only_file_of_cells_is_known_before_training(tiny_toml, in_process, monkeypatch):
    experiment = spec.load(tiny_toml())
    folder = results.folder("out", "tiny", "small")
    folder.mkdir(parents=True)
    (folder / results.CELLS).touch()
    # Not by its mode: root may write to any file.
    monkeypatch.setattr(results.os, "access", lambda path, mode: path.name != results.CELLS)
    with pytest.raises(RunError, match=r"cells\.jsonl is read-only: change that, or give"):
        reproduce(experiment, "small", "out")
    assert in_process == []
