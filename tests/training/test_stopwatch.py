"""Laps of training, and what they add up to."""

import pytest

from nsnn import files
from nsnn.errors import RunError
from nsnn.methods import RunLength
from nsnn.training import stopwatch


def test_laps_add_up_by_epoch(tmp_path):
    # The second was stopped at the last step of the first epoch, the third closed that epoch.
    laps = [(7, 1.0, 2.0), (10, 0.5, 1.0), (10, 0.1, 0.1), (20, 3.0, 6.0)]
    lines = [{"step": s, "seconds": wall, "cpu_seconds": cpu} for s, wall, cpu in laps]
    lines[1]["bytes_process_peak"] = 30  # a process that was stopped
    lines[3]["bytes_process_peak"] = 20
    path = tmp_path / "timing.jsonl"
    for line in lines:
        files.append_line(path, line)
    found = stopwatch.add_up(path, RunLength(10, 2))
    assert found["epoch_seconds"] == [1.6, 3.0]
    assert found["seconds"] == pytest.approx(4.6)
    assert found["cpu_seconds"] == pytest.approx(9.1)
    assert found["bytes_process_peak"] == 30
    for damaged in ('{"step": 21, "seconds": 1.0, "cpu_seconds": 2.0}', '{"step": 3}', "[]"):
        path.write_text(damaged + "\n")
        with pytest.raises(RunError, match=r"timing.jsonl is damaged: mend it"):
            stopwatch.add_up(path, RunLength(10, 2))


@pytest.mark.parametrize(
    ("times", "repeats", "at_least", "seconds"),
    [((0.0, 2.0, 10.0, 13.0), 2, 0.0, [2.0, 3.0]), (range(100), 1, 4.5, [1.0] * 5)],
)
def test_repeat_lasts_and_leaves_out_the_first(monkeypatch, times, repeats, at_least, seconds):
    clock, calls = iter(times), []
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: next(clock))
    assert stopwatch.repeat(lambda: calls.append(1), repeats, at_least) == seconds
    assert len(calls) == 1 + len(seconds)
