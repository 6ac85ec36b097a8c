"""What NDSNN, RigL and SET promise alike, and that the checks reject code that breaks it."""

import numpy as np
import pytest

import nsnn.methods.set
from nsnn.errors import RunError, UserError
from nsnn.methods import METHODS, RunLength
from nsnn.sparsity.distribution import layer_counts

# 120 steps: NDSNN and RigL rewire at 7, 14, … 84, SET after 7, 14, … 112 updates.
ROUNDS = {
    "ndsnn": list(range(7, 90, 7)),
    "rigl": list(range(7, 90, 7)),
    "set": list(range(6, 112, 7)),
}
CONSTANT = ["rigl", "set"]


def make(kind, **options):
    kind = METHODS.get(kind, kind)
    config = kind.Config(**({"final_sparsity": 0.9, "update_every": 7} | options))
    config.validate()
    return kind(config)


def targets(network, sparsity):
    """Weights of each layer that ERK gives at a sparsity."""
    weights = network.prunable()
    counts = layer_counts("erk", [p.dims for p in weights.values()], 1 - sparsity)
    return dict(zip(weights, counts.tolist(), strict=True))


# ---- counts -----------------------------------------------------------------------------------


def check_counts(run):
    """Active weights are those of ERK after every step, layer by layer and in all."""
    wanted = targets(run.network, 0.9)
    for step in run.steps():
        active = {name: p.active for name, p in run.network.prunable().items()}
        assert active == wanted
        assert sum(active.values()) == sum(wanted.values())
        for name in run.log.names:
            positions = run.network.prunable()[name].positions()
            np.testing.assert_array_equal(run.log.positions_at(name, step), positions)
    assert run.method.targets() == wanted


@pytest.mark.parametrize("name", CONSTANT)
@pytest.mark.parametrize("seed", range(10))
def test_the_number_of_weights_is_constant(bench, name, seed):
    run = bench(make(name), storage=("csr", "dense", "auto")[seed % 3], seed=seed)
    check_counts(run)
    assert sorted(set(run.log.counts()["step"].tolist())) == ROUNDS[name]
    assert run.taken == ([] if name == "set" else ROUNDS[name])


@pytest.mark.parametrize("seed", range(5))
def test_ndsnn_at_a_constant_sparsity_keeps_its_counts_too(bench, seed):
    check_counts(bench(make("ndsnn", initial_sparsity=0.9), seed=seed))


@pytest.mark.parametrize("name", CONSTANT)
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.5, 0.98])
def test_other_sparsities(bench, name, sparsity):
    run = bench(make(name, final_sparsity=sparsity)).train()
    wanted = targets(run.network, sparsity)
    assert {key: p.active for key, p in run.network.prunable().items()} == wanted
    for key, p in run.network.prunable().items():
        assert (p.topology is None) == (wanted[key] == p.size)
    assert bool(run.log.names) == (sparsity > 0)
    if sparsity == 0.0:
        assert run.taken == []  # nothing is rewired, so no update is left out


def test_counts_that_drift_are_rejected(bench, monkeypatch):
    """New positions drawn among all, those that are active already left out afterwards."""

    def among_all(size, active, count, rng):
        return np.setdiff1d(rng.choice(size, count, replace=False), active)

    monkeypatch.setattr(nsnn.methods.set, "random_inactive", among_all)
    with pytest.raises((AssertionError, RunError)):
        check_counts(bench(make("set")))


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
    check_state_travels(bench(make(watched(METHODS[name])), storage))


def left_behind(kind):
    """`kind`, with momentum that stays in its slot while the synapses move."""

    class LeftBehind(kind):
        def rewire(self, step, p, *rest, **options):
            slots = p.slots
            super().rewire(step, p, *rest, **options)
            p.slots = slots

    return LeftBehind


def inherited(kind):
    """`kind`, with new synapses that take over the momentum of those dropped."""

    class Inherited(kind):
        def rewire(self, step, p, drop, *rest, **options):
            old = np.array(p.slots["momentum"][drop])
            kept = p.positions()[~drop]
            super().rewire(step, p, drop, *rest, **options)
            new = np.flatnonzero(~np.isin(p.positions(), kept))
            p.slots["momentum"][new] = old[: new.size]

    return Inherited


def frozen(kind):
    """`kind`, with an update that the mask of the start lets through: what grows stays put."""

    class Frozen(kind):
        def update(self, step, optimiser, lr):
            self.held = []
            for p in [share.weights for share in self.shares]:
                start = self.log.positions_at(p.name, -1)
                grown = ~np.isin(p.positions(), start)
                self.held.append((p, grown, p.values()[grown]))
            super().update(step, optimiser, lr)

        def after_update(self, step):
            for p, grown, values in self.held:
                p.data[grown] = values
            super().after_update(step)

    return Frozen


@pytest.mark.parametrize("bug", [left_behind, inherited, frozen])
@pytest.mark.parametrize("name", CONSTANT)
def test_momentum_that_does_not_travel_is_rejected(bench, name, bug):
    with pytest.raises(AssertionError):
        check_state_travels(bench(make(watched(bug(METHODS[name])))))


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
    check_topology_moves(bench(make(watched(METHODS[name]))))


def test_growth_by_a_masked_gradient_is_rejected(bench):
    """Scores that are 0 wherever no weight is active bring back what was dropped."""
    run = bench(make(watched(METHODS["rigl"])))

    def masked(p, g):
        active = np.isin(np.arange(p.size), p.positions())
        return np.where(active, g, 0.0)

    run.network.shown = masked
    with pytest.raises(AssertionError):
        check_topology_moves(run)


# ---- the same run again -------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONSTANT)
def test_csr_and_masked_are_the_same_run(bench, name):
    runs = [bench(make(name), storage).train() for storage in ("csr", "dense", "auto")]
    runs[0].assert_same_as(runs[1])
    runs[0].assert_same_as(runs[2])


@pytest.mark.parametrize("name", CONSTANT)
def test_the_seed_decides(bench, name):
    one, same, other = (bench(make(name), seed=seed).train() for seed in (0, 0, 1))
    one.assert_same_as(same)
    p, q = (run.network.prunable()["fc1.weight"] for run in (one, other))
    assert not np.array_equal(p.positions(), q.positions())


@pytest.mark.parametrize(
    ("stop", "storage"), [(1, "csr"), (6, "csr"), (7, "csr"), (8, "csr"), (45, "dense")]
)
@pytest.mark.parametrize("name", CONSTANT)
def test_resume_is_bit_identical(bench, name, stop, storage):
    whole = bench(make(name), storage).train()
    whole.assert_same_as(bench.resumed(lambda: make(name), stop, storage))


@pytest.mark.parametrize("name", CONSTANT)
def test_restore_of_another_configuration(bench, name):
    saved = bench(make(name)).method.state()
    with pytest.raises(UserError, match=r"network, method\.final_sparsity and distribution"):
        bench(make(name, final_sparsity=0.91)).method.restore(saved)


# ---- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONSTANT)
@pytest.mark.parametrize("distribution", ["uniform", "erk"])
def test_a_layer_without_weights(bench, name, distribution):
    with pytest.raises(UserError, match=r"final_sparsity = 0\.9999 leaves conv1\.weight \(of 18\)"):
        bench(make(name, final_sparsity=0.9999, distribution=distribution))


@pytest.mark.parametrize("name", CONSTANT)
def test_without_a_round_it_would_be_another_method(bench, name):
    run = RunLength(steps_per_epoch=6, epochs=1)
    with pytest.raises(UserError, match=r"update_every = 7: .*of 6 steps") as error:
        bench(make(name), run=run)
    assert "\n" not in str(error.value)
    # A network that is dense at this sparsity has nothing to rewire.
    assert bench(make(name, final_sparsity=0.0), run=run).train().log.names == []


@pytest.mark.parametrize("name", CONSTANT)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"final_sparsity": 1.0}, r"method\.final_sparsity = 1\.0: must be at least 0 and below 1"),
        ({"final_sparsity": -0.1}, r"method\.final_sparsity = -0\.1: must be"),
        ({"final_sparsity": float("nan")}, r"method\.final_sparsity: .* got nan"),
        ({"distribution": "erq"}, r"method\.distribution = 'erq': did you mean er"),
        ({"update_every": -1}, r"method\.update_every = -1: "),
        ({"end_fraction": 0.0}, r"method\.end_fraction = 0\.0: must be above 0 and at most 1"),
        ({"end_fraction": 1.1}, r"method\.end_fraction = 1\.1: "),
        ({"drop_fraction": 1.5}, r"method\.drop_fraction = 1\.5: must be"),
        ({"drop_fraction": float("nan")}, r"method\.drop_fraction: .* got nan"),
    ],
)
def test_bad_options(name, options, message):
    with pytest.raises(UserError, match=message) as error:
        make(name, **options)
    assert "\n" not in str(error.value)
