"""How long a newcomer waits: `nsnn --help`, and `nsnn train` up to its first step."""

import os
import subprocess
import sys
import tempfile
import time

from nsnn.bench import child
from nsnn.bench.timing import repeat, spread
from nsnn.training.progress import Progress


class _DoneError(Exception):
    """The first step is done."""


class _FirstStep(Progress):
    """Stops the training loop, and the clock, when the first step is done."""

    def bar(self, epoch, done, batches):
        for count, batch in enumerate(batches):
            if count == 1:
                raise _DoneError
            yield batch
        raise _DoneError  # an epoch of one step


def measure(assignments, started: float) -> dict:
    """Seconds since `started` at the milestones of `nsnn train`, in this (child) process.

    Parameters
    ----------
    assignments : list of str
        As `nsnn train --set`.
    started : float
        `time.time()` when the parent started this process.

    Returns
    -------
    dict
        "imported", and "first_step": data found or drawn, kernels compiled or read, one step
        measured for the estimate, one step trained.
    """
    from nsnn.training import session
    from nsnn.training.config_file import load_config

    imported = time.time() - started
    config = load_config(None, assignments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            session.start(config, os.path.join(folder, "run"), progress=_FirstStep(1, 1))
        except _DoneError:
            first_step = time.time() - started
    return {"imported": imported, "first_step": first_step}


def bench(assignments, repeats: int) -> dict:
    """Measure `nsnn --help`, then training from a cold cache, then from the warm one.

    Parameters
    ----------
    assignments : list of str
    repeats : int
        Of `--help` and of the warm start; a cold start is made once.

    Returns
    -------
    dict
        "help" (`spread` of seconds); "cold" (dict of seconds); "warm" (dict of spreads).
    """
    with tempfile.TemporaryDirectory() as cache:
        # Caches of Numba, of the drawn digits and of matplotlib's fonts: as on a new machine.
        environment = {"NUMBA_CACHE_DIR": os.path.join(cache, "numba"), "XDG_CACHE_HOME": cache}

        def start():
            arguments = {"assignments": list(assignments), "started": time.time()}
            return child.call("nsnn.bench.firststep:measure", arguments, environment=environment)

        cold = start()
        warm = [start() for _ in range(repeats)]
    return {
        "help": spread(repeat(_help, repeats)),
        "cold": cold,
        "warm": {key: spread([times[key] for times in warm]) for key in cold},
    }


def _help():
    subprocess.run([sys.executable, "-m", "nsnn", "--help"], stdout=subprocess.DEVNULL, check=True)
