"""One training step, measured in this process."""

from dataclasses import replace

import numpy as np
import pytest

from nsnn import metrics
from nsnn.bench import step
from nsnn.bench.child import Job
from nsnn.data import Batch
from nsnn.errors import UserError
from nsnn.models import MODELS, network_class

SMALL = Job("vgg16", width=0.05, batch=2, time_steps=2)


def one_batch():
    data = step.random_data(SMALL, 2)
    return Batch(data.images, data.labels)


@pytest.fixture(scope="module")
def sparse():
    return step.measure_step(replace(SMALL, density=0.2, steps=2, rounds=2, layers=True))


def test_the_result_is_complete(sparse):
    assert set(sparse) == {"seconds", "memory", "work", "layers"}
    assert set(sparse["seconds"]) == {"forward", "backward", "update", "step", "rewire"}
    assert all(len(seconds) == 2 for seconds in sparse["seconds"].values())
    assert sparse["memory"] > 1 << 20
    parts = [sparse["seconds"][part] for part in ("forward", "backward", "update")]
    np.testing.assert_allclose(sparse["seconds"]["step"], np.sum(parts, axis=0))


def test_density_and_work(sparse):
    """ERK keeps more of the first layers, which have the most pixels."""
    trainee = step.Trainee(replace(SMALL, density=0.2))
    density = metrics.density(trainee.network.parameters()).density
    assert density == pytest.approx(0.2, rel=0.05)
    assert sparse["work"] > 0.2
    assert sum("density" in row for row in sparse["layers"]) == 14


def test_work_at_a_uniform_density_is_that_density():
    job = replace(SMALL, width=0.2, density=0.3, distribution="uniform", steps=1)
    assert step.measure_step(job)["work"] == pytest.approx(0.3, rel=0.01)


def test_the_layers_of_the_network_are_all_there(sparse):
    network = step.Trainee(SMALL).network
    names = [name for row in sparse["layers"] for name in row["name"].split("+")]
    assert names == [layer.name for layer in network.layers()]
    assert all(row["forward"] > 0 and row["backward"] > 0 for row in sparse["layers"])
    first, second = (row for row in sparse["layers"] if row["name"] in ("conv1", "conv2"))
    assert first["density"] == 1.0
    # The constant image has one time step, and nobody asks for its gradient: one product, of
    # 3 -> 3 channels and 31 + 32 + 31 rows and columns, for 2 samples; of conv2 two products.
    assert first["backward_operations"] == 2 * (3 * 3) * (94 * 94) * 2
    assert second["backward_operations"] == 2 * second["forward_operations"]


STEPPED = [name for name in MODELS if name != "custom" and network_class(name).has_neurons]


@pytest.mark.parametrize("name", STEPPED)
def test_every_model_takes_its_usual_input(name):
    job = Job(name, width=0.02, batch=2, time_steps=1, steps=1, rounds=1)
    result = step.measure_step(job)
    assert (result["work"], result["layers"]) == (1.0, [])
    assert "rewire" not in result["seconds"]  # dense: there is nothing to


def test_a_round_keeps_the_number_of_weights_and_moves_some():
    trainee = step.Trainee(replace(SMALL, density=0.2))
    batch = one_batch()
    weights = next(p for p in trainee.network.parameters() if p.name == "conv9.weight")
    before, held = weights.positions(), metrics.density(trainee.network.parameters()).active
    trainee.train(batch, 100)
    after = weights.positions()
    assert metrics.density(trainee.network.parameters()).active == held
    moved = np.setdiff1d(after, before).size / after.size
    assert 0.1 < moved < 0.3  # d_t is a quarter in the middle of the run; some grow back


def test_a_round_costs_what_it_takes_beyond_forward_and_backward(monkeypatch):
    """Steps of 8 s, of which 4 are the backward and 0.5 the update; rounds of 12 s."""

    def timed(function, repeats):
        function()
        return [12.0 if clocks else 8.0] * repeats

    def watched(thing, name):
        return [9.0, *([4.0] * 3 if name == "backward" else [0.5] * 3)]

    clocks = []
    monkeypatch.setattr(step, "watched", watched)
    monkeypatch.setattr(step, "repeat", timed)
    monkeypatch.setattr(step, "product_flops", lambda *_: clocks.append(1) or 1)
    job = Job("mlp", width=0.01, density=0.5, batch=2, time_steps=2, steps=3, rounds=2)
    assert step.measure_step(job)["seconds"] == {
        "step": [8.0] * 3, "forward": [3.5] * 3, "backward": [4.0] * 3, "update": [0.5] * 3,
        "rewire": [4.5] * 2,
    }  # fmt: skip


def test_nobody_calls_the_backward_of_what_precedes_all_weights():
    job = replace(SMALL, model="mlp", steps=1, layers=True)
    flatten, linear, *_ = step.measure_step(job)["layers"]
    assert (flatten["name"], flatten["backward"]) == ("flatten", None)
    assert linear["backward"] > 0


def test_a_residual_network_is_measured_whole_and_part_by_part():
    job = replace(SMALL, model="resnet19", density=0.2, steps=1, rounds=1, layers=True)
    result = step.measure_step(job)
    rows = [row for row in result["layers"] if "density" in row]
    assert len(rows) == 22  # 17 convolutions, 3 shortcuts, 2 fully connected layers
    assert sum(row["name"].startswith("block4.shortcut.conv") for row in rows) == 1
    assert len(result["seconds"]["rewire"]) == 1


def test_thewatched_step_trains_as_the_plain_one():
    batch, watched, plain = one_batch(), step.Trainee(SMALL), step.Trainee(SMALL)
    step.layer_table(watched, batch, 2)
    for layer in (*watched.network.body.parts, *watched.network.layers()):
        assert not {"forward", "backward"} & set(vars(layer))  # as they were
    for _ in range(2):
        plain.train(batch)
    pairs = zip(watched.network.parameters(), plain.network.parameters(), strict=True)
    for p, q in pairs:
        np.testing.assert_array_equal(p.data, q.data)


# Plans for peers


def test_a_plan_names_every_layer_and_counts_active_weights():
    job = Job("sdsnn-mnist", density=0.1)
    layers, _ = step.plan(job)
    kinds = ["Conv2d", "BatchNorm", "LIF", "AvgPool2d"] * 2
    assert [item["kind"] for item in layers] == [
        *kinds, "Flatten", "Linear", "BatchNorm", "LIF", "Integrator",
    ]  # fmt: skip
    weights = [p for p in step.Trainee(job).network.parameters() if p.prunable]
    active = [item["active"] for item in layers if "active" in item]
    assert active == [p.active if p.active < p.size else None for p in weights]
    assert active[0] is None  # ERK leaves the first convolution dense
    assert active[1] < weights[1].size


def test_a_network_that_is_no_chain_has_no_plan():
    with pytest.raises(UserError, match=r"--against: \S+ has no counterpart"):
        step.plan(Job("resnet19", width=0.02))
