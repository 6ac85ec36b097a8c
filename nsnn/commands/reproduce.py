"""Train the missing cells of a paper's table or figure, and write it.

examples:
  nsnn reproduce                            list the experiments
  nsnn reproduce ndsnn-table1 --profile small --dry-run
  nsnn reproduce ndsnn-table1 --profile small --jobs 2 --time-limit 75
  nsnn reproduce my.toml --profile mine     an experiment of your own
  nsnn reproduce ndsnn-table1 --executor dask://HOST:8786   on a cluster: see tutorials/guide.md

A cell is one training run, in runs/reproduce/ID/PROFILE/CELL. Finished cells are lines of
OUT/ID/PROFILE/cells.jsonl, beside table and figure; those of any experiment are not trained again,
and what was stopped or killed goes on: so the same command does what is left. Without --out that is
in tutorials/results where this folder is, as in a clone of nsnn, elsewhere in runs/results, as are
cells of the profile smoke, which only tries the machinery. Data: --data-dir, or $NSNN_DATA.
"""

import argparse
import collections
import contextlib
import math
import os
import sys

from nsnn.commands import PLUGIN, folder, whole
from nsnn.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_USER, UserError


def existing(text: str) -> str:
    """The type of an argument that names a folder, or a file, which is there."""
    if not os.path.exists(os.path.expanduser(folder(text))):
        raise argparse.ArgumentTypeError(f"{text}: there is no such file or folder")
    return text


def minutes(text: str) -> float:
    """The type of an argument that is a time in minutes."""
    if not 0 < float(text) < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of minutes above 0")
    return float(text)


ARGUMENTS = {
    "id": {"nargs": "?", "metavar": "ID",
           "help": "such as ndsnn-table1, or a TOML file; none: list them"},
    "--profile": {"default": "small", "metavar": "P",
                  "help": "smoke (seconds), small (hours), long (a night) or full (the paper's "
                          "own setting), whichever it has; default: small"},
    "--seeds": {"type": whole(0), "nargs": "+", "metavar": "N",
                "help": "default: those of the profile"},
    "--jobs": {"type": whole(1), "default": 1, "metavar": "N",
               "help": "training processes at a time, of one thread each; default: one, with all "
                       "cores"},
    "--executor": {"metavar": "dask://HOST:PORT",
                   "help": "train on the workers of this Dask scheduler; pip install 'nsnn[dask]'"},
    "--out": {"type": folder, "metavar": "DIR", "help": "folder of the results; see below"},
    "--data-dir": {"type": existing, "metavar": "DIR", "help": "where the data sets are"},
    "--dry-run": {"action": "store_true",
                  "help": "only list the cells, with hours and memory, and what would fail"},
    "--time-limit": {"type": minutes, "default": math.inf, "metavar": "MINUTES",
                     "help": "then save what is under way, and stop"},
    "--plugin": PLUGIN,
}  # fmt: skip


def run(options) -> int:
    """Train the missing cells of an experiment.

    0 done or out of time, 1 failed, 2 failed by mistakes of the user alone, 130 stopped.
    """
    from nsnn.experiments import results, runner, spec
    from nsnn.experiments.cluster import Dask

    if options.id is None:
        width = max(map(len, spec.identifiers())) + 1
        for experiment in map(spec.load, spec.identifiers()):
            print(f"{experiment.id:<{width}} {experiment.title} ({experiment.source})")
            print(f"{'':<{width}} profiles: {', '.join(experiment.profiles)}")
        return 0
    experiment = spec.load(options.id)
    out = options.out or results.default_out(options.profile)
    if options.executor and options.jobs > 1:
        raise UserError("--jobs is for this machine: with --executor its workers decide")
    with Dask(options.executor) if options.executor else contextlib.nullcontext() as executor:
        jobs = executor.jobs if executor else options.jobs
        what = experiment, options.profile, out, options.seeds, jobs, options.data_dir or ""
        if options.dry_run:
            return _dry_run(what, jobs, executor)
        outcome = runner.reproduce(*what, options.time_limit, executor)
    return report(outcome, results.folder(out, experiment.id, options.profile))


def _dry_run(what, jobs: int, executor) -> int:
    """List every cell with its state, and hours and memory of those that are to be trained.

    Then what training would refuse: 2 if there is anything. With an executor its workers are
    looked at, and a cell is tried only where its data are here as well.
    """
    from nsnn import text
    from nsnn.experiments import runner
    from nsnn.experiments.cells import STATES, refused
    from nsnn.experiments.estimate import total

    cells, estimates, _ = runner.prepare(*what, executor)
    reasons = refused(cells, elsewhere=executor is not None)
    width = max(len(cell.slug) for cell in cells)
    for cell in cells:
        line, found = f"{cell.slug:<{width}}  {STATES[cell.state]}", estimates.get(cell.slug)
        if found:
            line += f", about {text.duration(found.seconds)}, {found.bytes / (1 << 30):.1f} GiB"
        print(line)
    counts = collections.Counter(STATES[cell.state] for cell in cells)
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    print(f"\n{text.plural(len(cells), 'cell')}: {states}")
    if estimates:
        print(total(estimates, jobs))
    for reason, group in reasons.items():
        _complain([cell.slug for cell in group], f"would fail: {reason}")
    return EXIT_USER if reasons else 0


def _complain(slugs: list[str], what: str) -> None:
    """A line on standard error about cells of one fate."""
    others = f" and {len(slugs) - 1} more" if len(slugs) > 1 else ""
    print(f"nsnn: error: {slugs[0]}{others} {what}", file=sys.stderr)


def report(outcome, folder) -> int:
    """Say what a call has come to."""
    alike = {}
    for slug, (error, _) in outcome.failures.items():
        alike.setdefault(str(error), []).append(slug)
    for reason, slugs in alike.items():
        _, log = outcome.failures[slugs[0]]
        _complain(slugs, f"failed: {reason} (see {log})")
    again = "go on with the same command"
    if outcome.interrupted:
        print(f"stopped, {outcome.done} of {outcome.cells} cells done: {again}")
        return EXIT_INTERRUPTED
    if outcome.out_of_time:
        print(f"time is up, {outcome.done} of {outcome.cells} cells done: {again}")
    elif not outcome.failures:
        print(f"all {outcome.cells} cells done: see {folder}")
    errors = [error for error, _ in outcome.failures.values()]
    return min((getattr(error, "exit_code", EXIT_FAILURE) for error in errors), default=0)
