"""How much other programs use of the machine."""

import io
import os

import pytest

from nsnn.info import seconds_of_others


def test_all_work_but_our_own_counts_and_no_waiting(monkeypatch):
    """In ticks: user, nice, system, idle, waiting for a disk, interrupts (two kinds), stolen."""
    ticks = [1, 2, 4, 1000, 2000, 8, 16, 32]
    line = " ".join(str(each * os.sysconf("SC_CLK_TCK")) for each in ticks)
    monkeypatch.setattr("builtins.open", lambda *_, **__: io.StringIO(f"cpu  {line} 64 128\n"))
    monkeypatch.setattr(os, "times", lambda: (0.5, 0.25, 0.125, 0.0625, 1e6))
    assert seconds_of_others() == pytest.approx(63 - 0.9375)


def test_a_system_that_does_not_tell(monkeypatch):
    def refuse(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", refuse)
    assert seconds_of_others() is None
