"""What nsnn runs on: versions, processor, threads, caches, data sets found."""

import importlib.metadata
import os
import platform
from pathlib import Path

import nsnn
from nsnn import cachedir, parallel

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


def kernel_cache() -> str:
    """Where Numba keeps the compiled kernels: the first place where it can write."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    places = [Path(chosen)] if chosen else cachedir.usual_places()
    found = next(filter(cachedir.writable, places), None)
    return f"{found or 'none can be written'} (set NUMBA_CACHE_DIR to choose another)"


def report() -> str:
    """The text of `nsnn info`."""
    from nsnn.data import listing

    found = environment() | {"threads": f"{parallel.available_cores()} used by default"}
    found["kernel cache"] = kernel_cache()
    lines = [f"{name:<13} {value}" for name, value in found.items()]
    return "\n".join([*lines, "", "data sets", *(f"  {line}" for line in listing().splitlines())])
