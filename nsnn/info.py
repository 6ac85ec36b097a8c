"""What nsnn runs on: versions, processor, threads, other programs."""

import importlib.metadata
import os
import platform
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
        "blas core": parallel.blas_core(),
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


def seconds_of_others() -> float | None:
    """Processor time that other programs have used since the machine began; None if unknown.

    That of this program's children counts as theirs until they have ended.
    """
    try:
        with open("/proc/stat", encoding="ascii") as file:
            fields = list(map(int, file.readline().split()[1:9]))
    except OSError:  # not Linux
        return None
    busy = sum(fields) - fields[3] - fields[4]  # all but idle and waiting; stolen time counts
    return busy / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])
