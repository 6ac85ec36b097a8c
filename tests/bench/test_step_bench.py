"""One training step, measured in this process."""

import json

import numpy as np
import pytest

from nsnn import metrics
from nsnn.bench import epoch, step
from nsnn.bench.job import Job
from nsnn.data import Batch
from nsnn.errors import UserError
from nsnn.layers import Residual, Sequential

SMALL = {"model": "vgg16", "width": 0.05, "batch": 2, "time_steps": 2}


@pytest.fixture(scope="module")
def sparse():
    return step.measure(SMALL | {"density": 0.2}, steps=2, rounds=2, layers=True)


def test_the_result_is_complete_and_can_be_written(sparse):
    assert json.loads(json.dumps(sparse, allow_nan=False)) == sparse
    assert set(sparse) == {"seconds", "memory", "density", "spike_rate", "work", "layers"}
    assert set(sparse["seconds"]) == {"forward", "backward", "update", "step", "rewire"}
    assert all(len(seconds) == 2 for seconds in sparse["seconds"].values())
    assert sparse["memory"] > 1 << 20
    assert 0 < sparse["spike_rate"] < 1


def test_a_step_is_the_sum_of_its_parts(sparse):
    s = sparse["seconds"]
    for i in range(2):
        parts = s["forward"][i] + s["backward"][i] + s["update"][i]
        assert s["step"][i] == pytest.approx(parts)


def test_density_and_work(sparse):
    """ERK keeps more of the first layers, which have the most pixels."""
    assert sparse["density"] == pytest.approx(0.2, rel=0.05)
    assert sparse["work"] > 0.2
    rows = [row for row in sparse["layers"] if "density" in row]
    assert len(rows) == 14
    useful, dense = (sum(row[key] for row in rows) for key in ("flops", "dense_flops"))
    assert sparse["work"] == useful / dense


def test_work_at_a_uniform_density_is_that_density():
    job = SMALL | {"width": 0.2, "density": 0.3, "distribution": "uniform"}
    assert step.measure(job, steps=1)["work"] == pytest.approx(0.3, rel=0.01)


def test_the_layers_of_the_network_are_all_there(sparse):
    network, _ = step.build_network(Job(**SMALL))
    names = [name for row in sparse["layers"] for name in row["name"].split("+")]
    assert names == [layer.name for layer in network.layers()]
    assert all(row["forward"] > 0 and row["backward"] > 0 for row in sparse["layers"])
    first, second = (row for row in sparse["layers"] if row["name"] in ("conv1", "conv2"))
    assert first["density"] == 1.0
    # The constant image has one time step, and nobody asks for its gradient: two products, each
    # of 3 -> 3 channels and 31 + 32 + 31 rows and columns, for 2 samples.
    assert first["dense_flops"] == 2 * 2 * (3 * 3) * (94 * 94) * 2
    assert second["backward_gflops"] > 0


def test_a_dense_network_has_nothing_to_rewire():
    result = step.measure(SMALL, steps=1, rounds=2)
    assert "rewire" not in result["seconds"]
    assert result["density"] == result["work"] == 1.0
    assert result["layers"] == []


def test_a_round_keeps_the_number_of_weights_and_moves_some():
    trainee = step.Trainee(Job(**SMALL, density=0.2))
    batch = Batch(*step.random_data(Job(**SMALL), 2))
    weights = next(p for p in trainee.network.parameters() if p.name == "conv9.weight")
    before, held = weights.positions(), metrics.density(trainee.network.parameters()).active
    trainee.round(batch, 100)
    after = weights.positions()
    assert metrics.density(trainee.network.parameters()).active == held
    moved = np.setdiff1d(after, before).size / after.size
    assert 0.1 < moved < 0.3  # d_t is a quarter in the middle of the run; some grow back


def test_growth_is_part_of_what_a_round_costs(monkeypatch):
    times = iter([{"decide": 9.0, "backward": 9.0, "rewire": 9.0}]
                 + [{"decide": 1.0, "backward": 5.0, "rewire": 2.0}] * 2)  # fmt: skip
    trainee = type("T", (), {"round": lambda self, batch, step: next(times)})()
    assert step._rewire(trainee, None, 2, backward=4.0) == [4.0, 4.0]


def test_nobody_calls_the_backward_of_what_precedes_all_weights():
    job = SMALL | {"model": "mlp"}
    flatten, linear, *_ = step.measure(job, steps=1, layers=True)["layers"]
    assert (flatten["name"], flatten["backward"]) == ("flatten", None)
    assert linear["backward"] > 0


def test_watching_layers_leaves_them_as_they_were():
    job = Job(**SMALL)
    trainee = step.Trainee(job)
    step.layer_table(trainee, Batch(*step.random_data(job, 2)), 1)
    for layer in (*trainee.network.body.parts, *trainee.network.layers()):
        assert "forward" not in vars(layer)
        assert "backward" not in vars(layer)


def test_blocks_are_timed_part_by_part():
    """So that every convolution has its line, and its work counts."""
    trainee = step.Trainee(Job(**SMALL))
    one, *rest = trainee.network.body.parts
    trainee.network.body = Sequential([one, Residual(Sequential(rest), Sequential([rest[0]]))])
    assert step._units(trainee.network.body) == [one, *rest, rest[0]]


def test_a_residual_network_is_measured_whole():
    job = SMALL | {"model": "resnet19", "density": 0.2}
    result = step.measure(job, steps=1, rounds=1, layers=True)
    rows = [row for row in result["layers"] if "density" in row]
    assert len(rows) == 22  # 17 convolutions, 3 shortcuts, 2 fully connected layers
    assert sum(row["name"].startswith("block4.shortcut.conv") for row in rows) == 1
    assert len(result["seconds"]["rewire"]) == 1


def test_the_watched_step_trains_as_the_plain_one():
    batch = Batch(*step.random_data(Job(**SMALL), 2))
    weights = []
    for watched in (True, False):
        trainee = step.Trainee(Job(**SMALL))
        if watched:
            step.layer_table(trainee, batch, 2)
        else:
            for _ in range(2):
                trainee.step(batch)
        weights.append([p.data.copy() for p in trainee.network.parameters()])
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_epoch_leaves_out_the_last_smaller_batch():
    job = {"model": "mlp", "width": 0.01, "norm": "none", "batch": 4, "time_steps": 2}
    result = epoch.measure(job, samples=11)
    assert result["steps"] == 2
    assert len(result["seconds"]["epoch"]) == 1
    assert set(result) == {"seconds", "steps", "memory", "density", "spike_rate"}
    assert json.dumps(result, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"density": 0.0}, "density 0"),
        ({"density": 1.5}, "density 1.5"),
        ({"batch": 0}, "--batch 0"),
        ({"time_steps": 0}, "--time-steps 0"),
        ({"width": 0.0}, "--width 0"),
    ],
)
def test_impossible_jobs(change, message):
    with pytest.raises(UserError, match=message):
        Job(**change)


def test_a_job_says_what_it_is():
    assert str(Job(density=0.05, threads=2)) == "vgg16, erk density 0.05, 2 threads"
    assert str(Job(model="mlp")) == "mlp, dense, 1 thread"
