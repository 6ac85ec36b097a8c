"""Calls in processes of their own: what one comes to is nothing to the others."""

import importlib
import os
import signal
from pathlib import Path

import pytest

from nsnn.errors import RunError, UserError
from nsnn.processes import Processes

PATIENCE = 60  # seconds


@pytest.fixture
def calls(monkeypatch):
    """The module `process_calls`, where new processes find it too."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("process_calls")


def test_results_and_errors_come_back_and_one_death_is_no_other_call_s(calls):
    with Processes(2) as processes:
        killed = processes.submit(calls.die, signal.SIGKILL)
        left = processes.submit(calls.leave, 3)
        refused = processes.submit(calls.refuse, "two\nlines")
        values = [processes.submit(calls.double, number) for number in (1, 2)]
        with pytest.raises(RunError, match=r"^killed by signal 9 \(out of memory\?\)$"):
            killed.result(PATIENCE)
        with pytest.raises(RunError, match="exit code 3"):
            left.result(PATIENCE)
        with pytest.raises(UserError, match="two\nlines"):
            refused.result(PATIENCE)
        found = [value.result(PATIENCE) for value in values]
    assert [value for value, _ in found] == [2, 4]
    assert len({os.getpid(), *(process for _, process in found)}) == 3


def test_who_is_asked_to_stop_may_save_and_who_comes_later_ends(calls, tmp_path, wait_for):
    with Processes(1) as processes:
        running = processes.submit(calls.sleep, tmp_path / "a")
        waiting = processes.submit(calls.sleep, tmp_path / "b")
        wait_for((tmp_path / "a").exists)
        processes.stop()
        assert running.result(PATIENCE) == ["saved"]
        assert waiting.result(PATIENCE) is None
    assert not (tmp_path / "b").exists()


def test_at_the_end_what_still_runs_is_killed(calls, tmp_path, wait_for):
    with Processes(1) as processes:
        running = processes.submit(calls.sleep, tmp_path / "a")
        wait_for((tmp_path / "a").exists)
    with pytest.raises(RunError, match="killed by signal 9"):
        running.result(0)


def test_ctrl_c_a_closed_terminal_and_signals_to_the_group_are_not_for_the_calls():
    with Processes(1) as processes:
        blocked = processes.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result(PATIENCE)
    assert {signal.SIGINT, signal.SIGHUP} <= blocked
    assert signal.SIGTERM not in blocked
    with Processes(1) as processes:
        group = processes.submit(os.getpgid, 0).result(PATIENCE)
    assert group != os.getpgid(0)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
