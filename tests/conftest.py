"""Runs so small that they take a moment: started, stopped, gone on with, compared."""

import contextlib
import io
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import nsnn.plot
from nsnn import cli, files, parallel
from nsnn.errors import UserError
from nsnn.training import session
from nsnn.training.config_file import load_config
from nsnn.training.loop import Progress


@pytest.fixture(autouse=True, scope="session")
def signals():
    """A script's & has Ctrl-C ignored, nohup a hang-up; tests send both, to themselves as well."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def number_of_threads():
    """Give back the number of threads that a run has set."""
    before = parallel.get_threads()
    yield
    parallel.set_threads(before)


@pytest.fixture
def complaint(capsys):
    """`complaint(*words, code=2)` gives a command that fails: its one line on standard error."""

    def run(*words, code=2):
        assert cli.main([*map(str, words)]) == code
        err = capsys.readouterr().err
        assert err.startswith("nsnn: error: ")
        assert err.count("\n") == 1
        return err

    return run


@pytest.fixture
def said(capsys):
    """`said(*words)` gives what a command that succeeds prints, all of it on standard output."""

    def run(*words):
        capsys.readouterr()
        assert cli.main([*map(str, words)]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


@pytest.fixture(scope="session")
def python():
    """`python(*words, **options)` runs Python in a process of its own, and gives what it said."""

    def run(*words, **options):
        command = [sys.executable, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, **options)

    return run


@pytest.fixture
def refused():
    """`with refused("part", …):` expects a UserError of one line that holds each part."""

    @contextlib.contextmanager
    def expecting(*parts, error=UserError):
        with pytest.raises(error) as caught:
            yield
        message = str(caught.value)
        assert "\n" not in message
        for part in parts:
            assert str(part) in message, f"{part!r} is not in {message!r}"

    return expecting


@pytest.fixture
def wait_for():
    """`wait_for(condition)` returns what the condition comes to, true within two minutes."""

    def wait(condition):
        deadline = time.monotonic() + 120
        while not (found := condition()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture(scope="session")
def noisy_data(tmp_path_factory):
    """`make(train, test)`: an .npz file of three classes of noisy 6x6 images, so many of each."""

    def make(*counts):
        rng = np.random.default_rng(0)
        patterns = rng.random((3, 6, 6))
        arrays = {}
        for purpose, count in zip(("train", "test"), counts, strict=True):
            labels = np.arange(count) % 3
            noise = rng.random((count, 6, 6))
            arrays[f"{purpose}_labels"] = labels
            arrays[f"{purpose}_images"] = (127 * (patterns[labels] + noise)).astype(np.uint8)
        path = tmp_path_factory.mktemp("data") / "tiny.npz"
        np.savez(path, **arrays)
        return path

    return make


@pytest.fixture(scope="session")
def tiny_data(noisy_data):
    """155 images to train on, 60 to test."""
    return noisy_data(155, 60)


@pytest.fixture(scope="session")
def tiny(tiny_data):
    """`--set` assignments of a run of 3 epochs of 15 steps with drop and grow in each."""
    return [
        "data.name=arrays",
        f"data.dir={tiny_data}",
        "data.batch=10",
        "model.name=custom",
        "model.layers=6C3-AP2-30",
        "model.norm=batch",
        "neuron.time_steps=2",
        "method.initial_sparsity=0.6",
        "method.final_sparsity=0.8",
        "method.update_every=4",
        "method.end_fraction=0.9",
        "train.epochs=3",
        "train.threads=1",
    ]


@pytest.fixture
def bare(tiny):
    """`tiny` without the options of its method, for another method."""
    return [assignment for assignment in tiny if not assignment.startswith("method.")]


@pytest.fixture(scope="session")
def finished_once(tiny, tmp_path_factory):
    """The folder of a run of `tiny` that nothing interrupted, and what training it printed."""
    out = tmp_path_factory.mktemp("finished") / "whole"
    before = parallel.get_threads()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
        patch.setattr(nsnn.plot, "plot_run", lambda folder: [])
        session.start(load_config(None, tiny), out)
    parallel.set_threads(before)
    return out, said.getvalue()


@pytest.fixture
def finished(finished_once, tmp_path_factory):
    """A copy of that folder, which a test may change."""
    return shutil.copytree(finished_once[0], tmp_path_factory.mktemp("copy") / "whole")


@pytest.fixture
def no_plots(monkeypatch):
    """Pictures take longer than a tiny run."""
    monkeypatch.setattr(nsnn.plot, "plot_run", lambda folder: [])


class Stopping(Progress):
    """Sends a signal to the own process at some steps of epochs of 15 steps."""

    def __init__(self, steps, number):
        super().__init__(3, 15)
        self.at, self.number = steps, number

    def bar(self, epoch, done, batches):
        for step, batch in enumerate(batches, 15 * epoch + done):
            if step in self.at:
                signal.raise_signal(self.number)
            yield batch


@pytest.fixture
def train(tmp_path, no_plots, no_sync):
    """`train(assignments, *steps, name="run")`: start the run of that name, or go on with it.

    A signal comes at each of the steps, in `tmp_path / name`; what `session` returns.
    """

    def go(assignments, *steps, name="run", number=signal.SIGINT):
        out, progress = tmp_path / name, Stopping(steps, number)
        if out.exists():
            return session.resume(out, progress=progress)
        return session.start(load_config(None, assignments), out, progress=progress)

    return go


@pytest.fixture
def no_sync(monkeypatch):
    """Hundreds of checkpoints need not reach the disk."""
    monkeypatch.setattr(files.os, "fsync", lambda handle: None)


@pytest.fixture
def content():
    """What has to be equal in two runs: bytes of the metrics, all arrays."""

    def read(folder):
        found = {"metrics.jsonl": (folder / "metrics.jsonl").read_bytes()}
        for name in ("checkpoint.npz", "topology.npz"):
            with np.load(folder / name, allow_pickle=False) as archive:
                for key in archive.files:
                    array = archive[key]
                    found[f"{name}/{key}"] = (array.dtype.str, array.shape, array.tobytes())
        return found

    return read
