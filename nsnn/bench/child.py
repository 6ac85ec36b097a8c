"""A measurement in a process of its own, which loads only the library that it measures."""

import contextlib
import dataclasses
import importlib
import io
import statistics
from dataclasses import dataclass

from nsnn.options import check, option
from nsnn.processes import Processes


@dataclass(frozen=True)
class Job:
    """What is trained and how long, the same for nsnn and for its peers."""

    model: str = option("", "a key of `nsnn.models.MODELS`")
    width: float = option(1.0, "factor of all channels and hidden neurons", above=0)
    norm: str = option("batch", choices=("batch", "none"))
    density: float = option(1.0, "of all prunable weights; 1 is dense", above=0, at_most=1)
    distribution: str = option("erk", "of the density", choices=("erk", "er", "uniform"))
    storage: str = option("csr", "of sparse weights", choices=("csr", "auto", "dense"))
    batch: int = option(128, "B", at_least=1)
    time_steps: int = option(5, "T", at_least=1)
    threads: int = option(1, at_least=1)
    steps: int = option(3, "that are timed one by one", at_least=1)
    rounds: int = option(0, "of drop and grow after these steps", at_least=0)
    layers: bool = option(False, "whether each layer is timed as well")
    samples: int = option(60_000, "of an epoch", at_least=1)
    delay: float = option(0.0, "of first spikes: σ of the delays of the input", at_least=0)

    def __post_init__(self):
        check(self, "bench")

    @property
    def steps_per_epoch(self) -> int:
        """The last, smaller batch is left out."""
        return self.samples // self.batch

    def weights(self) -> str:
        """Such as "dense" or "erk 0.05"."""
        return "dense" if self.density == 1 else f"{self.distribution} {self.density:g}"


def call(function: str, *arguments) -> dict:
    """Call a function, "module:name", in a fresh process; raises as `Processes.submit` says."""
    with Processes(1) as processes:
        return processes.submit(_answer, function, arguments).result()


def _answer(function: str, arguments: tuple):
    """In the child: what the function returns; what libraries print goes nowhere."""
    module, name = function.split(":")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return getattr(importlib.import_module(module), name)(*arguments)


def compare(kind: str, job: Job, repeats: int, against: str | None = None) -> dict:
    """Measure a job, and the same job in a peer library, in fresh processes that alternate.

    `repeats` are the processes of each library. Rounds of drop and grow, and layers, are measured
    in nsnn's first process only; a peer's epoch is as many of its steps, which all do the same.

    Returns "job"; "ours" and "theirs" as `summary`; "ratio": theirs / ours of "time" and of peak
    "memory", each a `spread` over the pairs: what slows the machine for a minute slows both.
    """
    peer, network = "measure_first_spikes", ()
    if against == "spikingjelly":
        peer, network = "measure", call("nsnn.bench.step:plan", job)
    steps = job.steps_per_epoch if kind == "epoch" else 1
    ours, theirs = [], []
    plain = dataclasses.replace(job, rounds=0, layers=False)
    for each in [job] + [plain] * (repeats - 1):
        ours.append(call(f"nsnn.bench.step:measure_{kind}", each))
        if against:
            found = call(f"nsnn.bench.peers:{peer}", job, *network)
            found["seconds"] = {kind: [steps * second for second in found["seconds"]]}
            theirs.append(found)
    result = {"job": dataclasses.asdict(job), "ours": summary(ours)}
    if against:
        pairs = list(zip(theirs, ours, strict=True))
        times = [[statistics.median(run["seconds"][kind]) for run in pair] for pair in pairs]
        ratios = {
            "time": spread([peer / own for peer, own in times]),
            "memory": spread([peer["memory"] / own["memory"] for peer, own in pairs]),
        }
        result |= {"against": against, "theirs": summary(theirs), "ratio": ratios}
    return result


def summary(runs: list[dict]) -> dict:
    """Spreads over all processes, of every part's seconds and of the peak memory.

    What does not change from process to process is the first one's.
    """
    parts = sorted({part for run in runs for part in run["seconds"]})
    seconds = {p: spread([s for run in runs for s in run["seconds"].get(p, [])]) for p in parts}
    return runs[0] | {"seconds": seconds, "memory": spread([run["memory"] for run in runs])}


def spread(values) -> dict[str, float]:
    """Median, least and greatest of some numbers, by the keys of the JSON files.

    Examples
    --------
    >>> spread([3.0, 1.0, 2.0])
    {'median': 2.0, 'low': 1.0, 'high': 3.0}
    """
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}
