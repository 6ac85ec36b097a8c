"""Wall and processor time of training, and the memory of its processes."""

import time

from nsnn import metrics
from nsnn.files import damaged, read_lines


class Stopwatch:
    """Measures an epoch in laps, each of which becomes a line of `timing.jsonl`."""

    def __init__(self):
        self._started = self._wall = time.monotonic()
        self._cpu = time.process_time()

    def total(self) -> float:
        """Seconds since the stopwatch was made."""
        return time.monotonic() - self._started

    def running(self) -> float:
        """Seconds of the present lap."""
        return time.monotonic() - self._wall

    def lap(self) -> dict:
        """End the lap: its seconds, those of all processor cores together, memory at its peak."""
        wall, cpu = time.monotonic(), time.process_time()
        lap = {"seconds": round(wall - self._wall, 3), "cpu_seconds": round(cpu - self._cpu, 3)}
        self._wall, self._cpu = wall, cpu
        return lap | {"bytes_process_peak": metrics.peak_memory()}


def repeat(function, repeats: int, at_least: float = 0.0) -> list[float]:
    """Seconds of each call, at least `repeats` of them and together at least so many seconds.

    A first call, which compiles and allocates buffers, is not counted.
    """
    function()
    seconds = []
    while len(seconds) < repeats or sum(seconds) < at_least:
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return seconds


def add_up(path, length) -> dict:
    """What the lines of `timing.jsonl` add up to, for `summary.json`; RunError where it is damaged.

    A line is a lap and the "step" at its end; those of older versions lack "bytes_process_peak".
    """
    laps, epochs = read_lines(path), [0.0] * length.epochs
    peaks = [lap.get("bytes_process_peak", 0) for lap in laps]
    try:
        for lap in laps:
            epochs[(lap["step"] - 1) // length.steps_per_epoch] += lap["seconds"]
        return {
            "seconds": round(sum(epochs), 3),
            "cpu_seconds": round(sum(lap["cpu_seconds"] for lap in laps), 3),
            "epoch_seconds": [round(seconds, 3) for seconds in epochs],
            "bytes_process_peak": max(peaks, default=0),
        }
    except (LookupError, TypeError):
        raise damaged(path) from None
