"""Trains the missing cells of a profile, several at a time, over as many sittings as it takes."""

import contextlib
import math
import os
import sys
import time
import traceback
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from nsnn import plugins
from nsnn.errors import RunError, UserError
from nsnn.experiments import Experiment, estimate, figure, results, table
from nsnn.experiments.cells import TO_TRAIN, Cell, plan, run_folders, state_of
from nsnn.files import locked, make_folder
from nsnn.processes import Interruption, Processes
from nsnn.text import duration, percent
from nsnn.training import session
from nsnn.training.config import FREE
from nsnn.training.config_file import flatten, from_options, toml_value

LOG = "log.txt"

_POLL = 0.1  # seconds between two looks at the processes
# A process whose runner was killed needs this long to save, at most (seconds).
_PATIENCE = 60.0


@dataclass
class Outcome:
    """What a call has come to."""

    cells: int  # of the profile
    done: int = 0  # those of them that are finished now
    failures: dict = field(default_factory=dict)  # by slug: the error, and the path of the log
    interrupted: bool = False
    out_of_time: bool = False


def run_cell(options: dict, folder: str, plugin_files=()) -> dict | None:
    """Train a cell in its run folder, or go on with what the folder holds of it.

    A plain function of plain data, for any executor whose workers see the folder: `options` are
    the whole configuration by "table.key". What it prints is added to log.txt in the folder.
    Returns `results.make_record`, or None when SIGTERM stopped the training, saved. Raises
    UserError for what the user can mend, such as missing data, else RunError.
    """
    folder = make_folder(folder)
    with (
        open(folder / LOG, "a", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        try:
            plugins.load_files(plugin_files)
            config = from_options(options, f"cell {folder.name}")
            _wait_until_free(folder)
            state, done = state_of(folder, config, {}), True
            if state == "stopped":
                free = [f"{name}={toml_value(options[name])}" for name in FREE]
                done = session.resume(folder, free)
            elif state != "trained":
                done = session.start(config, folder, overwrite=state == "changed")
            return results.make_record(config, folder) if done else None
        except Exception as error:
            told = _explained(error)
            print(told)
            raise told from None


def _explained(error: Exception) -> Exception:
    """What to tell of an error, in one line: a plug-in's and the user's own as UserError."""
    try:
        plugins.explain(error)
    except UserError as explained:
        error = explained
    text, kind = " ".join(str(error).split()), type(error)
    if isinstance(error, UserError | RunError):
        return kind(text)
    traceback.print_exception(error)
    return RunError(text or kind.__name__)


def _wait_until_free(folder: Path) -> None:
    """Wait while a process of an earlier runner, which was killed, still saves in the folder."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(UserError), locked(folder):
            return
        time.sleep(0.2)


def reproduce(
    experiment: Experiment, profile: str, out, seeds=None, jobs=1, data_dir="",
    time_limit=math.inf, executor=None,
) -> Outcome:  # fmt: skip
    """Train the missing cells of a profile, then write its table and figure into `out`.

    The first four are as of `plan`. `jobs` processes at a time, one with all cores or several with
    one thread each, unless there is another `concurrent.futures.Executor` for calls of `run_cell`,
    with one thread; its `check`, if it has one, gets the arguments of these calls beforehand.
    `data_dir` says where the data sets are; after `time_limit` minutes it saves and stops.
    """
    # Both: two calls with one `out` may come from two folders, each with run folders of its own.
    runs, kept = run_folders(experiment, profile), results.folder(out, experiment.id, profile)
    with locked(make_folder(runs)), locked(make_folder(kept)):
        what = experiment, profile, out, seeds, jobs, data_dir
        cells, expected, threads = prepare(*what, executor)
        if expected:
            print(estimate.total(expected, jobs), flush=True)
        deadline = time.monotonic() + 60.0 * time_limit

        def ends():
            return interruption.requested or time.monotonic() > deadline

        own = Processes(jobs) if executor is None else contextlib.nullcontext(executor)
        # Only here: what comes before and after is stopped at once, for it loses nothing.
        with Interruption() as interruption, own as executor, Progress(cells, expected) as progress:
            sitting = _Sitting(experiment, profile, out, ends, executor, progress)
            outcome = sitting.run(cells, threads)
        left = outcome.cells - outcome.done - len(outcome.failures)
        outcome.interrupted = interruption.requested
        outcome.out_of_time = time.monotonic() > deadline and left > 0
        if outcome.done:
            table.write(experiment, profile, out, data_dir)
    return outcome


def arguments_of(cell: Cell, threads: int) -> tuple[dict, str, list[str]]:
    """What `run_cell` is called with; a path is absolute, for workers in other folders.

    Not that of train.start, which is kept in records: a worker has to find it as it is given.
    """
    options = flatten(cell.config) | {"train.threads": threads}
    for name in ("data.dir", "train.dense_run"):
        if options[name]:
            options[name] = os.path.abspath(os.path.expanduser(options[name]))
    files = [plugin["file"] for plugin in plugins.loaded()]
    return options, str(cell.folder.absolute()), files


def prepare(experiment, profile, out, seeds, jobs, data_dir, executor) -> tuple:
    """The cells with their states, what they will take, and the threads of each (0: all cores).

    All arguments are as of `reproduce`. Raises UserError for what would fail later: a figure of
    something that there is not, a worker that lacks something.
    """
    figure.check(experiment)
    cells = plan(experiment, profile, out, seeds, data_dir)
    threads = 0 if jobs == 1 and executor is None else 1
    if hasattr(executor, "check"):
        missing = [cell for cell in cells if cell.state in TO_TRAIN]
        executor.check([arguments_of(cell, threads) for cell in missing])
    return cells, estimate.estimate(cells, results.finished_anywhere(out), threads), threads


class _Sitting:
    """One call of `reproduce`."""

    def __init__(self, experiment, profile, out, ends, executor, progress):
        self._where = out, experiment.id, profile
        # Where validation accuracy chooses, nobody is to see the test accuracy beforehand.
        chooses = experiment.table.metric == "validation_accuracy"
        self._kind = "validation" if chooses else "test"
        self._ends, self._executor, self._progress = ends, executor, progress
        self._pending: dict[Future, Cell] = {}

    def run(self, cells: list[Cell], threads: int) -> Outcome:
        """Collect what is finished, train what is missing with so many threads a cell."""
        self._outcome = Outcome(len(cells))
        for cell in cells:
            if cell.state == "done":
                self._outcome.done += 1
            elif cell.state not in TO_TRAIN:
                self._keep(cell, cell.record or results.make_record(cell.config, cell.folder))
        try:
            for cell in (cell for cell in cells if cell.state in TO_TRAIN):
                if cell.state == "changed":
                    text = f"{cell.folder} holds a run with other options or data: trained anew"
                    self._progress.line(text)
                future = self._executor.submit(run_cell, *arguments_of(cell, threads))
                self._pending[future] = cell
            self._await()
        except Exception:  # such as a full disk, or a reader of standard output that has gone
            self._stop()
            wait(self._pending)  # what is finished now is collected another time
            raise
        return self._outcome

    def _await(self) -> None:
        """Take in what the cells come to; when it is time to stop, let those running save."""
        stopped = False
        while self._pending:
            if not stopped and self._ends():
                stopped = True
                self._stop()
            done, _ = wait(self._pending, _POLL, FIRST_COMPLETED)
            for future in [future for future in self._pending if future in done]:
                self._take(future, self._pending.pop(future))
            for future, cell in self._pending.items():
                if future.running():
                    self._progress.reach(cell, cell.fraction())

    def _stop(self) -> None:
        """Forget what has not begun; ask what is running to save, where the executor can."""
        self._pending = {f: cell for f, cell in self._pending.items() if not f.cancel()}
        if hasattr(self._executor, "stop"):
            self._executor.stop()

    def _take(self, future: Future, cell: Cell) -> None:
        """Keep the record of a cell that has ended, or note why there is none."""
        error = future.exception()
        if error is None and future.result() is not None:
            self._keep(cell, future.result())
        elif error is not None or not self._ends():
            error = error or RunError("stopped by a signal")
            self._outcome.failures[cell.slug] = error, cell.folder / LOG
            self._progress.line(f"{cell.slug} failed: {error}")

    def _keep(self, cell: Cell, record: dict) -> None:
        """Add a record to the profile's finished cells under the labels that it has there."""
        own = {"labels": cell.labels}  # at the beginning of the line
        results.append(*self._where, own | record | own)
        self._outcome.done += 1
        accuracy = percent(record[f"{self._kind}_accuracy"])
        count = f"{self._outcome.done}/{self._outcome.cells} cells"
        self._progress.reach(cell, 1.0)
        self._progress.set_description_str(count)
        found = f"{self._kind} accuracy {accuracy}, {duration(record['seconds'])}"
        self._progress.line(f"{count}  {cell.slug}: {found}")


class Progress(tqdm):
    """One bar over the seconds that cells are expected to take, and lines above it.

    What was done of a stopped cell before this sitting does not count for its time.
    """

    def __init__(self, cells: list[Cell], expected: dict):
        self._seconds = {slug: each.seconds for slug, each in expected.items()}
        self._done = {c.slug: c.fraction() * (c.state == "stopped") for c in cells}
        look = {"bar_format": "{desc} {percentage:3.0f}% |{bar}| {elapsed} < {remaining}"}
        look |= {"smoothing": 0, "leave": False, "disable": not sys.stderr.isatty()}
        before = sum(seconds * self._done[slug] for slug, seconds in self._seconds.items())
        super().__init__(total=sum(self._seconds.values()), initial=before, **look)

    def reach(self, cell: Cell, fraction: float) -> None:
        """A cell is as far as this."""
        seconds = self._seconds.get(cell.slug, 0.0)  # none where it is not to be trained
        self.update(seconds * (fraction - self._done[cell.slug]))
        self._done[cell.slug] = fraction

    def line(self, text: str) -> None:
        """Print a line on standard output, above the bar."""
        with self.external_write_mode(file=sys.stdout):
            print(text, flush=True)
