"""Runs that take a moment: started, stopped, gone on with, compared."""

import signal

import numpy as np
import pytest

from nsnn import files
from nsnn.training import session
from nsnn.training.config_file import load_config
from nsnn.training.progress import Progress


@pytest.fixture
def bare(tiny):
    """`tiny` without the options of its method, for another method."""
    return [assignment for assignment in tiny if not assignment.startswith("method.")]


class Stopping(Progress):
    """Sends a signal to the own process at some steps of epochs of 15 steps."""

    def __init__(self, steps, number):
        super().__init__(3, 15, bars=False)
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
