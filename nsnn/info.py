"""What nsnn runs on: versions, processor, threads, other programs."""

import importlib.metadata
import os
import platform
import time
from pathlib import Path

import nsnn
from nsnn import parallel

PACKAGES = ("numpy", "numba", "matplotlib", "tqdm")


def environment() -> dict:
    """What a run's results may depend on, for `environment.json`."""
    return {
        "nsnn": nsnn.__version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "system": platform.platform(),
        "processor": processor(),
        "cores": parallel.available_cores(),
        "threads": parallel.get_threads(),
        "blas": parallel.single_threaded_blas(),
    }


def processor() -> str:
    """The processor's model name, or the architecture where the system does not tell."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


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
