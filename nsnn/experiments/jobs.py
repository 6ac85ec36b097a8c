"""Training processes as the runner sees them: started, watched, stopped."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from nsnn import plugins
from nsnn.errors import EXIT_INTERRUPTED, EXIT_USER, RunError, UserError
from nsnn.experiments.plan import Task
from nsnn.files import locked
from nsnn.training.config import Config
from nsnn.training.config_file import flatten, toml_value
from nsnn.training.run_folder import make

LOG = "log.txt"

# A process whose runner was killed needs this long to save, at most (seconds).
_PATIENCE = 60.0


class Job:
    """The process that trains one cell.

    Parameters
    ----------
    task : Task
        Missing, stopped or changed.
    config : Config
        The cell's, with `data.dir` and `train.threads` for this machine.

    Raises
    ------
    RunError
        When no folder or process can be made.
    """

    def __init__(self, task: Task, config: Config):
        self.task = task
        self._epochs = config.train.epochs
        action = {"stopped": "resume", "changed": "replace"}.get(task.state, "start")
        options = [f"--plugin={plugin['file']}" for plugin in plugins.loaded()]
        assignments = _assignments(config, only_free=action == "resume")
        command = [
            sys.executable, "-m", "nsnn.experiments.child", *options, action, str(task.folder),
            *assignments,
        ]  # fmt: skip
        make(task.folder)
        try:
            with open(task.folder / LOG, "ab" if action == "resume" else "wb") as log:
                # Its own session: Ctrl-C is for the runner, which closes the pipe.
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise RunError(f"cannot start a process in {task.folder}: {error}") from error

    def ended(self) -> bool:
        """True once the process is gone."""
        return self._process.poll() is not None

    def ask_to_stop(self) -> None:
        """Let the process save and stop; it takes a step's time, and the checkpoint's."""
        self._process.stdin.close()

    def kill(self) -> None:
        """End the process at once; what it has saved stays."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()

    def close(self) -> str:
        """What became of a process that has ended: "" finished, "stopped", or why it failed."""
        self._process.stdin.close()
        code = self._process.returncode
        if code == 0:
            return ""
        if code in (EXIT_INTERRUPTED, -signal.SIGTERM):
            return "stopped"
        return f"killed by signal {-code}" if code < 0 else last_line(self.task.folder / LOG)

    def mistake(self) -> bool:
        """True where it failed by what the user can mend, such as missing data."""
        return self._process.returncode == EXIT_USER

    def fraction(self) -> float:
        """How much of the cell's epochs is done."""
        return epochs_done(self.task.folder) / self._epochs


def epochs_done(folder: Path) -> int:
    """Epochs that the run in a folder has finished."""
    path = folder / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def last_line(path: Path) -> str:
    """The last line of a log that is not empty."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next(
        (line.strip() for line in reversed(lines) if line.strip()), "no message; is the disk full?"
    )


def wait_until_free(folder: Path, stop) -> None:
    """Wait while a process of an earlier runner, which was killed, still saves in the folder.

    Parameters
    ----------
    folder : Path
    stop : callable
        True ends the waiting.
    """
    deadline = time.monotonic() + _PATIENCE
    while folder.is_dir() and time.monotonic() < deadline and not stop():
        try:
            with locked(folder):
                return
        except UserError:
            time.sleep(0.2)


def _assignments(config: Config, only_free: bool) -> list[str]:
    """The configuration, or what may be set anew on resume, as for `--set`."""
    flat = flatten(config)
    names = ("data.dir", "train.threads") if only_free else flat
    return [f"{name}={toml_value(flat[name])}" for name in names if flat[name] is not None]
