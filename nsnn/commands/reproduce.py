"""Train the missing cells of a paper's table or figure, and write it.

examples:
  nsnn reproduce                            list the experiments
  nsnn reproduce ndsnn-table1 --profile small --dry-run
  nsnn reproduce ndsnn-table1 --profile small --jobs 2 --time-limit 75
  nsnn reproduce my.toml --profile mine     an experiment of your own

A cell is one training run; its folder is runs/reproduce/ID/PROFILE/CELL. A finished cell is a line
in OUT/ID/PROFILE/cells.jsonl, with table and figure beside it. Cells that are there, in the file of
any experiment, are not trained again; a run that was stopped or killed goes on. So the same
command, given again, does what is left. Without --out results go to tutorials/results where that
folder exists, as in a clone of nsnn, else to runs/results; those of the profile smoke, which only
tries the machinery, always go to runs/results. Data sets are found through --data-dir or
$NSNN_DATA.
"""

import collections
import math
import os
import sys

from nsnn.commands import add_plugin
from nsnn.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_USER, UserError


def add_arguments(parser) -> None:
    """The options of `nsnn reproduce`."""
    parser.add_argument(
        "id", nargs="?", metavar="ID", help="such as ndsnn-table1, or a TOML file; none: list them"
    )
    parser.add_argument("--list", action="store_true", help="list the experiments")
    parser.add_argument(
        "--profile", default="small", metavar="P",
        help="smoke (seconds), small (hours) or full (the paper's own setting); default: small",
    )  # fmt: skip
    parser.add_argument(
        "--seeds", type=int, nargs="+", metavar="N", help="default: those of the profile"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N",
        help="training processes at a time, of one thread each; default: one, with all cores",
    )  # fmt: skip
    parser.add_argument("--out", metavar="DIR", help="folder of the results; see below")
    parser.add_argument("--data-dir", metavar="DIR", help="where the data sets are")
    parser.add_argument(
        "--dry-run", action="store_true", help="only list the cells, with hours and memory"
    )
    parser.add_argument(
        "--time-limit", type=float, metavar="MINUTES", help="then save what is under way, and stop"
    )
    add_plugin(parser)


def run(options) -> int:
    """Train the missing cells of an experiment.

    0 done or out of time, 1 failed, 2 failed by mistakes of the user alone, 130 stopped.
    """
    from nsnn.experiments import results, runner, spec

    if options.id is None or options.list:
        for experiment in map(spec.load, spec.identifiers()):
            print(f"{experiment.id:<14} {experiment.title} ({experiment.source})")
            print(f"{'':<14} profiles: {', '.join(experiment.profiles)}")
        return 0
    _check(options)
    experiment = spec.load(options.id)
    out = options.out or results.default_out(options.profile)
    if options.dry_run:
        return _dry_run(experiment, out, options)
    limit = math.inf if options.time_limit is None else options.time_limit
    outcome = runner.reproduce(
        experiment, options.profile, out, options.seeds, options.jobs, options.data_dir or "", limit
    )
    return report(outcome, results.folder(out, experiment.id, options.profile))


def _check(options) -> None:
    if "" in (options.out, options.data_dir):
        raise UserError("--out and --data-dir need the name of a folder, got an empty one")
    if options.data_dir and not os.path.exists(os.path.expanduser(options.data_dir)):
        raise UserError(f"--data-dir {options.data_dir}: there is no such folder")
    if options.jobs < 1:
        raise UserError(f"--jobs {options.jobs}: use 1 or more processes")
    if any(seed < 0 for seed in options.seeds or ()):
        raise UserError(f"--seeds {min(options.seeds)}: use whole numbers from 0")
    if options.time_limit is not None and not 0 < options.time_limit < math.inf:
        raise UserError(f"--time-limit {options.time_limit:g}: use a number of minutes above 0")


def _dry_run(experiment, out, options) -> int:
    """List every cell with its state, and hours and memory of those that are to be trained."""
    from nsnn import text
    from nsnn.experiments import figure, results
    from nsnn.experiments.cells import STATES, plan
    from nsnn.experiments.estimate import estimate, total
    from nsnn.experiments.runner import threads_of

    figure.check(experiment)
    cells = plan(experiment, options.profile, out, options.seeds)
    finished = results.finished_anywhere(out).values()
    estimates = estimate(cells, finished, threads_of(options.jobs))
    width = max(len(cell.slug) for cell in cells)
    for cell in cells:
        line = f"{cell.slug:<{width}}  {STATES[cell.state]}"
        if cell.slug in estimates:
            found = estimates[cell.slug]
            line += f", about {text.duration(found.seconds)}, {found.bytes / (1 << 30):.1f} GiB"
        print(line)
    counts = collections.Counter(STATES[cell.state] for cell in cells)
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    print(f"\n{text.plural(len(cells), 'cell')}: {states}")
    if estimates:
        print(total(estimates, options.jobs))
    return 0


def report(outcome, folder) -> int:
    """Say what a call has come to."""
    alike = {}
    for slug, (error, log) in outcome.failures.items():
        alike.setdefault(str(error), []).append((slug, log))
    for reason, cells in alike.items():
        slug, log = cells[0]
        others = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
        print(f"nsnn: error: {slug}{others} failed: {reason} (see {log})", file=sys.stderr)
    again = "go on with the same command"
    if outcome.interrupted:
        print(f"stopped, {outcome.done} of {outcome.cells} cells done: {again}")
        return EXIT_INTERRUPTED
    if outcome.out_of_time:
        print(f"time is up, {outcome.done} of {outcome.cells} cells done: {again}")
    elif not outcome.failures:
        print(f"all {outcome.cells} cells done: see {folder}")
    if outcome.failures:
        mistakes = [isinstance(error, UserError) for error, _ in outcome.failures.values()]
        return EXIT_USER if all(mistakes) else EXIT_FAILURE
    return 0
