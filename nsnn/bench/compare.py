"""Measuring a job in fresh processes, nsnn's and a peer's in turn, and putting it together."""

import dataclasses
import statistics

from nsnn.bench import child, peers
from nsnn.bench.timing import ratio, spread

_OURS = {"step": "nsnn.bench.step:measure", "epoch": "nsnn.bench.epoch:measure"}
_THEIRS = {
    "step": "nsnn.bench.peer_training:measure_step",
    "epoch": "nsnn.bench.peer_training:measure_epoch",
}


def compare(kind: str, job, repeats: int, against=None, first=None, **arguments) -> dict:
    """Measure a job, and the same job in a peer library, alternating.

    Parameters
    ----------
    kind : "step" or "epoch"
    job : Job
    repeats : int
        Fresh processes, of each library.
    against : str, optional
        A key of `peers.PEERS`.
    first : dict, optional
        Further arguments of nsnn's first process only, for what need not be repeated.
    **arguments
        Of `nsnn.bench.step.measure` or `nsnn.bench.epoch.measure`.

    Returns
    -------
    dict
        "job"; "ours" and "theirs" as `summary`; "ratio": theirs / ours, pair by pair, of time and
        of peak memory, each a `spread`.
    """
    fields = dataclasses.asdict(job)
    plan = peers.plan(job) if against else None
    ours, theirs = [], []
    for i in range(repeats):
        extra = first if first and i == 0 else {}
        ours.append(child.call(_OURS[kind], {"job": fields, **arguments, **extra}))
        if against:
            theirs.append(
                child.call(
                    _THEIRS[kind],
                    {"job": fields, "plan": plan, "library": against, **arguments},
                    library_threads=job.threads,
                )
            )
    result = {"job": fields, "ours": summary(ours)}
    if against:
        result |= {
            "against": against,
            "theirs": summary(theirs),
            "ratio": _ratios(ours, theirs, kind),
        }
    return result


def summary(runs: list[dict]) -> dict:
    """Spreads over all processes, of every part's seconds and of the peak memory.

    What does not change from process to process is the first one's.
    """
    parts = {part for run in runs for part in run["seconds"]}
    seconds = {
        part: spread([s for run in runs for s in run["seconds"].get(part, [])])
        for part in sorted(parts)
    }
    memory = spread([run["memory"] for run in runs])
    return runs[0] | {"seconds": seconds, "memory": memory}


def _ratios(ours, theirs, kind) -> dict:
    """Spreads of theirs / ours."""

    def times(runs):
        return [statistics.median(run["seconds"][kind]) for run in runs]

    return {
        "time": ratio(times(theirs), times(ours)),
        "memory": ratio([run["memory"] for run in theirs], [run["memory"] for run in ours]),
    }
