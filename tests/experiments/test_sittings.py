"""`nsnn reproduce` with real processes: stopped, killed, and gone on with."""

import hashlib
import os
import signal
import subprocess
import sys
import time

import pytest

from nsnn import cli, plugins
from nsnn.commands.reproduce import report
from nsnn.errors import RunError, UserError
from nsnn.experiments import results, runner, spec
from nsnn.experiments.cells import plan
from nsnn.files import locked
from nsnn.training import session

GRID = 'method = ["dense", "ndsnn"]\nsparsity = [0.5, 0.8]'
PLUGIN = """
from nsnn.methods import METHODS, Dense
class Mine(Dense):
    def after_update(self, step):
        pass
METHODS["mine"] = Mine
"""
PATIENCE = 60  # seconds


@pytest.fixture
def long_cell(tiny_toml):
    """An experiment of one cell of many short epochs, and its run folder."""
    one = 'method = "ndsnn"\nsparsity = 0.8'
    path = tiny_toml((GRID, one), ("epochs = 2", "epochs = 100"))
    experiment = spec.load(path)
    (task,) = plan(experiment, "small", "out")
    return path, experiment, task


def free(folder):
    try:
        with locked(folder):
            return True
    except UserError:
        return False


def start(path, *options):
    command = [sys.executable, "-m", "nsnn", "reproduce", str(path), "--out", "out", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_after_a_kill_the_next_call_goes_on(long_cell, tmp_path, said, wait_for, no_sync):
    path, experiment, task = long_cell
    process = start(path)
    wait_for(lambda: task.fraction() > 0.03)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_for(lambda: free(task.folder))  # the training has noticed
    assert 0.03 < task.fraction() < 1
    assert "stopped at step" in (task.folder / "log.txt").read_text()
    assert [cell.state for cell in plan(experiment, "small", "out")] == ["stopped"]

    assert "all 1 cells done" in said("reproduce", path, "--out", "out")
    assert f"resuming {task.folder.absolute()} at epoch" in (task.folder / "log.txt").read_text()
    whole = session.start(task.config, tmp_path / "reference")  # the same without the kill
    metrics = [(folder / "metrics.jsonl").read_bytes() for folder in (task.folder, whole)]
    assert metrics[0] == metrics[1]
    (record,) = results.read_cells("out", "tiny", "small")
    assert len(record["per_epoch"]["density"]) == 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_training_saved(long_cell, number, wait_for):
    path, experiment, task = long_cell
    process = start(path, "--jobs", "2")
    wait_for(lambda: task.fraction() > 0.02)
    process.send_signal(number)
    printed, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "stopped, 0 of 1 cells done: go on with the same command" in printed
    assert errors == ""
    assert free(task.folder)  # it has waited for its training
    assert "stopped at step" in (task.folder / "log.txt").read_text()
    assert [cell.state for cell in plan(experiment, "small", "out")] == ["stopped"]


def test_the_time_limit_stops_the_training_saved(long_cell, said):
    path, _, task = long_cell
    before = time.monotonic()
    printed = said("reproduce", path, "--out", "out", "--time-limit", 2.5 / 60)
    assert time.monotonic() - before < PATIENCE
    if "all 1 cells done" not in printed:  # a fast machine
        assert "time is up, 0 of 1 cells done: go on with the same command" in printed
        # On a slow one the limit may come before the training has made its folder.
        assert not task.folder.exists() or free(task.folder)


@pytest.mark.parametrize(("statement", "code", "wanted"), [
    ("raise ValueError('two\\nlines')", 2, "plug-in {}, line 5: ValueError: two lines"),
    ("__import__('os').kill(__import__('os').getpid(), 9)", 1, "killed by signal 9 (out"),
])  # fmt: skip
def test_failures_are_reported_once_and_the_exit_code_says_who_can_mend_them(
    tiny_toml, tmp_path, statement, code, wanted
):
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN.replace("pass", statement))
    path = tiny_toml((GRID, 'method = "mine"\nseeds = [0, 1]'))
    process = start(path, "--plugin", str(plugin), "--jobs", "2")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert errors.startswith("nsnn: error: arrays-mine-seed")
    assert f" and 1 more failed: {wanted.format(plugin)}" in errors
    assert errors.endswith("log.txt)\n")
    assert errors.count("\n") == 1
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == [".lock"]


def test_exit_codes_of_failures():
    for a, b, code in (
        (UserError, UserError, 2), (UserError, RunError, 1), (RunError, RunError, 1),
    ):  # fmt: skip
        failures = {"a": (a("bad"), "log.txt"), "b": (b("worse"), "log.txt")}
        assert report(runner.Outcome(2, 0, failures), "folder") == code


def test_a_plugin_reaches_the_training_and_a_changed_one_is_trained_anew(tiny_toml, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN)
    path = tiny_toml((GRID, 'method = "mine"'))

    def reproduce(*options):
        process = start(path, "--plugin", str(plugin), *options)
        printed, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, errors) == (0, "")
        return printed

    assert "all 1 cells done" in reproduce()
    plugin.write_text(PLUGIN + "# another version\n")
    assert "holds a run with other options or data: trained anew" in reproduce()
    used = [record["config"]["plugins"] for record in results.read_cells("out", "tiny", "small")]
    assert len(used) == 2
    assert used[0] != used[1]
    assert all(name.startswith(plugins.MODULE_PREFIX) for (name,) in used)
    folder = tmp_path / "out" / "tiny" / "small"
    assert str(tmp_path) not in (folder / "cells.jsonl").read_text()
    page = (folder / "table.md").read_text()
    for command in ("table", "reproduce"):  # they fail without it
        assert f"`nsnn {command} {path} --plugin mine.py --profile small --out out`" in page
    assert f"Plug-in: mine.py, SHA-256 {hashlib.sha256(plugin.read_bytes()).hexdigest()}." in page
    assert "Every cell: model.name = custom, " in page
    assert ", model.layers = 4C3-AP2-12." in page


@pytest.mark.parametrize(("options", "message"), [
    (["--jobs", "0"], "--jobs: 0 is not at least 1"),
    (["--time-limit", "nan"], "--time-limit: nan is not a number"),
    (["--data-dir", "nowhere"], "--data-dir: nowhere: there is no such file or folder"),
    (["--profile", "larg"], "tiny has no such profile"),
])  # fmt: skip
def test_bad_options_are_one_line(tiny_toml, options, message, complaint):
    assert message in complaint("reproduce", tiny_toml(), *options)


def test_without_an_id_the_experiments_are_listed(said):
    listed = said("reproduce")
    for name in spec.identifiers():
        assert f"{name} " in listed
    assert "profiles: smoke, small, full" in listed


def test_a_dry_run_lists_cells_and_trains_none(tiny_toml, said):
    lines = said("reproduce", tiny_toml(), "--dry-run", "--jobs", 2).splitlines()
    assert lines[0].startswith("arrays-dense-seed0              missing, about 0 s, 0.1 GiB")
    assert lines[-2] == "3 cells: 3 missing"
    assert lines[-1].startswith("to train: 3 cells, about 0 s with 2 processes at a time, memory")
    assert not os.path.exists("runs")


@pytest.mark.parametrize(("old", "new", "message"), [
    ('y = "test_accuracy"', 'y = "tset_accuracy"', "figure.y = 'tset_accuracy': did you mean"),
    ('method.final_sparsity"', 'method.final_spars"', "no method of this grid has the option"),
    ("update_every = 2", "update_evry = 2", "method.update_evry (tiny, cell arrays-ndsnn"),
    ("batch = 10", "batch = 100", "seed0 and 2 more would fail: data.batch = 100 is larger"),
    ("4C3-AP2-12", "4C3-AP9-12", "and 2 more would fail: "),
    ("update_every = 2", "end_fraction = 0.01", "sparsity0.5-seed0 and 1 more would fail: "),
    (".npz'", ".nzp'", "and 2 more would fail: data.dir = "),
])  # fmt: skip
def test_a_dry_run_says_what_would_fail(tiny_toml, old, new, message, complaint):
    assert message in complaint("reproduce", tiny_toml((old, new)), "--dry-run")


def test_a_dry_run_tells_hours_also_where_the_data_are_missing(tiny_toml, capsys):
    path = tiny_toml(('data = "arrays"', 'data = "mnist"'))  # whose size is known
    assert cli.main(["reproduce", str(path), "--dry-run"]) == 2
    printed = capsys.readouterr()
    assert "mnist-dense-seed0 and 2 more would fail: data.dir = " in printed.err
    assert "missing, about " in printed.out
    assert "to train: 3 cells" in printed.out


def test_the_smoke_profile_end_to_end(tiny, tmp_path, said):
    assert "2/2 cells" in said("reproduce", "ndsnn-table3", "--profile", "smoke", "--jobs", 2)
    folder = tmp_path / "runs" / "results" / "ndsnn-table3" / "smoke"
    assert "| NDSNN  | 90 %" in (folder / "table.md").read_text()
    assert len(results.read_cells("runs/results", "ndsnn-table3", "smoke")) == 2
