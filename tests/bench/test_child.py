"""Measurements in processes of their own."""

import os

import pytest

from nsnn.bench import child
from nsnn.errors import RunError, UserError


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
    job = {"density": 0.0}
    with pytest.raises(UserError, match="density 0: use a number above 0"):
        child.call("nsnn.bench.step:measure", {"job": job, "steps": 1})


def test_a_crash_says_why():
    with pytest.raises(RunError, match=r"measures builtins:int failed: TypeError: .*no_such"):
        child.call("builtins:int", {"no_such": 1})


def test_a_killed_process_is_named():
    with pytest.raises(RunError, match="was ended by SIGABRT"):
        child.call("posix:abort", {})
