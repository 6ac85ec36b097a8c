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
from nsnn.processes import Interruption
from nsnn.training import loop, session
from nsnn.training.checkpoint import load_topology, save_topology
from nsnn.training.config_file import load_config

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
def whole(finished, content):
    """Content of the run that nothing interrupts."""
    return content(finished)


@pytest.fixture
def stopped(tiny, tmp_path, train):
    """The folder of a run that a signal stopped in the middle of its second epoch."""
    assert train(tiny, 20) is None
    return tmp_path / "run"


@pytest.mark.parametrize(("number", "step"), [
    (signal.SIGINT, 0), (signal.SIGTERM, 7), (signal.SIGHUP, 14), (signal.SIGINT, 44),
])  # fmt: skip
def test_a_signal_saves_the_run(whole, tiny, tmp_path, train, content, capsys, number, step):
    handler = signal.getsignal(number)
    assert train(tiny, step, number=number) is None
    assert signal.getsignal(number) is handler
    assert f"stopped at step {step + 1}, saved" in capsys.readouterr().out
    out = train(tiny)
    assert out == tmp_path / "run"
    assert content(out) == whole
    assert any(line["step"] == step + 1 for line in files.read_lines(out / "timing.jsonl"))


def test_a_second_ctrl_c_is_for_the_handlers_from_before_a_second_sigterm_is_not():
    with Interruption() as before, Interruption() as training:
        for _ in range(2):
            signal.raise_signal(signal.SIGTERM)
        assert (before.requested, training.requested) == (False, True)
        signal.raise_signal(signal.SIGINT)
        assert before.requested


# In the middle of an epoch of 15 steps, at its last step, which may not be logged yet, its first.
ANYWHERE = (3, 14, 15, 22, 29, 44)
# Of 7 epochs lth prunes before 2, 3, 4 and 5; admm pulls in 1 and 2 and prunes before 4.
LTH = ["method.name=lth", "method.final_sparsity=0.6", "method.rewind_epochs=1", "train.epochs=7"]
ADMM = ["method.name=admm", "method.final_sparsity=0.6", "method.update_every=4", "train.epochs=7"]
PHASES = (3, 14, 15, 22, 29, 30, 37, 44, 45, 51, 59, 60, 67, 75, 90, 104)
# These rewire at every step.
DEEPR = ["method.name=deepr", "method.final_sparsity=0.8", "optim.lr=0.3", "optim.clip=1.0"]
GRADR = ["method.name=gradr", "method.alpha=0.05", "optim.momentum=0", "optim.lr=0.3"]
GRADR_ADAM = ["method.name=gradr", "method.alpha=0.1", "optim.name=adam", "optim.lr=0.01"]
FEWER = ["method.final_sparsity=0.8", "method.update_every=4"]
# A round at 12, 24 and 36; moments are summed over the eight steps up to it.
ESL = ["method.name=esl", "method.final_sparsity=0.8", "method.update_every=12"]
MOMENTS = [*ESL, "method.grow=momentum"]
DENSE = ["model.storage=dense", "method.dense_layers=linear2"]


@pytest.mark.parametrize(("changes", "steps"), [
    (["method.name=set", *FEWER], (8, 31)),
    (["method.name=rigl", *FEWER], (8, 31)),
    (["optim.name=adam", "optim.lr=0.01"], (8, 31)),
    (["method.name=dense", "optim.nesterov=true", "optim.schedule=step", "optim.period=10"],
     (8, 31)),
    (["model.storage=dense", "data.validation=0.2", "data.batch=8"], (8, 31)),
    (["data.augment=crop-flip"], (8, 31)),
    *((changes, PHASES) for changes in (LTH, ADMM)),
    *(([*changes, *DENSE], PHASES) for changes in (LTH, ADMM)),
    *((changes, ANYWHERE) for changes in (DEEPR, GRADR, GRADR_ADAM)),
    *(([*changes, *DENSE], ANYWHERE) for changes in (DEEPR, GRADR, GRADR_ADAM)),
    ([*ESL, "method.grow=unfired"], (3, 12, 31)),
    (MOMENTS, (7, 11, 12, 31)), ([*MOMENTS, "optim.name=adam", "optim.lr=0.01"], (7, 11, 12, 31)),
])  # fmt: skip
def test_wherever_it_is_interrupted_a_run_ends_the_same(changes, steps, tiny, bare, train, content):
    own = any(change.startswith("method.name") for change in changes)
    assignments = [*(bare if own else tiny), *changes]
    expected = content(train(assignments, name="expected"))
    for step in steps:
        assert train(assignments, step) is None
    assert content(train(assignments)) == expected


@pytest.mark.parametrize("storage", ["csr", "auto"])
def test_interrupted_while_neurons_go_and_come_back(bare, storage, train, content):
    """Neurons go after epochs 6 to 9 of 9, and come back after 8; 8 steps are a window."""
    options = [*bare, "train.epochs=9", f"model.storage={storage}", "method.name=sdsnn"]
    options += ["method.growth_start=10.0", "method.linear_rate=50.0"]
    folder = train(options, name="whole")
    whole, checkpoint = content(folder), folder.parent / "run" / "checkpoint.npz"
    # Before a window, at its first steps, between two, at the ends of epochs and just after.
    for step in (14, 15, 74, 80, 82, 84, 89, 90, 97, 101, 104, 105, 113, 120, 134):
        assert train(options, step) is None
        if step == 89:  # the epoch's end was not done yet
            early = checkpoint.read_bytes()
        if step == 97:  # as if killed at that end, before the next checkpoint: the log has too much
            checkpoint.write_bytes(early)
    assert content(train(options)) == whole
    log = load_topology(folder / "topology.npz").counts()
    assert log["dropped"].sum() > log["grown"].sum() > 0


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
    for death in range(1, 2000, 59):
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
    assert killed > 6


def test_kill_minus_nine(whole, tiny, tmp_path, content):
    """A real process, killed twice at random instants of its training."""
    out = tmp_path / "run"
    rng = np.random.default_rng(1)
    sets = [word for assignment in tiny for word in ("--set", assignment)]
    command = ["train", *sets, "--out", str(out)]
    for _ in range(2):
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


def test_what_the_kill_left_behind_is_taken_back(whole, stopped, content):
    for name, line in (
        ("metrics.jsonl", '{"epoch": 1, "step": 30}\n{"epo'),
        ("timing.jsonl", '{"st'),
    ):
        with open(stopped / name, "a") as file:
            file.write(line)
    (stopped / "checkpoint.npz.0123abcd.tmp").write_bytes(b"half")
    session.resume(stopped)
    assert content(stopped) == whole
    assert (stopped / "summary.json").exists()
    assert not (stopped / "checkpoint.npz.0123abcd.tmp").exists()


def test_of_a_finished_run_only_a_missing_summary_is_made(whole, finished, content, capsys):
    assert session.resume(finished) == finished
    assert "is finished: nothing to resume" in capsys.readouterr().out
    before = files.read_json(finished / "summary.json")
    (finished / "summary.json").unlink()
    session.resume(finished)
    after = files.read_json(finished / "summary.json")
    assert after | {"bytes_process_peak": 0} == before | {"bytes_process_peak": 0}
    assert content(finished) == whole


def test_resume_may_move_data_and_threads_alone(stopped, tiny_data, tmp_path, whole, content):
    with pytest.raises(UserError, match=r"only data.dir and train.threads .* not optim.lr"):
        session.resume(stopped, ["optim.lr=0.5"])
    moved = tmp_path / "moved.npz"
    moved.write_bytes(tiny_data.read_bytes())
    session.resume(stopped, [f"data.dir={moved}", "train.threads=2"])
    assert content(stopped) == whole


def test_two_processes_cannot_train_in_one_folder(finished):
    with files.locked(finished), pytest.raises(UserError, match="another process is training in"):
        session.resume(finished)
    session.resume(finished)


def test_files_that_do_not_belong_to_the_checkpoint_are_noticed(stopped, finished, whole, content):
    def refused(kind, message):
        with pytest.raises(kind, match=message):
            session.resume(stopped)

    config = stopped / "config.toml"
    text = config.read_text()
    config.write_text(text.replace("momentum = 0.9", "momentum = 0.8"))
    refused(UserError, r"optim.momentum = 0.9 there, 0.8 in\s+config.toml")
    config.write_text(text)
    log = load_topology(stopped / "topology.npz")
    log.truncate(0)
    before = (stopped / "topology.npz").read_bytes()
    save_topology(stopped / "topology.npz", log)
    refused(RunError, r"topology.npz is not of this run: at step 21")
    (stopped / "topology.npz").write_bytes(before)
    path = stopped / "metrics.jsonl"
    line = path.read_text()
    path.write_text("")
    refused(RunError, "has 0 lines, the checkpoint was made after 1")
    path.write_text(line.replace('"step": 15', '"step": 16') + line)
    refused(RunError, r"metrics.jsonl is damaged, or of another run: its first 1 lines are not")
    assert path.read_text().count("\n") == 2
    path.write_text(line)
    path = stopped / "summary.json"
    path.write_bytes((finished / "summary.json").read_bytes())
    refused(RunError, "summary.json is not of the run in metrics.jsonl: remove it")
    path.unlink()
    session.resume(stopped)
    assert content(stopped) == whole


def test_other_data_is_not_trained_on(stopped, tiny_data, tmp_path):
    with np.load(tiny_data) as archive:
        arrays = dict(archive)
    fewer = arrays | {key: arrays[key][:50] for key in ("train_images", "train_labels")}
    other = arrays | {"train_images": arrays["train_images"].copy()}
    other["train_images"][0, 0, 0] ^= 1
    for changed in (fewer, other):
        np.savez(tmp_path / "other.npz", **changed)
        with pytest.raises(UserError, match="is not what this run has trained on"):
            session.resume(stopped, [f"data.dir={tmp_path / 'other.npz'}"])


def test_the_rates_of_the_dense_run_are_those_of_the_start(tiny, bare, train, content):
    dense = train([*bare, "method.name=dense"], name="dense")
    against = [*tiny, f"train.dense_run={dense}"]
    whole = content(train(against, name="whole"))
    assert train(against, 20) is None
    (dense / "metrics.jsonl").write_text('{"spike_rate": 0.5}\n' * 3)
    assert content(train(against)) == whole
    (dense / "metrics.jsonl").write_text("{}\n" * 3)
    with pytest.raises(RunError, match=r"line 1 of .*metrics.jsonl is damaged"):
        train(against, name="third")


def test_a_checkpoint_whose_content_does_not_fit_is_damaged(stopped):
    with np.load(stopped / "checkpoint.npz") as archive:
        whole = dict(archive)
    for key, value in {
        "network/conv1.weight/data": None,
        "network/conv1.bias/data": np.zeros(99),
        "network/conv1.weight/positions": np.full(35, np.nan),
        "method/rng": np.array("no JSON"),
        "totals/counts": np.zeros(7),
        "position/step": None,
        "config": None,
        "format": np.arange(3),
    }.items():
        arrays = {name: array for name, array in whole.items() if name != key}
        np.savez(stopped / "checkpoint.npz", **arrays | ({} if value is None else {key: value}))
        with pytest.raises(RunError, match=r"checkpoint\.npz is damaged"):
            session.resume(stopped)
