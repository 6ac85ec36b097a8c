"""What a measurement depends on: machine, versions, other programs; and how one is repeated."""

import importlib.metadata
import importlib.util
import os
import statistics
import time

from nsnn import info, parallel
from nsnn.bench import PEERS
from nsnn.errors import UserError


def environment(threads: list[int], against: str | None = None) -> dict:
    """What `nsnn info` knows, the BLAS core, the threads used, and the versions of a peer.

    Raises UserError when the peer, a key of `nsnn.bench.PEERS`, is not installed.
    """
    packages = PEERS.get(against, ())
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"--against {against} needs {' and '.join(missing)}, not installed here: "
            "pip install 'nsnn[peers]'"
        )
    versions = {name: importlib.metadata.version(name) for name in packages}
    found = {"threads": list(threads), "blas core": parallel.blas_core()}
    return info.environment() | found | versions


def header(title: str, found: dict) -> str:
    """Title and `environment` above a report."""
    threads = ", ".join(map(str, found["threads"]))
    packages = ("nsnn", "python", "numpy", "numba", "torch", "spikingjelly")
    versions = ", ".join(f"{name} {found[name]}" for name in packages if name in found)
    return (
        f"{title}\n"
        f"  {found['processor']}, {found['cores']} cores, threads {threads}\n"
        f"  {versions}\n"
        f"  BLAS core {found['blas core']}, {found['blas']}\n"
    )


def clocks() -> tuple[float, float, float]:
    """Seconds of the clock, of all processors at work (0 if unknown), of this program.

    Its children count once they have ended.
    """
    try:
        with open("/proc/stat", encoding="ascii") as file:
            fields = list(map(int, file.readline().split()[1:9]))
    except OSError:  # not Linux
        fields = [0] * 8
    busy = sum(fields) - fields[3] - fields[4]  # all but idle and waiting; stolen time counts
    return time.monotonic(), busy / os.sysconf("SC_CLK_TCK"), sum(os.times()[:4])


def cores_of_others(start, end) -> float | None:
    """Cores that other programs used on average between two `clocks`; None if unknown.

    Libraries whose threads wait for each other by spinning then become slower by any factor.
    """
    elapsed, busy, own = (now - then for then, now in zip(start, end, strict=True))
    return max(0.0, busy - own) / elapsed if busy and elapsed else None


def epoch_timed(step, first, batches) -> dict:
    """{"seconds": {"epoch": [one number]}, "steps": …} of `step(batch)` on each of `batches`.

    Three steps on the batch `first` come before, and are not counted.
    """
    for _ in range(3):
        step(first)
    start, steps = time.perf_counter(), 0
    for batch in batches:
        step(batch)
        steps += 1
    return {"seconds": {"epoch": [time.perf_counter() - start]}, "steps": steps}


def spread(values) -> dict[str, float]:
    """Median, least and greatest of some numbers, by the keys of the JSON files.

    Examples
    --------
    >>> spread([3.0, 1.0, 2.0])
    {'median': 2.0, 'low': 1.0, 'high': 3.0}
    """
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}
