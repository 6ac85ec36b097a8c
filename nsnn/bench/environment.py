"""The machine and the versions that a measurement was made with."""

import ctypes
import importlib.metadata
import os
import pathlib
import time

import numpy as np

from nsnn import info

PEER_PACKAGES = {
    "torch": ("torch",),
    "spikingjelly": ("spikingjelly", "torch"),
    "snntorch": ("snntorch", "torch"),
}


def environment(threads, against: str | None = None) -> dict:
    """What `nsnn info` knows, the BLAS core, and the versions of a peer.

    Parameters
    ----------
    threads : list of int
        That the measurement uses.
    against : str, optional
        A key of `PEER_PACKAGES`.
    """
    found = info.environment() | {"threads": list(threads), "blas core": blas_core()}
    for package in PEER_PACKAGES.get(against, ()):
        found[package] = importlib.metadata.version(package)
    return found


class Others:
    """How much of the processor other programs use from now on.

    On a machine that they use too, libraries whose threads wait for each other by spinning become
    slower by any factor: no ratio measured then means anything.
    """

    def __init__(self):
        self._start = self._clocks()

    def cores(self) -> float | None:
        """Cores that others used on average since the start; None where the system does not tell.

        Only processes that have ended count as this program's children.
        """
        clocks = [(now - then) for now, then in zip(self._clocks(), self._start, strict=True)]
        elapsed, busy, own = clocks
        return max(0.0, busy - own) / elapsed if busy and elapsed else None

    @staticmethod
    def _clocks() -> tuple[float, float, float]:
        """Seconds of the clock, of all processors at work, of this program and its children."""
        own = os.times()
        return time.monotonic(), _busy_seconds(), sum(own[:4])


def _busy_seconds() -> float:
    """Seconds that all processors together have worked, or were taken by a host; 0 if unknown."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            fields = file.readline().split()[1:]
    except OSError:  # not Linux
        return 0.0
    user, nice, system, _, _, interrupt, soft_interrupt, steal = map(int, fields[:8])
    ticks = user + nice + system + interrupt + soft_interrupt + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def blas_core() -> str:
    """The processor type that NumPy's BLAS chose its kernels for."""
    package = pathlib.Path(np.__file__).parent
    folders = (package.parent / "numpy.libs", package / ".dylibs")
    for library in (path for folder in folders for path in sorted(folder.glob("*openblas*"))):
        handle = ctypes.CDLL(str(library))
        for symbol in ("scipy_openblas_get_corename64_", "openblas_get_corename64_"):
            if hasattr(handle, symbol):
                name = getattr(handle, symbol)
                name.restype = ctypes.c_char_p
                return name().decode()
    return "unknown (NumPy does not bundle OpenBLAS here)"


def header_lines(found: dict) -> list[str]:
    """The environment as three lines above a report."""
    threads = ", ".join(map(str, found["threads"]))
    packages = ("nsnn", "python", "numpy", "numba", "torch", "spikingjelly", "snntorch")
    versions = [f"{name} {found[name]}" for name in packages if name in found]
    return [
        f"{found['processor']}, {found['cores']} cores, threads {threads}",
        ", ".join(versions),
        f"BLAS core {found['blas core']}, {found['blas']}",
    ]
