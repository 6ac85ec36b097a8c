"""NDSNN: the start, forced rounds, mistakes; every round: test_ndsnn_oracle.py."""

import pathlib
import runpy

import numpy as np
import pytest

from nsnn.errors import RunError, UserError
from nsnn.methods import METHODS, RunLength

RANDOM_PRUNING = pathlib.Path(__file__).parents[2] / "tutorials" / "random_pruning.py"


@pytest.mark.parametrize("distribution", ["erk", "er", "uniform"])
@pytest.mark.parametrize("sparsity", [0.0, 0.5])
def test_the_start(bench, distribution, sparsity):
    run = bench("ndsnn", distribution=distribution, initial_sparsity=sparsity)
    final = run.asked(distribution, 0.9)
    assert run.active() == run.asked(distribution, sparsity)
    assert run.method.targets() == final
    for name, p in run.network.prunable().items():
        assert (p.topology is None) == (final[name] == p.size)
    if distribution == "erk":  # as several tests here need: one layer is dense at the end
        assert run.log.names == ["conv2.weight", "fc1.weight", "fc2.weight"]


def test_raised_rounds_are_logged(bench):
    # 14 rounds from 50 to 90 % with a death ratio that is far too small for it.
    run = bench("ndsnn", death_ratio=0.02, death_ratio_min=0.0).train()
    log = run.log.counts()
    assert log["forced"].any()
    assert not log["grown"][log["forced"]].any()
    # With a generous ratio that falls late, no early round is forced.
    run = bench("ndsnn", death_ratio=0.5).train()
    log = run.log.counts()
    assert not log["forced"][log["step"] <= 12].any()


def test_a_run_of_one_step_is_too_short_for_a_round(bench):
    with pytest.raises(UserError, match=r"first 1 of 1 steps .*: train longer"):
        bench("ndsnn", update_every=0, run=RunLength(1, 1))
    # Nothing has to change: no round is needed.
    assert bench("ndsnn", initial_sparsity=0.9, run=RunLength(8, 1)).train().taken == []


def test_a_gradient_that_is_not_finite(bench):
    run = bench("ndsnn")
    run.network.shown = lambda p, g: np.full_like(g, np.nan)
    with pytest.raises(RunError, match=r"step 6: conv2\.weight has to grow .* finite"):
        run.train()


def test_random_pruning_differs_in_what_it_drops_only(bench, monkeypatch):
    monkeypatch.setitem(METHODS, "random-pruning", None)  # what the file registers is forgotten
    by_lot = runpy.run_path(str(RANDOM_PRUNING))["RandomPruning"]
    one, other = (
        bench(kind, death_ratio=0.0, death_ratio_min=0.0).train() for kind in ("ndsnn", by_lot)
    )
    for a, b in zip(one.seen, other.seen, strict=True):
        assert (a.step, a.weights.name, a.drop.sum()) == (b.step, b.weights.name, b.drop.sum())
    assert not other.log.counts()["grown"].any()
    # What the first round finds, and how large those are that go: by lot as large as the others.
    w, v = (np.abs(run.seen[0].before["data"]) for run in (one, other))
    np.testing.assert_array_equal(w, v)
    small, drawn = one.seen[0].drop, other.seen[0].drop
    assert w[small].max() < w[~small].min()
    assert abs(w[drawn].mean() - w[~drawn].mean()) < 0.1
