"""Texts of `nsnn reproduce`: the experiments, and what `--dry-run` says of a profile."""

import collections

from nsnn.experiments import spec
from nsnn.experiments.estimate import CellEstimate
from nsnn.experiments.plan import STATES, TO_TRAIN, Task

_GIB = 1 << 30


def experiments() -> str:
    """The experiments that come with nsnn, with their profiles."""
    lines = []
    for name in spec.identifiers():
        experiment = spec.load(name)
        lines.append(f"{name:<14} {experiment.title} ({experiment.source})")
        lines.append(f"{'':<14} profiles: {', '.join(experiment.profiles)}")
    return "\n".join(lines)


def dry_run(tasks: list[Task], estimates: dict[str, CellEstimate], jobs: int) -> str:
    """Every cell with its state, hours and memory of those that are to be trained.

    Parameters
    ----------
    tasks : list of Task
    estimates : dict of str to CellEstimate
        Of the cells to train, by slug.
    jobs : int
    """
    width = max(len(task.cell.slug) for task in tasks)
    lines = []
    for task in tasks:
        line = f"{task.cell.slug:<{width}}  {STATES[task.state]}"
        if task.state in TO_TRAIN:
            line += f", about {_amounts(estimates[task.cell.slug])}"
        lines.append(line)
    counts = collections.Counter(STATES[task.state] for task in tasks)
    found = ", ".join(f"{count} {state}" for state, count in counts.items())
    lines += ["", f"{len(tasks)} cells: {found}"]
    if estimates:
        lines.append(total(estimates, jobs))
    return "\n".join(lines)


def total(estimates: dict[str, CellEstimate], jobs: int) -> str:
    """Time and memory of all cells that are to be trained, in a line."""
    seconds = sum(e.seconds for e in estimates.values())
    longest = max(e.seconds for e in estimates.values())
    # The largest processes may run at the same time.
    largest = sorted(e.bytes for e in estimates.values())[-jobs:]
    at_a_time = "one process" if jobs == 1 else f"{jobs} processes at a time"
    return (
        f"to train: {len(estimates)} cells, about {duration(max(seconds / jobs, longest))} with "
        f"{at_a_time}, memory up to about {sum(largest) / _GIB:.1f} GiB"
    )


def duration(seconds: float) -> str:
    """Such as "3 min" or "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours = seconds / 3600
    return f"{seconds / 60:.0f} min" if hours < 1.5 else f"{hours:,.{1 if hours < 100 else 0}f} h"


def _amounts(estimate: CellEstimate) -> str:
    return f"{duration(estimate.seconds)}, {estimate.bytes / _GIB:.1f} GiB"
