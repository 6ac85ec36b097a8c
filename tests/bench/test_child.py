"""Measurements in processes of their own, ours and theirs in turn."""

import os

import pytest

from nsnn.bench import child
from nsnn.bench.child import Job, compare
from nsnn.bench.step import plan
from nsnn.errors import RunError, UserError

JOB = Job(model="mlp", width=0.01, batch=2, time_steps=2, threads=2, density=0.5)


def test_arguments_and_results_pass_to_another_process():
    assert child.call("builtins:dict", {"a": [1, 2.5], "b": None}) == {"a": [1, 2.5], "b": None}
    assert child.call("builtins:print", {"end": "not JSON"}) is None  # printed nowhere
    assert child.call("os:getpid", {}) != os.getpid()


def test_libraries_have_the_threads_that_they_are_given(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")  # of the parent: not to be inherited
    assert child.call("os:getenv", {"key": "OMP_NUM_THREADS"}) == "1"
    assert child.call("os:getenv", {"key": "OMP_NUM_THREADS"}, library_threads=2) == "2"


@pytest.mark.parametrize(("function", "arguments", "error", "message"), [
    ("nsnn.models:architecture", {"name": "resnet"}, UserError, "model.name = 'resnet'"),
    ("builtins:int", {"no_such": 1}, RunError,
     r"measures builtins:int failed: TypeError: .*no_such"),
    ("posix:abort", {}, RunError, "killed by signal 6"),
])  # fmt: skip
def test_what_goes_wrong_there_comes_back(function, arguments, error, message):
    with pytest.raises(error, match=message):
        child.call(function, arguments)


# Ours and theirs


@pytest.fixture
def calls(monkeypatch):
    """Answers 10 times slower from a peer; records what was called."""
    made = []

    def call(function, arguments, library_threads=1):
        made.append((function, arguments, library_threads))
        if "peer" in function:
            return {"seconds": {"step": [10.0, 20.0, 60.0]}, "memory": 600}
        seconds = {"step": [float(len(made)), 2.0, 100.0]}
        seconds |= {"rewire": [4.0]} if "rounds" in arguments else {}
        return {"seconds": seconds, "memory": 200 * len(made), "work": 0.1}

    monkeypatch.setattr(child, "call", call)
    return made


def test_both_get_the_same_job_in_processes_that_alternate(calls):
    """Libraries have their threads, nsnn divides its own; what need not be repeated is not."""
    compare("step", JOB, 2, "spikingjelly", first={"rounds": 4}, steps=3)
    ours = ("nsnn.bench.step:measure_step", {"job": JOB, "steps": 3}, 1)
    theirs = ("nsnn.bench.peers:measure_step", ours[1] | plan(JOB), 2)
    assert calls[1:] == [theirs, ours, theirs]
    assert calls[0] == (ours[0], ours[1] | {"rounds": 4}, 1)


def test_ratios_of_the_medians_of_each_pair(calls):
    found = compare("step", JOB, 2, "spikingjelly", first={"rounds": 4}, steps=3)
    # Ours: median of (1, 2, 100) and of (3, 2, 100).
    assert found["ratio"]["time"] == {"median": (10 + 20 / 3) / 2, "low": 20 / 3, "high": 10.0}
    assert found["ratio"]["memory"] == {"median": 2.0, "low": 1.0, "high": 3.0}
    assert found["ours"]["seconds"]["step"] == {"median": 2.5, "low": 1.0, "high": 100.0}
    assert found["ours"]["seconds"]["rewire"]["median"] == 4.0  # of the first process only
    assert (found["ours"]["work"], found["ours"]["memory"]["median"]) == (0.1, 400)
    assert found["theirs"]["memory"]["median"] == 600
    # Without a peer there is none.
    assert set(compare("epoch", JOB, 1, samples=4)) == {"job", "ours"}
