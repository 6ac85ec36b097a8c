"""Wall and processor time of training, and the memory of its processes."""

import math
import time
import warnings

from nsnn import metrics
from nsnn.files import json_object, lines_in
from nsnn.text import plural


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


def add_up(path, length) -> dict:
    """What the lines of `timing.jsonl` add up to, for `summary.json`.

    A line is a lap and the "step" at its end; those of older versions lack "bytes_process_peak".
    Of damaged ones a RuntimeWarning says how many are left out: seconds are no reason to lose a
    result.
    """
    found = [json_object(line) or {} for line in lines_in(path)]
    lines = [line for line in found if _is_lap(line, length)]
    if len(lines) < len(found):
        text = f"{path} has {plural(len(found) - len(lines), 'damaged line')}: times lack them"
        warnings.warn(text, RuntimeWarning, stacklevel=2)
    epochs = [0.0] * length.epochs
    for line in lines:
        epochs[(line["step"] - 1) // length.steps_per_epoch] += line["seconds"]
    return {
        "seconds": round(sum(epochs), 3),
        "cpu_seconds": round(sum(line["cpu_seconds"] for line in lines), 3),
        "epoch_seconds": [round(seconds, 3) for seconds in epochs],
        "bytes_process_peak": max((line.get("bytes_process_peak", 0) for line in lines), default=0),
    }


def _is_lap(line: dict, length) -> bool:
    """Whether a line can be added up: JSON may hold NaN and 1e999, and anything else."""
    numbers = [line.get(key) for key in ("step", "seconds", "cpu_seconds")]
    numbers.append(line.get("bytes_process_peak", 0))
    return (
        all(isinstance(number, int | float) and 0 <= number < math.inf for number in numbers)
        and isinstance(line["step"], int)
        and 1 <= line["step"] <= length.total_steps
    )
