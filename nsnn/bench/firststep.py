"""How long a newcomer waits who types `nsnn --help`, then `nsnn train`: up to its first step."""

import os
import subprocess
import sys
import tempfile
import time

from nsnn.bench import child
from nsnn.bench.environment import repeat, spread
from nsnn.training.progress import Progress


class FirstStepDone(Exception):  # noqa: N818 (no error)
    """Ends the training loop, and stops the clock."""


class FirstStep(Progress):
    """The training loop's progress, up to the end of the first step."""

    def bar(self, epoch, done, batches):
        """Pass one batch on; raise `FirstStepDone` when the loop comes back for another."""
        yield next(iter(batches))
        raise FirstStepDone


def measure(assignments, started: float) -> dict:
    """Seconds at the milestones of `nsnn train --set …` since this (child) process was `started`.

    Returns "imported", and "first_step": data found or drawn, kernels compiled or read, one step
    measured for the estimate, one step trained.
    """
    from nsnn.training import session
    from nsnn.training.config_file import load_config

    imported = time.time() - started
    config = load_config(None, assignments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            session.start(config, os.path.join(folder, "run"), progress=FirstStep(1, 1))
        except FirstStepDone:
            return {"imported": imported, "first_step": time.time() - started}


def compare(assignments, repeats: int) -> dict:
    """Measure `nsnn --help`, training once from a cold cache, then from the warm one.

    Returns "help" (`spread` of seconds); "cold" (dict of seconds); "warm" (dict of spreads).
    """
    with tempfile.TemporaryDirectory() as cache:
        # Caches of Numba, of the drawn digits and of matplotlib's fonts: as on a new machine.
        environment = {"NUMBA_CACHE_DIR": os.path.join(cache, "numba"), "XDG_CACHE_HOME": cache}

        def start():
            arguments = {"assignments": list(assignments), "started": time.time()}
            function = "nsnn.bench.firststep:measure"
            return child.call(function, arguments, environment=environment)

        cold, *warm = [start() for _ in range(1 + repeats)]
    command = [sys.executable, "-m", "nsnn", "--help"]
    helped = repeat(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True), repeats)
    waits = {key: spread([times[key] for times in warm]) for key in cold}
    return {"help": spread(helped), "cold": cold, "warm": waits}
