"""Repeating a measurement, and what a few numbers say together."""

import statistics
import time

from nsnn import metrics


def repeat(function, repeats: int, at_least: float = 0.0) -> list[float]:
    """Seconds of each call of `function`, after one call that is not counted.

    Parameters
    ----------
    function : callable
        Without arguments. Its first call compiles, and allocates buffers.
    repeats : int
        Smallest number of counted calls.
    at_least : float
        Go on until the counted calls took this many seconds: short ones need more of them.
    """
    function()
    seconds = []
    while len(seconds) < repeats or sum(seconds) < at_least:
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return seconds


def spread(values) -> dict[str, float]:
    """Median, least and greatest of some numbers, by the keys of the JSON files.

    Examples
    --------
    >>> spread([3.0, 1.0, 2.0])
    {'median': 2.0, 'low': 1.0, 'high': 3.0}
    """
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def ratio(numerators, denominators) -> dict[str, float]:
    """Spread of the ratios of pairs that were measured one after the other.

    What slows the machine for a minute slows both of a pair, so ratios spread less than times.

    Examples
    --------
    >>> ratio([4.0, 9.0, 6.0], [2.0, 3.0, 2.0])
    {'median': 3.0, 'low': 2.0, 'high': 3.0}
    """
    return spread([a / b for a, b in zip(numerators, denominators, strict=True)])


def peak_memory() -> int:
    """The most memory that this program has held so far, in bytes."""
    try:
        # Not `getrusage`: on Linux its peak outlives exec, so that a child starts with its
        # parent's.
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:  # not Linux
        pass
    return metrics.peak_memory()
