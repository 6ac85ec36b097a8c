"""A measurement in a process of its own, which loads only the library that it measures."""

import contextlib
import dataclasses
import importlib
import os
import statistics
from dataclasses import dataclass

from nsnn.bench.environment import spread
from nsnn.errors import RunError, UserError
from nsnn.options import check, option
from nsnn.processes import Processes
from nsnn.text import plural

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """One training job, the same for nsnn and for its peers."""

    model: str = option("", "a key of `nsnn.models.MODELS`")
    width: float = option(1.0, "factor of all channels and hidden neurons", above=0)
    norm: str = option("batch", choices=("batch", "none"))
    density: float = option(1.0, "of all prunable weights; 1 is dense", above=0, at_most=1)
    distribution: str = option("erk", "of the density", choices=("erk", "er", "uniform"))
    storage: str = option("csr", "of sparse weights", choices=("csr", "auto", "dense"))
    batch: int = option(128, "B", at_least=1)
    time_steps: int = option(5, "T", at_least=1)
    threads: int = option(1, at_least=1)
    seed: int = option(0, "of weights, topology and data", at_least=0)

    def __post_init__(self):
        check(self, "bench")

    def __str__(self):
        return f"{self.model}, {self.weights()}, {plural(self.threads, 'thread')}"

    def weights(self) -> str:
        """Such as "dense" or "erk 0.05"."""
        return "dense" if self.density == 1 else f"{self.distribution} {self.density:g}"


def call(function: str, arguments: dict, library_threads: int = 1) -> dict:
    """Call a function, "module:name", in a fresh process.

    `arguments` are by keyword; `library_threads` those of BLAS and OpenMP in the child: 1 for nsnn,
    which divides its work itself. Raises the UserError or RunError of the function; RunError also
    when the process dies.
    """
    before = {**os.environ}
    os.environ |= dict.fromkeys(_THREAD_VARIABLES, str(library_threads))  # the child inherits them
    try:
        with Processes(1) as processes:
            return processes.submit(_answer, function, arguments).result()
    finally:
        os.environ.clear()
        os.environ |= before


def _answer(function: str, arguments: dict):
    """In the child: what the function returns; what libraries print goes nowhere."""
    module, name = function.split(":")
    try:
        with (
            open(os.devnull, "w", encoding="utf-8") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            return getattr(importlib.import_module(module), name)(**arguments)
    except (UserError, RunError):
        raise
    except MemoryError as error:
        raise RunError(f"not enough memory: {error}; lower --batch") from None
    except Exception as error:
        kind = type(error).__name__
        raise RunError(f"what measures {function} failed: {kind}: {error}") from None


def compare(kind: str, job: Job, repeats: int, against=None, first=None, **arguments) -> dict:
    """Measure a job, and the same job in a peer library, in fresh processes that alternate.

    `repeats` are the processes of each library, `arguments` those of `nsnn.bench.step.measure_step`
    or `measure_epoch`; `first` has more for nsnn's first process only, what need not be repeated.

    Returns "job"; "ours" and "theirs" as `summary`; "ratio": theirs / ours of "time" and of peak
    "memory", each a `spread` over the pairs: what slows the machine for a minute slows both.
    """
    given, peer, network = {"job": job, **arguments}, "measure_first_spikes", {}
    if against == "spikingjelly":
        from nsnn.bench.step import plan  # loads the engine: in this process only

        peer, network = f"measure_{kind}", plan(job)
    ours, theirs, once = [], [], first or {}
    for _ in range(repeats):
        ours.append(call(f"nsnn.bench.step:measure_{kind}", given | once))
        once = {}
        if against:
            function = f"nsnn.bench.peers:{peer}"
            theirs.append(call(function, given | network, library_threads=job.threads))
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
