"""How much work a cell is, against what is there and what training does."""

import numpy as np
import pytest

from nsnn.data import DATASETS, load
from nsnn.experiments import workload
from nsnn.training.checkpoint import load_topology
from nsnn.training.config_file import load_config
from nsnn.training.run import Run
from nsnn.training.run_folder import read_metrics
from nsnn.training.session import start


@pytest.fixture
def tiny(tiny_arrays):
    """A configuration of a run of 12 epochs of 30 steps, with changes."""

    def config(*changes):
        common = [
            "data.name=arrays", f"data.dir={tiny_arrays}", "data.batch=2", "model.name=custom",
            "model.layers=8", "model.norm=none", "neuron.time_steps=1", "train.epochs=12",
            "train.threads=1",
        ]  # fmt: skip
        return load_config(None, [*common, *changes])

    return config


def test_the_registry_tells_the_size(tiny):
    glyphs = load("glyphs")
    size = workload.data_size(load_config(None, ["data.name=glyphs"]))
    assert (size.shape, size.classes) == (glyphs.shape, glyphs.classes)
    assert (size.train, size.test) == (len(glyphs.train.labels), len(glyphs.test.labels))
    assert size.bytes == glyphs.train.images.nbytes + glyphs.test.images.nbytes
    own = workload.data_size(tiny("method.name=dense"))
    assert (own.shape, own.classes, own.train, own.test) == ((1, 6, 6), 3, 60, 30)


def test_every_set_with_a_size_tells_it_in_numbers():
    for name, entry in DATASETS.items():
        if name != "arrays":
            size = workload.data_size(load_config(None, [f"data.name={name}"]))
            assert len(size.shape) == 3, name
            assert size.classes == entry.classes > 1
            assert size.train > size.test > 0


def test_samples_of_a_run(tiny):
    config = tiny("method.name=dense", "data.batch=7", "data.validation=0.25")
    run = Run(config)
    trained = run.length.total_steps * 7
    predicted = 12 * len(run.data.validation.labels) + len(run.data.test.labels)
    size = workload.data_size(config)
    assert workload.passes(config, size) == pytest.approx(trained + predicted / 3)


@pytest.mark.parametrize(
    "options",
    [
        ("name=dense",),
        ("name=ndsnn", "initial_sparsity=0.4", "final_sparsity=0.9", "update_every=2"),
        ("name=set", "final_sparsity=0.8"),
        ("name=rigl", "final_sparsity=0.8"),
        ("name=lth", "final_sparsity=0.7", "prune_fraction=0.4", "rewind_epochs=0"),
        ("name=admm", "final_sparsity=0.75", "dense_fraction=0.25", "admm_fraction=0.25"),
    ],
    ids=lambda options: options[0],
)
def test_densities_are_those_of_training(tiny, options, tmp_path):
    config = tiny(*(f"method.{option}" for option in options))
    found = workload.densities(config)
    start(config, tmp_path / "run")
    lines = read_metrics(tmp_path / "run")
    measured = np.array([line["mean_density"] for line in lines])
    mean = found.dense_share + (1.0 - found.dense_share) * found.sparse_density
    assert mean == pytest.approx(measured.mean(), abs=0.02)
    assert found.dense_share == pytest.approx(np.mean(measured > 0.999), abs=1e-9)
    assert found.peak == pytest.approx(measured.max(), abs=0.1)


@pytest.mark.parametrize(
    "options",
    [
        ("name=ndsnn", "initial_sparsity=0.4", "final_sparsity=0.9", "update_every=2"),
        ("name=set", "final_sparsity=0.8"),
        ("name=rigl", "final_sparsity=0.8", "update_every=2"),
    ],
    ids=lambda options: options[0],
)
def test_the_log_is_at_most_as_large_as_said(tiny, options, tmp_path):
    config = tiny(*(f"method.{option}" for option in options))
    arrays = load_topology(start(config, tmp_path / "run") / "topology.npz").arrays()
    held = sum(arrays[name].size for name in ("initial", "dropped", "grown"))
    weights = sum(arrays["sizes"])
    said = workload.logged(config, workload.data_size(config)) * weights
    # Less: what a round drops and grows back is in neither list.
    assert 0.4 * said < held < 1.02 * said


def test_what_starts_dense_logs_little(tiny):
    config = tiny("method.name=dense")
    assert workload.logged(config, workload.data_size(config)) == 0.0


def test_an_unknown_method_counts_as_dense(tiny):
    class Config:
        class method:
            name = "mine"

    assert workload.densities(Config) == workload.densities(tiny("method.name=dense"))
