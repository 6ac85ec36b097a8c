"""Hours and memory of cells before they are trained: measured, or known from another seed."""

from pathlib import Path

import pytest

from nsnn.data import DATASETS, load
from nsnn.experiments import estimate, results
from nsnn.experiments.cells import Cell
from nsnn.experiments.estimate import CellEstimate, DataSize, Measured, cell_estimate
from nsnn.methods import METHODS
from nsnn.training.config_file import load_config
from nsnn.training.run import Run

SIZE = DataSize((1, 6, 6), 3, 60, 30)
# One second a sample of the dense network, and in proportion to the density of sparse ones.
MEASURED = Measured({1.0: 1.0, 0.2: 0.2, 0.05: 0.05}, 100.0, 1000)


@pytest.fixture
def config(tiny_arrays):
    def load(*changes):
        common = [
            "data.name=arrays", f"data.dir={tiny_arrays}", "data.batch=10", "model.name=custom",
            "model.layers=16C3-16C3-12", "neuron.time_steps=2", "train.epochs=2",
        ]  # fmt: skip
        return load_config(None, [*common, *changes])

    return load


def cells(*configs):
    """One that is to be trained for each configuration, called by its number."""
    return [Cell({}, 0, each, Path(str(i)), "missing") for i, each in enumerate(configs)]


def test_time_is_samples_times_density(config):
    def seconds(*changes):
        return cell_estimate(config(*changes), SIZE, MEASURED).seconds

    dense = seconds("method.name=dense")
    assert dense == pytest.approx(2 * 60 + 30 / 3)  # predicted: a third
    assert seconds("method.name=rigl", "method.final_sparsity=0.9") == pytest.approx(0.1 * dense)
    nearly_none = seconds("method.name=rigl", "method.final_sparsity=0.999")
    assert nearly_none == pytest.approx(0.05 * dense)  # what 5 % takes: neurons stay
    assert seconds("method.name=dense", "data.samples=30") == pytest.approx(dense / 2, rel=0.1)


@pytest.mark.parametrize("name", METHODS)
def test_what_training_will_refuse_can_be_estimated(config, name):
    for words in (["data.batch=100"], ["train.epochs=1"], ["data.batch=60", "train.epochs=1"]):
        found = cell_estimate(config(*words, f"method.name={name}"), SIZE, MEASURED)
        assert 0 < found.seconds < 1000


def test_memory_grows_with_batch_and_weights(config):
    def size(*changes):
        return cell_estimate(config(*changes), SIZE, MEASURED).bytes

    dense, weights = size("method.name=dense"), 1000
    log = 0.01 + 2 * 0.3 * 0.01  # the start, and the one round of two epochs
    sparse = size("method.name=set", "method.final_sparsity=0.99")
    assert dense - sparse == pytest.approx((12 - 24 * 0.01 - 8 * log) * weights, abs=1)
    pruned = 8 * 1.95 * weights  # in the log: all positions, and those that a prune takes
    assert size("method.name=lth") - dense == pytest.approx(4 * weights + pruned, abs=1)
    assert size("method.name=dense", "data.batch=40") == dense + 30 * 100


def test_each_network_is_measured_once(config, monkeypatch):
    measured = []
    monkeypatch.setattr(estimate, "measure", lambda *of: measured.append(of) or MEASURED)
    configs = [
        config(), config("method.name=dense"), config("train.epochs=4"), config("train.seed=1"),
        config("neuron.time_steps=3"),
    ]  # fmt: skip
    found = estimate.estimate(cells(*configs), [], threads=1)
    assert list(found) == ["0", "1", "2", "3", "4"]
    assert [of[0] for of in measured] == [configs[0], configs[4]]


def test_a_finished_cell_with_another_seed_tells_its_own_time_others_are_measured(config):
    options = results.essential(config("train.seed=3"))
    record = {"config": options, "seconds": 77.0, "bytes_process_peak": 88}
    bad = config("model.layers=4C3-AP9-12"), config("data.dir=nowhere", "optim.lr=0.3")
    found = estimate.estimate(cells(config(), config("optim.lr=0.2"), *bad), [record], threads=1)
    assert found["0"] == CellEstimate(77.0, 88)
    assert 0 < found["1"].seconds < 60
    assert found["1"].bytes > 1 << 20
    assert found.keys() == {"0", "1"}  # what cannot be made has no time


@pytest.mark.parametrize("name", DATASETS)
def test_sizes_are_those_of_the_data(config, name):
    changed = config(f"data.name={name}", "neuron.time_steps=7")
    size = estimate.data_size(changed)
    assert len(size.shape) == 3 + DATASETS[name].events
    assert size.shape[0] == 7 or not DATASETS[name].events
    if name in ("glyphs", "arrays"):
        data = load(name, changed.data.dir if name == "arrays" else None)
        assert size == (data.shape, data.classes, len(data.train), len(data.test))


def test_as_many_steps_are_planned_as_training_makes(config):
    words = ["data.batch=7", "data.validation=0.25", "train.epochs=3"]
    changed = config("method.name=dense", *words)
    run = Run(changed)
    trained = run.length.total_steps * 7
    predicted = 3 * len(run.data.validation.labels) + len(run.data.test.labels)
    found = cell_estimate(changed, SIZE, MEASURED)
    assert found.seconds == pytest.approx(trained + predicted / 3)
