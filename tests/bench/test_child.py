"""Measurements in processes of their own, ours and theirs in turn."""

import os

import pytest

from nsnn.bench import child
from nsnn.bench.child import Job, compare, summary
from nsnn.bench.step import plan
from nsnn.errors import RunError, UserError

JOB = Job(model="mlp", width=0.01, batch=2, time_steps=2, threads=2, density=0.5)


def test_arguments_and_results_pass():
    assert child.call("builtins:dict", {"a": [1, 2.5], "b": None}) == {"a": [1, 2.5], "b": None}


def test_what_is_printed_is_no_answer():
    assert child.call("builtins:print", {"end": "not JSON"}) is None


def test_it_is_another_process():
    assert child.call("os:getpid", {}) != os.getpid()


def test_library_threads_and_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")  # of the parent: not to be inherited
    assert child.call("os:getenv", {"key": "OMP_NUM_THREADS"}) == "1"
    assert child.call("os:getenv", {"key": "OMP_NUM_THREADS"}, library_threads=2) == "2"
    given = {"NSNN_TEST": "here"}
    assert child.call("os:getenv", {"key": "NSNN_TEST"}, environment=given) == "here"


def test_a_mistake_of_the_user_comes_back():
    job = {"model": "mlp", "density": 0.0}
    with pytest.raises(UserError, match=r"density = 0\.0: must be above 0"):
        child.call("nsnn.bench.step:measure", {"job": job, "steps": 1})


def test_a_crash_says_why():
    with pytest.raises(RunError, match=r"measures builtins:int failed: TypeError: .*no_such"):
        child.call("builtins:int", {"no_such": 1})


def test_a_killed_process_is_named():
    with pytest.raises(RunError, match="was ended by SIGABRT"):
        child.call("posix:abort", {})


# Ours and theirs


def run(seconds, memory, **more):
    return {"seconds": {"step": seconds}, "memory": memory, **more}


@pytest.fixture
def calls(monkeypatch):
    """Answers 10 times slower from a peer; records what was called."""
    made = []

    def call(function, arguments, library_threads=1):
        made.append((function, arguments, library_threads))
        if "peer" in function:
            return run([10.0, 20.0, 60.0], 600)
        return run([float(len(made)), 2.0, 100.0], 200)

    monkeypatch.setattr(child, "call", call)
    return made


def test_processes_alternate(calls):
    compare("step", JOB, 3, "torch", steps=3)
    functions = [function for function, _, _ in calls]
    ours, theirs = "nsnn.bench.step:measure", "nsnn.bench.peers:measure_step"
    assert functions == [ours, theirs] * 3


def test_libraries_have_their_threads_and_nsnn_divides_its_own(calls):
    compare("step", JOB, 1, "torch", steps=3)
    assert [threads for _, _, threads in calls] == [1, 2]


def test_both_get_the_same_job(calls):
    compare("step", JOB, 1, "torch", steps=3)
    (_, ours, _), (_, theirs, _) = calls
    assert ours == {"job": theirs["job"], "steps": 3}
    assert theirs == ours | {"library": "torch"} | plan(JOB)


def test_what_need_not_be_repeated_is_not(calls):
    compare("step", JOB, 2, first={"rounds": 4}, steps=1)
    assert [arguments.get("rounds") for _, arguments, _ in calls] == [4, None]


def test_ratios_of_the_medians_of_each_pair(calls):
    found = compare("step", JOB, 2, "torch", steps=3)
    # Ours: median of (1, 2, 100) and of (3, 2, 100).
    assert found["ratio"]["time"] == {"median": (10 + 20 / 3) / 2, "low": 20 / 3, "high": 10.0}
    assert found["ratio"]["memory"] == {"median": 3.0, "low": 3.0, "high": 3.0}
    assert found["ours"]["seconds"]["step"] == {"median": 2.5, "low": 1.0, "high": 100.0}
    assert found["theirs"]["memory"]["median"] == 600


def test_without_a_peer_there_is_no_ratio(calls):
    assert set(compare("epoch", JOB, 1, samples=4)) == {"job", "ours"}


def test_summary_takes_all_steps_of_all_processes():
    runs = [run([1.0, 2.0], 5, work=0.1), run([3.0], 7, work=0.1)]
    runs[0]["seconds"]["rewire"] = [4.0]  # of the first process only
    found = summary(runs)
    assert found["seconds"]["step"] == {"median": 2.0, "low": 1.0, "high": 3.0}
    assert found["seconds"]["rewire"]["median"] == 4.0
    assert found["memory"]["median"] == 6
    assert found["work"] == 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"density": 0.0}, "density = 0.0"),
        ({"density": 1.5}, "density = 1.5"),
        ({"batch": 0}, "batch = 0: must be at least 1"),
        ({"time_steps": 0}, "time_steps = 0"),
        ({"width": 0.0}, "width = 0.0"),
        ({"storage": "paper"}, "storage = 'paper'"),
    ],
)
def test_impossible_jobs(change, message):
    with pytest.raises(UserError, match=message):
        Job(**change)


def test_a_job_says_what_it_is():
    assert str(Job("vgg16", density=0.05, threads=2)) == "vgg16, erk 0.05, 2 threads"
    assert str(Job("mlp")) == "mlp, dense, 1 thread"
