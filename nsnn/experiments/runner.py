"""Trains the missing cells of a profile, several at a time, over as many sittings as it takes."""

import collections
import math
import time
from dataclasses import dataclass

from nsnn.experiments import listing, results, table
from nsnn.experiments.estimate import CellEstimate, Estimator
from nsnn.experiments.expand import with_free
from nsnn.experiments.jobs import LOG, Job, wait_until_free
from nsnn.experiments.plan import TO_TRAIN, Task, plan, run_folders
from nsnn.experiments.progress import Progress
from nsnn.experiments.record import make_record
from nsnn.experiments.spec import Experiment
from nsnn.files import locked
from nsnn.training.interrupt import Interruption
from nsnn.training.run_folder import make

_POLL = 0.1  # seconds between two looks at the processes


@dataclass(frozen=True)
class Outcome:
    """What a call has come to.

    Attributes
    ----------
    cells, done : int
        Of the profile, and those of them that are finished now.
    failures : dict of str to (str, Path)
        Why a cell failed and where its log is, by slug.
    mistakes : set of str
        Slugs of those failures that the user can mend, such as missing data.
    interrupted, out_of_time : bool
        Why it may have stopped early.
    """

    cells: int
    done: int
    failures: dict
    mistakes: set
    interrupted: bool
    out_of_time: bool


def reproduce(
    experiment: Experiment, profile: str, out, seeds=None, jobs=1, data_dir="", time_limit=math.inf
) -> Outcome:
    """Train the missing cells of a profile, then write its table and figure.

    Parameters
    ----------
    experiment : Experiment
    profile : str
    out : path-like
        Where finished cells, table and figure go.
    seeds : sequence of int, optional
        Instead of the profile's.
    jobs : int
        Processes at a time: one with all cores, or several with one thread each.
    data_dir : str
        Where the data sets are.
    time_limit : float
        Minutes after which what is under way is saved and stopped.

    Raises
    ------
    UserError, RunError
    """
    results.check_writable(out, experiment.id, profile)
    # Both: two calls with one `out` may come from two folders, each with run folders of its own.
    runs, kept = run_folders(experiment, profile), results.folder(out, experiment.id, profile)
    with locked(make(runs)), locked(make(kept)), Interruption() as interruption:
        tasks = plan(experiment, profile, out, seeds)
        runner = _Runner(experiment, profile, out, jobs, data_dir, interruption)
        outcome = runner.run(tasks, 60.0 * time_limit)
        if outcome.done:
            table.write(experiment, profile, out)
    return outcome


def estimate(to_train, finished, jobs: int) -> dict[str, CellEstimate]:
    """What each cell that is to be trained will take, by slug.

    Parameters
    ----------
    to_train : list of Task
    finished : iterable of dict
        Records of finished cells.
    jobs : int
    """
    estimator = Estimator(finished, threads_of(jobs))
    return {task.cell.slug: estimator.estimate(task.config) for task in to_train}


def threads_of(jobs: int) -> int:
    """Threads of each of so many processes; 0: all cores."""
    return 0 if jobs == 1 else 1


class _Runner:
    """One call of `reproduce`."""

    def __init__(self, experiment, profile, out, jobs, data_dir, interruption):
        self._experiment, self._profile, self._out = experiment, profile, out
        self._jobs, self._data_dir = jobs, data_dir
        self._interruption = interruption
        self._deadline = math.inf
        self._finished = results.finished_anywhere(out)
        self._failures, self._mistakes = {}, set()
        self._done = 0

    def run(self, tasks, time_limit: float) -> Outcome:
        """Collect what is finished, train what is missing, for at most so many seconds."""
        self._deadline = time.monotonic() + time_limit
        to_train = collections.deque(task for task in tasks if task.state in TO_TRAIN)
        estimates = estimate(to_train, self._finished.values(), self._jobs)
        if estimates:
            print(listing.total(estimates, self._jobs), flush=True)
        seconds = {slug: estimated.seconds for slug, estimated in estimates.items()}
        self._done = sum(task.state == "done" for task in tasks)
        self._progress = Progress(seconds, len(tasks), self._done)
        try:
            for task in tasks:
                if task.state in ("shared", "trained"):
                    self._book(task)
            self._train(to_train)
        finally:
            self._progress.close()
        left = len(tasks) - self._done - len(self._failures)
        late = self._late() and left > 0
        failed = self._failures, self._mistakes
        return Outcome(len(tasks), self._done, *failed, self._interruption.requested, late)

    def _train(self, waiting) -> None:
        """Keep `jobs` processes going until nothing waits or it is time to stop."""
        running = []
        try:
            while (waiting or running) and not self._stopping():
                while waiting and len(running) < self._jobs and not self._stopping():
                    self._start(waiting.popleft(), running)
                self._progress.running(len(running))
                time.sleep(_POLL)
                self._look_after(running)
            for job in running:
                job.ask_to_stop()
            while running:
                time.sleep(_POLL)
                self._look_after(running)
        except Exception:  # such as a full disk, or a reader of standard output that has gone
            self._let_save(running)
            raise
        finally:  # a second Ctrl-C
            for job in running:
                job.kill()

    def _let_save(self, running: list) -> None:
        """Stop all processes, without a word; what one has finished is collected another time."""
        for job in running:
            job.ask_to_stop()
        while running:
            time.sleep(_POLL)
            running[:] = [job for job in running if not job.ended()]

    def _start(self, task: Task, running: list) -> None:
        """Start the process of a cell, unless a cell like it has been finished meanwhile."""
        if task.digest in self._finished:
            self._book(task)
            return
        wait_until_free(task.folder, self._stopping)
        if task.state == "changed":
            self._progress.line(f"{task.folder} holds a run with other options: trained anew")
        job = Job(task, with_free(task.config, self._data_dir, threads_of(self._jobs)))
        running.append(job)
        if task.state == "stopped":
            self._progress.resumed(task.cell.slug, job.fraction())

    def _look_after(self, running: list) -> None:
        """Show how far the processes are; take leave of those that have ended."""
        for job in list(running):
            ended = job.ended()
            if ended:
                running.remove(job)
                self._close(job)
            else:
                self._progress.update(job.task.cell.slug, job.fraction())

    def _close(self, job: Job) -> None:
        """Book a process that has ended."""
        reason = job.close()
        task = job.task
        if not reason:
            self._book(task)
        elif reason != "stopped" or not self._stopping():
            self._failures[task.cell.slug] = reason, task.folder / LOG
            if job.mistake():
                self._mistakes.add(task.cell.slug)
            self._progress.line(f"{task.cell.slug} failed: {reason}")

    def _book(self, task: Task) -> None:
        """Keep the record of a finished cell: of its run folder, or of the cell that is like it."""
        record = self._finished.get(task.digest)
        if record is None:
            record = make_record(task.cell, task.config, task.folder)
        record = record | {"labels": task.cell.labels}
        results.append(self._out, self._experiment.id, self._profile, record)
        self._finished[task.digest] = record
        self._done += 1
        # Where validation accuracy chooses, nobody is to see the test accuracy beforehand.
        chooses = self._experiment.table.metric == "validation_accuracy"
        kind = "validation" if chooses else "test"
        text = f"{kind} accuracy {100 * record[f'{kind}_accuracy']:.2f} %"
        time_taken = listing.duration(record["seconds"])
        self._progress.finished(task.cell.slug, f"{text}, {time_taken}")

    def _late(self) -> bool:
        return time.monotonic() > self._deadline

    def _stopping(self) -> bool:
        return self._interruption.requested or self._late()
