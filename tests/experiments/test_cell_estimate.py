"""Hours and memory of cells, measured or known."""

import pytest

from nsnn.experiments import estimate, expand
from nsnn.experiments.estimate import Estimator
from nsnn.training.config_file import load_config


def config(tiny_arrays, *changes):
    common = [
        "data.name=arrays", f"data.dir={tiny_arrays}", "data.batch=10", "model.name=custom",
        "model.layers=16C3-16C3-12", "neuron.time_steps=2", "train.epochs=2",
    ]  # fmt: skip
    return load_config(None, [*common, *changes])


@pytest.fixture
def counted(monkeypatch):
    """Steps take no time but 1 s per sample, times the density; returns the calls."""
    calls = []

    def step(network, config, size, batch):
        weights = [p for p in network.parameters() if p.prunable]
        density = sum(p.active for p in weights) / sum(p.size for p in weights)
        calls.append(batch)
        network.loss_and_backward(estimate.random_batch(size, batch))
        return batch * density

    monkeypatch.setattr(estimate, "_step", step)
    return calls


def test_time_is_samples_times_density(tiny_arrays, counted):
    estimator = Estimator([], threads=1)
    dense = estimator.estimate(config(tiny_arrays, "method.name=dense"))
    assert dense.seconds == pytest.approx(2 * 60 + 30 / 3)
    rigl = config(tiny_arrays, "method.name=rigl", "method.final_sparsity=0.9")
    assert estimator.estimate(rigl).seconds == pytest.approx(0.1 * dense.seconds, rel=0.05)
    masked = config(tiny_arrays, "method.name=rigl", "model.storage=dense")
    assert estimator.estimate(masked).seconds == pytest.approx(dense.seconds)
    assert len(counted) == 3  # the network was measured once: dense, and at two densities
    longer = config(tiny_arrays, "method.name=dense", "train.epochs=4")
    assert estimator.estimate(longer).seconds == pytest.approx(4 * 60 + 30 / 3)
    assert len(counted) == 3
    estimator.estimate(config(tiny_arrays, "method.name=dense", "neuron.time_steps=3"))
    assert len(counted) == 6


def test_memory_grows_with_batch_and_weights(tiny_arrays, counted):
    estimator = Estimator([], threads=1)

    def size(*changes):
        return estimator.estimate(config(tiny_arrays, *changes)).bytes

    dense = size("method.name=dense")
    sparse = size("method.name=set", "method.final_sparsity=0.99")
    weights = 16 * 9 + 16 * 16 * 9 + 16 * 36 * 12 + 12 * 3
    log = 0.01 + 2 * 0.3 * 0.01  # the start, and the one round of two epochs
    assert dense - sparse == pytest.approx((12 - 24 * 0.01 - 8 * log) * weights, abs=100)
    assert size("method.name=lth") - dense == 4 * weights
    assert size("method.name=admm") - dense == 8 * weights
    assert size("method.name=dense", "data.batch=40") > dense


def test_a_finished_cell_with_another_seed_tells_its_own_time(tiny_arrays, counted):
    options = expand.options(config(tiny_arrays, "train.seed=3"))
    record = {"config": options, "seconds": 77.0, "bytes_process_peak": 88}
    estimator = Estimator([record], threads=1)
    assert estimator.estimate(config(tiny_arrays)) == estimate.CellEstimate(77.0, 88)
    assert counted == []
    assert estimator.estimate(config(tiny_arrays, "optim.lr=0.2")).seconds != 77.0


def test_a_real_measurement(tiny_arrays):
    found = Estimator([], threads=1).estimate(config(tiny_arrays))
    assert 0 < found.seconds < 60
    assert found.bytes > 1 << 20
