"""Methods that start dense and prune between epochs resume bit for bit, in every phase."""

import json

import numpy as np
import pytest

from nsnn.errors import RunError
from nsnn.training import session
from nsnn.training.config_file import load_config
from nsnn.training.progress import Progress

# LTH: prunes before epochs 2, 3, 4 and 5 of 7. ADMM: epochs 1 and 2, prunes before epoch 4 of 7.
METHODS = {
    "lth": ["method.final_sparsity=0.6", "method.rewind_epochs=1"],
    "admm": ["method.final_sparsity=0.6", "method.update_every=4"],
}
STEPS = 15


@pytest.fixture(params=["lth", "admm"])
def phases(request, bare):
    """`--set` assignments of a run in phases."""
    return [*bare, "train.epochs=7", f"method.name={request.param}", *METHODS[request.param]]


@pytest.mark.parametrize("storage", ["csr", "dense"])
def test_interrupted_in_every_phase(phases, storage, train, content):
    phases = [*phases, f"model.storage={storage}"]
    whole = content(train(phases, name="whole"))
    # In the middle of every epoch, at its last step and at its first.
    for step in (3, 14, 15, 22, 29, 30, 37, 44, 45, 51, 59, 60, 67, 75, 90, 104):
        assert train(phases, step) is None
    assert content(train(phases)) == whole


def test_killed_just_after_a_prune(phases, train, tmp_path, content):
    """The epoch before is saved, the prune is not: it is made again, the same."""
    whole = content(train(phases, name="whole"))

    class Killing(Progress):
        def bar(self, epoch, done, batches):
            if epoch == last:
                raise KeyboardInterrupt
            return batches

    config, out = load_config(None, phases), tmp_path / "run"
    for last in range(1, 7):
        go, what = (session.start, (config, out)) if last == 1 else (session.resume, (out,))
        with pytest.raises(KeyboardInterrupt):
            go(*what, progress=Killing(7, STEPS))
    assert content(train(phases)) == whole


def test_the_storage_does_not_matter(phases, train):
    counts = set()
    for storage in ("csr", "dense", "auto"):
        folder = train([*phases, f"model.storage={storage}"], name=storage)
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["density"] == summary["density_asked"]
        assert summary["active_weights"] == sum(summary["asked"].values())
        assert summary["asked"] == {n: w["active"] for n, w in summary["layers"].items()}
        counts.add(summary["active_weights"])
    assert list(counts) == [pytest.approx(0.4 * summary["weights"], abs=2)]


def test_each_round_starts_from_the_snapshot(bare, tmp_path, no_plots, no_sync, monkeypatch):
    """In a real network: biases, norm parameters and running statistics of the snapshot."""
    config = load_config(None, [*bare, "train.epochs=7", "method.name=lth", *METHODS["lth"]])
    states = {}

    class Looking(Progress):
        def bar(self, epoch, done, batches):
            states[epoch] = run.network.state()
            yield from batches

    class Watched(session.Run):
        def __init__(self, *args):
            nonlocal run
            super().__init__(*args)
            run = self

    run = None
    monkeypatch.setattr(session, "Run", Watched)
    session.start(config, tmp_path / "run", progress=Looking(7, STEPS, bars=False))
    snapshot = states[1]
    moved = 0
    for epoch in (2, 3, 4, 5):
        now = states[epoch]
        assert not [key for key in now if "/slot." in key]
        for key, array in now.items():
            if key.endswith("/positions"):
                continue
            name = key.rpartition("/")[0]
            positions = now.get(f"{name}/positions", ...) if key.endswith("/data") else ...
            np.testing.assert_array_equal(array, snapshot[key][positions], err_msg=key)
            moved += key in states[0] and np.any(array != states[0][key][positions])
    assert {key for key in snapshot if "running" in key} != set()
    assert moved > 20  # the snapshot is not the start
    assert np.any(states[6]["norm1/running_mean"] != snapshot["norm1/running_mean"])


def test_a_cut_network_stops_the_run(bare, train):
    options = ["method.name=lth", "method.final_sparsity=0.997", "method.prune_fraction=0.9"]
    with pytest.raises(RunError, match=r"prune \d of 3 leaves \w+\.weight.* no signal passes"):
        train([*bare, "train.epochs=6", *options])
