"""The header of a report, other programs, repeats, spreads and ratios."""

import pytest

from nsnn import metrics
from nsnn.bench import child
from nsnn.bench import environment as module
from nsnn.bench.environment import clocks, cores_of_others, environment, header


def test_header_has_the_versions_of_the_peer(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(module.importlib.metadata, "version", lambda name: f"v-{name}")
    found = header("", environment([2], "spikingjelly"))
    assert "torch v-torch, spikingjelly v-spikingjelly" in found


@pytest.mark.parametrize(
    ("busy", "own", "cores"),
    [(7.0, 4.0, 0.75), (4.0, 5.0, 0.0), (0.0, 5.0, None)],  # ticks are coarse; 0: unknown
)
def test_cores_of_others_are_what_is_not_our_own(busy, own, cores):
    """Of the clock, of the processors at work, of this program and its children."""
    assert cores_of_others((10.0, 100.0, 5.0), (14.0, 100.0 + busy, 5.0 + own)) == cores


def test_clocks_count_our_own_work():
    before = clocks()
    while clocks()[2] - before[2] < 0.05:
        pass
    clock, busy, own = (now - then for now, then in zip(clocks(), before, strict=True))
    assert 0.04 < own <= clock + 0.02
    assert busy == 0 or busy > 0.02


def test_a_system_that_does_not_tell(monkeypatch):
    def refuse(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", refuse)
    assert cores_of_others(clocks(), clocks()) is None


def test_an_epoch_counts_its_own_batches_only(monkeypatch):
    monkeypatch.setattr(module.time, "perf_counter", lambda: float(len(trained)))
    trained = []
    found = module.epoch_timed(trained.append, "first", iter("abcde"))
    assert trained == ["first"] * 3 + list("abcde")
    assert found == {"seconds": {"epoch": [5.0]}, "steps": 5}


def test_peak_memory_of_a_child_is_its_own():
    held = bytearray(b"\1") * (300 << 20)
    own = metrics.peak_memory()
    assert own > len(held)
    of_child = child.call("nsnn.metrics:peak_memory", {})
    assert 5 << 20 < of_child < own - (150 << 20)
