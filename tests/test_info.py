"""How much other programs use of the machine."""

import pytest

from nsnn.info import clocks, cores_of_others


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
