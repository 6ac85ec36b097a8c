"""What NDSNN, RigL and SET promise alike, and that the checks reject code that breaks it."""

import numpy as np
import pytest

import nsnn.methods.set
from nsnn.errors import RunError, UserError
from nsnn.methods import METHODS, RunLength

# 120 steps: NDSNN and RigL rewire at 7, 14, … 84, SET after 7, 14, … 112 updates.
EARLY, CONSTANT = list(range(7, 90, 7)), ["rigl", "set"]
ROUNDS = {"ndsnn": EARLY, "rigl": EARLY, "set": list(range(6, 112, 7))}


# ---- counts -----------------------------------------------------------------------------------


def check_counts(run):
    """Active weights are those of ERK after every step, layer by layer and in all."""
    wanted = run.asked("erk", 0.9)
    for step in run.steps():
        assert run.active() == wanted
        for name in run.log.names:
            positions = run.network.prunable()[name].positions()
            np.testing.assert_array_equal(run.log.positions_at(name, step), positions)
    assert run.method.targets() == wanted
    assert run.log.events > 0


@pytest.mark.parametrize("name", ROUNDS)
@pytest.mark.parametrize("seed", range(10))
def test_the_number_of_weights_is_constant(bench, name, seed):
    options = {"initial_sparsity": 0.9, "update_every": 7} if name == "ndsnn" else {}
    run = bench(name, storage=("csr", "dense", "auto")[seed % 3], seed=seed, **options)
    check_counts(run)
    assert sorted(set(run.log.counts()["step"].tolist())) == ROUNDS[name]
    assert run.taken == ([] if name == "set" else ROUNDS[name])


def test_counts_that_drift_are_rejected(bench, monkeypatch):
    """New positions drawn among all, those that are active already left out afterwards."""

    def among_all(size, active, count, rng):
        return np.setdiff1d(rng.choice(size, count, replace=False), active)

    monkeypatch.setattr(nsnn.methods.set, "random_inactive", among_all)
    with pytest.raises((AssertionError, RunError)):
        check_counts(bench("set"))


# ---- values and optimiser state ---------------------------------------------------------------


def snapshot(p):
    state = p.state()
    return {key: np.array(state[key]) for key in ("positions", "data", "slot.momentum")}


def watched(kind):
    """`kind`, with a list of what each change of topology found and left behind."""

    class Watched(kind):
        def prepare(self, *arguments):
            self.seen = []
            super().prepare(*arguments)

        def rewire(self, step, p, drop, *rest, **options):
            before = snapshot(p)
            super().rewire(step, p, drop, *rest, **options)
            self.seen.append((p, drop, before, snapshot(p)))

    return Watched


def check_state_travels(run):
    """Value and momentum of a kept synapse go with it; a new one has none, and learns."""
    learnt, new = 0, []
    for _ in run.steps():
        for p, positions, values in new:
            at = np.searchsorted(p.positions(), positions)
            assert np.all(p.values()[at] != values)
            assert p.state()["slot.momentum"][at].all()
            learnt += positions.size
        new = []
        for p, drop, before, after in run.method.seen:
            stays = np.isin(after["positions"], before["positions"][~drop])
            for key in ("positions", "data", "slot.momentum"):
                np.testing.assert_array_equal(after[key][stays], before[key][~drop])
            assert before["slot.momentum"][~drop].all()
            assert not after["slot.momentum"][~stays].any()
            new.append((p, after["positions"][~stays], after["data"][~stays]))
        run.method.seen.clear()
    assert learnt > 1000


@pytest.mark.parametrize("storage", ["csr", "dense"])
@pytest.mark.parametrize("name", ROUNDS)
def test_state_travels(bench, name, storage):
    check_state_travels(bench(watched(METHODS[name]), storage))


# ---- topology -----------------------------------------------------------------------------------


def check_topology_moves(run):
    """Most of what grows was inactive before, in every round that drops anything."""
    run.train()
    shares = []
    for _, drop, before, after in run.method.seen:
        new = np.setdiff1d(after["positions"], before["positions"])
        shares += [new.size / drop.sum()] if drop.sum() > 5 else []
    assert len(shares) > 10
    assert min(shares) > 0.4
    assert np.mean(shares) > 0.8


@pytest.mark.parametrize("name", CONSTANT)
def test_most_grown_positions_are_new(bench, name):
    check_topology_moves(bench(watched(METHODS[name])))


def test_growth_by_a_masked_gradient_is_rejected(bench):
    """Scores that are 0 wherever no weight is active bring back what was dropped."""
    run = bench(watched(METHODS["rigl"]))

    def masked(p, g):
        active = np.isin(np.arange(p.size), p.positions())
        return np.where(active, g, 0.0)

    run.network.shown = masked
    with pytest.raises(AssertionError):
        check_topology_moves(run)


# ---- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROUNDS)
@pytest.mark.parametrize("distribution", ["uniform", "erk"])
def test_a_layer_without_weights(bench, name, distribution):
    with pytest.raises(UserError, match=r"final_sparsity = 0\.9999 leaves conv1\.weight \(of 18\)"):
        bench(name, final_sparsity=0.9999, distribution=distribution)


@pytest.mark.parametrize("name", CONSTANT)
def test_without_a_round_it_would_be_another_method(bench, name):
    run = RunLength(steps_per_epoch=6, epochs=1)
    with pytest.raises(UserError, match=r"update_every = 7: .*of 6 steps"):
        bench(name, run=run)
    # A network that is dense at this sparsity has nothing to rewire.
    assert bench(name, final_sparsity=0.0, run=run).train().log.names == []


@pytest.mark.parametrize("name", ["ndsnn", "rigl"])
def test_too_short_a_run_says_which_interval_fits(bench, name):
    run = RunLength(steps_per_epoch=8, epochs=1)  # T_end = 6
    with pytest.raises(UserError, match=r"update_every = 6: .* first 6 of 8 .* at most 5"):
        bench(name, run=run, update_every=6)
    assert bench(name, run=run, update_every=5).train().taken == [5]
