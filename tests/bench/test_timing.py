"""Repeats, spreads, ratios, memory."""

import doctest

import pytest

from nsnn.bench import child, flops, kernels, timing


@pytest.mark.parametrize("module", [timing, flops, kernels])
def test_examples(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def test_repeat_does_not_count_the_first_call(monkeypatch):
    clock = iter([0.0, 2.0, 10.0, 13.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    calls = []
    assert timing.repeat(lambda: calls.append(1), 2) == [2.0, 3.0]
    assert len(calls) == 3


def test_repeat_goes_on_until_enough_time_is_measured(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    assert timing.repeat(lambda: None, 1, at_least=4.5) == [1.0] * 5


def test_ratio_is_taken_pair_by_pair():
    """The quotient of the medians would be 3."""
    assert timing.ratio([2.0, 60.0, 30.0], [1.0, 20.0, 10.0]) == {
        "median": 3.0, "low": 2.0, "high": 3.0,
    }  # fmt: skip
    assert timing.ratio([1.0, 2.0, 9.0], [2.0, 1.0, 1.0])["median"] == 2.0


def test_ratio_needs_pairs():
    with pytest.raises(ValueError, match="argument 2"):
        timing.ratio([1.0, 2.0], [1.0])


def test_peak_memory_of_a_child_is_its_own():
    held = bytearray(b"\1") * (300 << 20)
    own = timing.peak_memory()
    assert own > len(held)
    of_child = child.call("nsnn.bench.timing:peak_memory", {})
    assert 5 << 20 < of_child < own - (150 << 20)
