"""Ours and theirs in turn."""

import pytest

from nsnn.bench import compare as module
from nsnn.bench import peers
from nsnn.bench.compare import compare, summary
from nsnn.bench.job import Job
from nsnn.bench.step import build_network
from nsnn.errors import UserError
from nsnn.layers import Residual, Sequential

JOB = Job(model="mlp", width=0.01, batch=2, time_steps=2, threads=2, density=0.5)


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

    monkeypatch.setattr(module.child, "call", call)
    return made


def test_processes_alternate(calls):
    compare("step", JOB, 3, "torch", steps=3)
    functions = [function for function, _, _ in calls]
    ours, theirs = "nsnn.bench.step:measure", "nsnn.bench.peer_training:measure_step"
    assert functions == [ours, theirs] * 3


def test_libraries_have_their_threads_and_nsnn_divides_its_own(calls):
    compare("step", JOB, 1, "torch", steps=3)
    assert [threads for _, _, threads in calls] == [1, 2]


def test_both_get_the_same_job(calls):
    compare("step", JOB, 1, "torch", steps=3)
    (_, ours, _), (_, theirs, _) = calls
    assert ours == {"job": theirs["job"], "steps": 3}
    assert theirs["library"] == "torch"
    assert theirs["plan"] == peers.plan(JOB)


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


# Plans


def test_a_plan_names_every_layer():
    plan = peers.plan(Job(model="sdsnn-mnist", density=0.1))
    kinds = ["conv", "norm", "lif", "average_pool"] * 2
    assert [item["kind"] for item in plan] == [
        *kinds, "flatten", "linear", "norm", "lif", "linear",
    ]  # fmt: skip
    assert [item["image"] for item in plan if item["kind"] == "norm"] == [True, True, False]
    assert plan[0]["geometry"] == (3, 3, 1, 1)


def test_a_plan_counts_active_weights():
    job = Job(model="sdsnn-mnist", density=0.1)
    network, _ = build_network(job)
    weights = [p for p in network.parameters() if p.prunable]
    active = [item["active"] for item in peers.plan(job) if "active" in item]
    assert active == [p.active if p.topology is not None else None for p in weights]
    assert active[0] is None  # ERK leaves the first convolution dense


def test_a_network_that_is_no_chain_has_no_plan():
    network, _ = build_network(JOB)
    network.body = Sequential([Residual(network.body)])
    with pytest.raises(UserError, match="one chain of layers"):
        peers.describe(network)


@pytest.mark.parametrize("library", list(peers.PEERS))
def test_an_absent_library_is_named(library, monkeypatch):
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=rf"{library} needs torch.*pip install 'nsnn\[peers\]'"):
        peers.require(library)
