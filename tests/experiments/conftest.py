"""An experiment whose cells take a moment, and a way to train them without processes.

For tables and figures: an experiment, and finished cells of it that were never trained.
"""

import contextlib
import io
import shutil
import tomllib
from concurrent.futures import Executor, Future
from pathlib import Path

import pytest

from nsnn import parallel
from nsnn.errors import RunError, UserError
from nsnn.experiments import results, runner, spec
from nsnn.experiments.cells import cells

HEAD = """
[axes]
data = "data.name"
method = "method.name"
sparsity = "method.final_sparsity"

[table]
rows = ["data", "method"]
columns = ["sparsity"]

[figure]
x = "sparsity"
y = "test_accuracy"
series = ["method"]
panels = "data"
"""
TINY = f"""
title = "Tiny"
source = "nowhere"
{HEAD}
[[paper]]
labels = ["method"]
across.sparsity = [0.8, 0.5]
rows = [["ndsnn", 80.5, 91]]

[profiles.small]
seeds = [0]
note = "Noise."

[profiles.small.config]
data = {{ dir = 'DATA', batch = 10 }}
model = {{ name = "custom", layers = "4C3-AP2-12" }}
neuron = {{ time_steps = 2 }}
train = {{ epochs = 2 }}

[[profiles.small.when]]
method = "ndsnn"
config.method = {{ initial_sparsity = 0.3, update_every = 2 }}

[[profiles.small.grids]]
data = "arrays"
method = ["dense", "ndsnn"]
sparsity = [0.5, 0.8]
"""
COMPARISON = f"""
title = "A small comparison"
source = "NDSNN Table X"
{HEAD}
[[paper]]
labels = ["data", "method"]
across.sparsity = [0.90, 0.99]
rows = [["mnist", "ndsnn", 91.84, 88.1]]
note = "with another network"

[[paper]]
labels = ["data", "method"]
rows = [["mnist", "dense", 92.5]]

[profiles.small]
seeds = [0, 1]
note = "MNIST, a made-up copy."
config.train.epochs = 2
[[profiles.small.grids]]
data = "mnist"
method = ["dense", "lth", "ndsnn"]
sparsity = [0.90, 0.99]
"""
ENVIRONMENT = {
    "nsnn": "0.1.0", "numpy": "2.1.0", "numba": "0.60.0", "python": "3.11.8",
    "processor": "Abacus", "cores": 2, "threads": 1,
}  # fmt: skip


def changed(text, changes):
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="session")
def tiny_arrays(noisy_data):
    """60 images to train on, 30 to test."""
    return noisy_data(60, 30)


@pytest.fixture
def tiny_toml(tiny_arrays, tmp_path, monkeypatch):
    """`write(*(old, new), name="tiny")` makes a TOML file with changes; an empty current folder."""
    monkeypatch.chdir(tmp_path)

    def write(*changes, name="tiny"):
        path = tmp_path / f"{name}.toml"
        path.write_text(changed(TINY.replace("DATA", str(tiny_arrays)), changes))
        return path

    return write


@pytest.fixture
def tiny(tiny_toml):
    """The experiment TINY; the current folder is an empty one."""
    return spec.load(tiny_toml())


class InProcess(Executor):
    """Calls at once, in this process; `started` has the slugs of the cells that it was given."""

    def __init__(self):
        self.started = []

    def submit(self, function, /, options, folder, plugin_files):
        self.started.append(Path(folder).name)
        future = Future()
        try:
            future.set_result(function(options, folder, plugin_files))
        except (UserError, RunError) as error:
            future.set_exception(error)
        return future


@pytest.fixture(scope="session")
def trained_once(tiny_arrays, tmp_path_factory):
    """A folder in which TINY was reproduced: its runs, and its results in out."""
    folder, before = tmp_path_factory.mktemp("trained"), parallel.get_threads()
    (folder / "tiny.toml").write_text(TINY.replace("DATA", str(tiny_arrays)))
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        runner.reproduce(spec.load("tiny.toml"), "small", "out", executor=InProcess())
    parallel.set_threads(before)
    return folder


@pytest.fixture
def trained(trained_once, tiny):
    """The experiment TINY, whose cells are finished in the folder out."""
    shutil.copytree(trained_once, ".", dirs_exist_ok=True)
    return tiny


@pytest.fixture
def in_process():
    """An executor for `runner.reproduce` that starts no process."""
    return InProcess()


@pytest.fixture
def make_experiment():
    """`make(*(old, new))` returns the experiment COMPARISON with changes."""
    return lambda *of: spec.parse("x", tomllib.loads(changed(COMPARISON, of)), "x.toml")


@pytest.fixture
def experiment(make_experiment):
    return make_experiment()


@pytest.fixture
def make_record():
    """`make(experiment, seed, **labels, **values)`: the record that such a cell would leave."""

    def make(experiment, seed=0, profile="small", rates=(0.2, 0.2), densities=(1.0, 1.0), **values):
        labels = {key: values.pop(key) for key in [*values] if key in experiment.axes}
        found = cells(experiment, profile, seeds=[seed])
        cell = next(cell for cell in found if labels.items() <= cell.labels.items())
        config = results.essential(cell.config)
        return {
            "labels": cell.labels,
            "seed": seed,
            "config": config,
            "digest": results.digest(config),
            "data": config["data.name"],
            "data_fingerprint": "0a1b2c3d",
            "method": config["method.name"],
            "epochs": len(rates),
            "steps": 100 * len(rates),
            "test_accuracy": 0.9,
            "density": densities[-1],
            "density_asked": densities[-1],
            "spike_rate": rates[-1],
            "relative_cost": 1.0,  # of the run by itself: tables compute it anew
            "synaptic_operations_training": {"total": 1000, "static": 10},
            "bytes_held": 1 << 20,
            "bytes_held_peak": 3 << 20,
            "bytes_formula": 2.0 * (1 << 20),
            "seconds": 90.0,
            "cpu_seconds": 120.0,
            "per_epoch": {"spike_rate": [*rates], "mean_density": [*densities]},
            "environment": ENVIRONMENT,
            **values,
        }

    return make


@pytest.fixture
def records_of():
    """`records_of(experiment)`: a record, as short as can be, for each cell of its profile."""

    def short(cell):
        config = results.essential(cell.config)
        return {"labels": cell.labels, "seed": cell.seed, "config": config, "test_accuracy": 0.25}

    return lambda experiment: [short(cell) for cell in cells(experiment, "small")]


@pytest.fixture
def finish(tmp_path, monkeypatch):
    """`finish(experiment, records)` writes them as finished cells and returns the `out` folder.

    The current folder is an empty one, without committed results.
    """
    monkeypatch.chdir(tmp_path)

    def write(experiment, records, profile="small"):
        for record in records:
            results.append(tmp_path, experiment.id, profile, record)
        return tmp_path

    return write


@pytest.fixture
def comparable():
    """`comparable(out)`: what runs of TINY on two machines of a kind agree about, by digest."""
    times = ("seconds", "cpu_seconds", "bytes_process_peak", "environment")

    def read(out):
        found = {}
        for record in results.read_cells(out, "tiny", "small"):
            del record["per_epoch"]["seconds"]
            found[record["digest"]] = {k: v for k, v in record.items() if k not in times}
        return found

    return read
