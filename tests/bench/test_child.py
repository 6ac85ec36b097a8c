"""Measurements in processes of their own, ours and theirs in turn."""

import os
from dataclasses import replace

import pytest

from nsnn import metrics
from nsnn.bench import child
from nsnn.bench.child import Job, compare
from nsnn.bench.step import plan
from nsnn.errors import RunError, UserError

JOB = Job(model="mlp", width=0.01, batch=2, time_steps=2, threads=2, density=0.5)


def test_arguments_and_results_pass_to_another_process(capfd):
    assert child.call("builtins:dict", [("a", [1, 2.5]), ("b", None)]) == {"a": [1, 2.5], "b": None}
    assert child.call("builtins:print", "what a library prints") is None
    assert capfd.readouterr() == ("", "")
    assert child.call("os:getpid") != os.getpid()


@pytest.mark.parametrize(("function", "argument", "error", "message"), [
    ("nsnn.models:architecture", "resnet", UserError, "model.name = 'resnet'"),
    ("builtins:int", "x", RunError, "^ValueError: invalid literal"),
    ("os:_exit", 3, RunError, "exit code 3"),
])  # fmt: skip
def test_what_goes_wrong_there_comes_back(function, argument, error, message):
    with pytest.raises(error, match=message):
        child.call(function, argument)


def test_peak_memory_of_a_child_is_its_own():
    held = bytearray(b"\1") * (300 << 20)
    own = metrics.peak_memory()
    assert own > len(held)
    of_child = child.call("nsnn.metrics:peak_memory")
    assert 5 << 20 < of_child < own - (150 << 20)


# Ours and theirs


@pytest.fixture
def calls(monkeypatch):
    """Answers 10 times slower from a peer; records what was called."""
    made = []

    def call(function, job, *more):
        if function.endswith(":plan"):
            return plan(job)
        made.append((function, job, *more))
        if "peer" in function:
            return {"seconds": [10.0, 20.0, 60.0], "memory": 600}
        seconds = {kind: [float(len(made)), 2.0, 100.0] for kind in ("step", "epoch")}
        seconds |= {"rewire": [4.0]} if job.rounds else {}
        return {"seconds": seconds, "memory": 200 * len(made), "work": 0.1}

    monkeypatch.setattr(child, "call", call)
    return made


def test_both_get_the_same_job_in_processes_that_alternate(calls):
    """What need not be repeated is not."""
    first = replace(JOB, rounds=4, layers=True)
    compare("step", first, 2, "spikingjelly")
    theirs = ("nsnn.bench.peers:measure", first, *plan(JOB))
    assert calls[0] == ("nsnn.bench.step:measure_step", first)
    assert calls[1:] == [theirs, ("nsnn.bench.step:measure_step", JOB), theirs]


def test_ratios_of_the_medians_of_each_pair(calls):
    found = compare("step", replace(JOB, rounds=4), 2, "spikingjelly")
    # Ours: median of (1, 2, 100) and of (3, 2, 100).
    assert found["ratio"]["time"] == {"median": (10 + 20 / 3) / 2, "low": 20 / 3, "high": 10.0}
    assert found["ratio"]["memory"] == {"median": 2.0, "low": 1.0, "high": 3.0}
    assert found["ours"]["seconds"]["step"] == {"median": 2.5, "low": 1.0, "high": 100.0}
    assert found["ours"]["seconds"]["rewire"]["median"] == 4.0  # of the first process only
    assert (found["ours"]["work"], found["ours"]["memory"]["median"]) == (0.1, 400)
    assert found["theirs"]["memory"]["median"] == 600
    # An epoch there: 9 // 2 of its steps.
    found = compare("epoch", replace(JOB, samples=9), 1, "spikingjelly")
    assert found["theirs"]["seconds"]["epoch"] == {"median": 80.0, "low": 40.0, "high": 240.0}
    # Without a peer there is none.
    assert set(compare("epoch", JOB, 1)) == {"job", "ours"}
