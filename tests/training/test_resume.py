"""Interrupted, killed and resumed runs equal the uninterrupted one, bit for bit."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from nsnn import files
from nsnn.errors import RunError, UserError
from nsnn.methods import METHODS, Method
from nsnn.training import loop, run_folder, session
from nsnn.training.checkpoint import load_topology, save_topology
from nsnn.training.config_file import load_config
from nsnn.training.progress import Progress

# The command line with a checkpoint after every step.
EAGER = """
import sys
from nsnn.training import loop
loop.CHECKPOINT_EVERY = 0.0
from nsnn.cli import main
sys.exit(main(sys.argv[1:]))
"""


class Killed(BaseException):
    """Stands for the end of the process at one of its file operations."""


@pytest.fixture
def whole(tiny, tmp_path, content, no_plots, no_sync):
    """Content of the run that nothing interrupts."""
    return content(session.start(load_config(None, tiny), tmp_path / "whole"))


class Signalling(Progress):
    """Sends a signal to the own process at given steps."""

    def __init__(self, number, steps):
        super().__init__(3, 15, bars=False)
        self.number, self.at = number, steps

    def bar(self, epoch, done, batches):
        for i, batch in enumerate(batches):
            if 15 * epoch + done + i in self.at:
                signal.raise_signal(self.number)
            yield batch


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("step", [0, 7, 14, 44])
def test_a_signal_saves_and_resume_equals_the_whole(
    whole, tiny, tmp_path, content, capsys, number, step
):
    out = tmp_path / "run"
    handler = signal.getsignal(number)
    assert session.start(load_config(None, tiny), out, progress=Signalling(number, [step])) is None
    assert signal.getsignal(number) is handler
    assert f"stopped at step {step + 1}, saved" in capsys.readouterr().out
    assert session.resume(out) == out
    assert content(out) == whole
    timing = files.read_lines(out / "timing.jsonl")
    assert sum(line["step"] == step + 1 for line in timing) >= 1


def test_interrupted_again_and_again(whole, tiny, tmp_path, content):
    out = tmp_path / "run"
    session.start(load_config(None, tiny), out, progress=Signalling(signal.SIGINT, [3]))
    for step in (4, 20, 21, 43):
        assert session.resume(out, progress=Signalling(signal.SIGINT, [step])) is None
    session.resume(out)
    assert content(out) == whole


class Wandering(Method):
    """Moves a random weight of each layer after every third step: uses its stream all along."""

    def prepare(self, network, run, rng, log):
        super().prepare(network, run, rng, log)
        for p in self.prunable:
            p.sparsify(np.arange(0, p.size, 2))
            log.start(p.name, p.size, p.positions())

    def after_update(self, step):
        for p in self.prunable if step % 3 == 0 else []:
            positions = p.positions()
            keep = np.ones(p.active, dtype=bool)
            keep[self.rng.integers(p.active)] = False
            grown = self.rng.choice(np.setdiff1d(np.arange(p.size), positions), 1)
            p.rewire(keep, grown)
            self.log.record(step, p.name, positions[~keep], grown)


@pytest.mark.parametrize(
    "changes",
    [
        ["method.name=wandering"],
        ["method.name=set", "method.final_sparsity=0.8", "method.update_every=4"],
        ["method.name=rigl", "method.final_sparsity=0.8", "method.update_every=4"],
        ["optim.name=adam", "optim.lr=0.01"],
        ["method.name=dense", "optim.nesterov=true", "optim.schedule=step", "optim.period=10"],
        ["model.storage=dense", "data.validation=0.2", "data.batch=8"],
    ],
)
def test_other_methods_and_optimisers_resume(
    changes, tiny, tmp_path, content, monkeypatch, no_plots, no_sync
):
    monkeypatch.setitem(METHODS, "wandering", Wandering)
    if changes[0].startswith("method"):
        tiny = [assignment for assignment in tiny if not assignment.startswith("method")]
    config = load_config(None, [*tiny, *changes])
    expected = content(session.start(config, tmp_path / "expected"))
    out = tmp_path / "run"
    for step in (8, 31):
        train = session.resume if out.exists() else lambda out, **o: session.start(config, out, **o)
        assert train(out, progress=Signalling(signal.SIGINT, [step])) is None
    session.resume(out)
    assert content(out) == expected


def test_killed_at_every_file_operation(whole, tiny, tmp_path, content, monkeypatch):
    """Stop at the n-th write or rename, before or after it, and resume, for every n."""
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 0.0)
    real = {"replace": os.replace, "fsync": lambda handle: None}
    budget = 0

    def mortal(name):
        def operation(*arguments):
            nonlocal budget
            budget -= 1
            if budget == 0:
                raise Killed
            real[name](*arguments)
            budget -= 1
            if budget == 0:
                raise Killed

        return operation

    for name in real:
        monkeypatch.setattr(files.os, name, mortal(name))
    config, killed = load_config(None, tiny), 0
    # A prime stride visits all kinds of instants in few runs.
    for death in range(1, 2000, 37):
        out = tmp_path / f"run{death}"
        budget = death
        try:
            session.start(config, out)
        except Killed:
            killed += 1
        else:
            break
        budget = -1
        if not (out / "config.toml").exists():
            assert death < 10
            continue
        session.resume(out)
        assert content(out) == whole, death
    assert killed > 10


def test_kill_minus_nine(whole, tiny, tmp_path, content):
    """A real process, killed three times at random instants of its training."""
    out = tmp_path / "run"
    rng = np.random.default_rng(1)
    sets = [word for assignment in tiny for word in ("--set", assignment)]
    command = ["train", *sets, "--out", str(out)]
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", EAGER, *command])
        checkpoint = out / "checkpoint.npz"
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            if checkpoint.exists() and checkpoint.stat().st_mtime_ns > before:
                break
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.05))
        process.kill()
        process.wait()
        command = ["train", "--resume", str(out)]
    assert not (out / "summary.json").exists()
    session.resume(out)
    assert content(out) == whole


def test_what_the_kill_left_behind_is_taken_back(whole, tiny, tmp_path, content):
    out = tmp_path / "run"
    session.start(load_config(None, tiny), out, progress=Signalling(signal.SIGINT, [20]))
    with open(out / "metrics.jsonl", "a") as file:
        file.write('{"epoch": 1, "step": 30}\n{"epo')
    (out / "checkpoint.npz.0123abcd.tmp").write_bytes(b"half")
    session.resume(out)
    assert content(out) == whole
    assert not (out / "checkpoint.npz.0123abcd.tmp").exists()


def test_a_finished_run_is_not_resumed(whole, tmp_path, content, capsys):
    assert session.resume(tmp_path / "whole") == tmp_path / "whole"
    assert "is finished: nothing to resume" in capsys.readouterr().out
    assert content(tmp_path / "whole") == whole


def test_killed_after_the_last_step_only_the_summary_is_made(whole, tmp_path, content):
    folder = tmp_path / "whole"
    (folder / "summary.json").unlink()
    session.resume(folder)
    assert (folder / "summary.json").exists()
    assert content(folder) == whole


def test_resume_may_move_data_and_threads_and_nothing_else(
    tiny, tiny_data, tmp_path, whole, content
):
    out = tmp_path / "run"
    session.start(load_config(None, tiny), out, progress=Signalling(signal.SIGINT, [20]))
    with pytest.raises(UserError, match=r"only data.dir and train.threads .* not optim.lr"):
        session.resume(out, ["optim.lr=0.5"])
    moved = tmp_path / "moved.npz"
    moved.write_bytes(tiny_data.read_bytes())
    session.resume(out, [f"data.dir={moved}", "train.threads=2"])
    assert content(out) == whole


def test_two_processes_cannot_train_in_one_folder(whole, tmp_path):
    holder = f"""
import sys, time
from nsnn.files import locked
with locked({str(tmp_path / "whole")!r}):
    print("locked", flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", holder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(UserError, match="another process is training in"):
            session.resume(tmp_path / "whole")
        process.kill()
    session.resume(tmp_path / "whole")  # the lock went with the process


def test_a_changed_configuration_does_not_resume(tiny, tmp_path, whole):
    out = tmp_path / "run"
    session.start(load_config(None, tiny), out, progress=Signalling(signal.SIGINT, [20]))
    text = (out / "config.toml").read_text()
    (out / "config.toml").write_text(text.replace("momentum = 0.9", "momentum = 0.8"))
    with pytest.raises(UserError, match=r"optim.momentum = 0.9 there, 0.8 in\s+config.toml"):
        session.resume(out)


def test_missing_lines_are_noticed(tiny, tmp_path, whole):
    out = tmp_path / "run"
    session.start(load_config(None, tiny), out, progress=Signalling(signal.SIGINT, [20]))
    (out / "metrics.jsonl").write_text("")
    with pytest.raises(RunError, match="has 0 lines, the checkpoint was made after 1"):
        session.resume(out)


def test_resume_needs_a_run(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        session.resume(tmp_path)
    with pytest.raises(UserError, match="holds no run"):
        run_folder.load(tmp_path / "nowhere")


def test_a_line_of_timing_that_was_cut_short_does_not_stop_a_run_for_ever(whole, tiny, tmp_path):
    out = tmp_path / "run"
    session.start(load_config(None, tiny), out, progress=Signalling(signal.SIGINT, [20]))
    with open(out / "timing.jsonl", "a") as file:
        file.write('{"epoch": 1, "st')
    session.resume(out)
    assert (out / "summary.json").exists()


@pytest.mark.parametrize("change", ["fewer", "other"])
def test_other_data_is_not_trained_on(tiny, tiny_data, tmp_path, no_plots, change):
    out = tmp_path / "run"
    session.start(load_config(None, tiny), out, progress=Signalling(signal.SIGINT, [20]))
    with np.load(tiny_data) as archive:
        arrays = dict(archive)
    if change == "fewer":
        arrays |= {key: arrays[key][:50] for key in ("train_images", "train_labels")}
    else:
        arrays["train_images"][0, 0, 0] ^= 1
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(UserError, match="is not what this run has trained on"):
        session.resume(out, [f"data.dir={tmp_path / 'other.npz'}"])


def test_the_rates_of_the_dense_run_are_those_of_the_start(
    tiny, tmp_path, content, no_plots, no_sync
):
    others = [change for change in tiny if not change.startswith("method.")]
    dense = session.start(load_config(None, [*others, "method.name=dense"]), tmp_path / "dense")
    config = load_config(None, [*tiny, f"train.dense_run={dense}"])
    whole = content(session.start(config, tmp_path / "whole"))
    session.start(config, tmp_path / "run", progress=Signalling(signal.SIGINT, [20]))
    (dense / "metrics.jsonl").write_text('{"spike_rate": 0.5}\n' * 3)
    session.resume(tmp_path / "run")
    assert content(tmp_path / "run") == whole
    (dense / "metrics.jsonl").write_text("{}\n" * 3)
    with pytest.raises(UserError, match=r"train.dense_run = .*: its metrics.jsonl has no spike"):
        session.start(config, tmp_path / "third")


def test_the_topology_log_of_another_run_is_noticed(tiny, tmp_path, no_plots):
    out = tmp_path / "run"
    session.start(load_config(None, tiny), out, progress=Signalling(signal.SIGINT, [20]))
    empty = load_topology(out / "topology.npz")
    empty.truncate(-1)
    save_topology(out / "topology.npz", empty)
    with pytest.raises(RunError, match=r"topology.npz is not of this run: at step 21"):
        session.resume(out)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network/conv1.weight/data", None),
        ("network/conv1.bias/data", np.zeros(99)),
        ("method/rng", np.array("no JSON")),
        ("totals/counts", np.zeros(7)),
        ("position/step", None),
        ("config", None),
        ("format", np.arange(3)),
    ],
)
def test_a_checkpoint_whose_content_does_not_fit_is_damaged(tiny, tmp_path, no_plots, key, value):
    out = tmp_path / "run"
    session.start(load_config(None, tiny), out, progress=Signalling(signal.SIGINT, [20]))
    with np.load(out / "checkpoint.npz") as archive:
        arrays = {name: archive[name] for name in archive.files if name != key}
    if value is not None:
        arrays[key] = value
    np.savez(out / "checkpoint.npz", **arrays)
    with pytest.raises(RunError, match=r"checkpoint\.npz is damaged"):
        session.resume(out)
