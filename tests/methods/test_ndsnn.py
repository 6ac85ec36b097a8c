"""NDSNN: exact counts at every round, the right weights dropped and grown, exact resume."""

import numpy as np
import pytest

from nsnn.errors import RunError, UserError
from nsnn.methods import NDSNN, RunLength
from nsnn.reference.ndsnn import arg_drop, arg_grow
from nsnn.sparsity.distribution import layer_counts

OPTIONS = {"initial_sparsity": 0.5, "final_sparsity": 0.9, "update_every": 6}


def method(**options):
    config = NDSNN.Config(**(OPTIONS | options))
    config.validate()
    return NDSNN(config)


def counts(network, sparsity, distribution="erk"):
    weights = network.prunable()
    dims = [p.dims for p in weights.values()]
    return dict(zip(weights, layer_counts(distribution, dims, 1 - sparsity).tolist(), strict=True))


@pytest.mark.parametrize("distribution", ["erk", "er", "uniform"])
def test_start(bench, distribution):
    run = bench(method(distribution=distribution))
    initial = counts(run.network, 0.5, distribution)
    final = counts(run.network, 0.9, distribution)
    assert {name: p.active for name, p in run.network.prunable().items()} == initial
    assert run.method.targets() == final
    for name, p in run.network.prunable().items():
        assert (p.topology is None) == (final[name] == p.size)
        if p.topology is not None:
            np.testing.assert_array_equal(run.log.positions_at(name, 0), p.positions())
    bias = run.network.parameters()[-1]
    assert bias.topology is None


def test_erk_leaves_a_layer_dense(bench):
    # The precondition of several tests here: conv1 is dense at the end, the others are not.
    run = bench(method()).train()
    weights = run.network.prunable()
    assert [name for name, p in weights.items() if p.topology is None] == ["conv1.weight"]
    assert run.log.names == ["conv2.weight", "fc1.weight", "fc2.weight"]


@pytest.mark.parametrize("storage", ["csr", "dense"])
@pytest.mark.parametrize("every", [2, 7, 30])
def test_counts_are_exact_after_every_round(bench, every, storage):
    run = bench(method(update_every=every), storage)
    initial, final = counts(run.network, 0.5), counts(run.network, 0.9)
    rounds = [t for t in range(1, 90) if t % every == 0]  # T_end = 0.75 · 120
    wanted = initial
    for step in run.steps():
        if step in rounds:
            q, n = rounds.index(step) + 1, len(rounds)
            # Eq. 4 in weights: the cube of what is left of the way.
            wanted = {
                name: final[name] + (initial[name] - final[name]) * (1 - q / n) ** 3
                for name in initial
            }
        for name, p in run.network.prunable().items():
            # To the nearest whole number; exactly half way both are.
            assert abs(p.active - wanted[name]) <= 0.5 + 1e-9
            positions = p.positions()
            assert np.all(np.diff(positions) > 0)
            if p.topology is not None:
                np.testing.assert_array_equal(run.log.positions_at(name, step), positions)
                assert run.log.positions_at(name, step).dtype == np.int64
    assert run.taken == rounds
    assert {name: p.active for name, p in run.network.prunable().items()} == final
    assert run.method.targets() == final


def test_initial_sparsity_zero(bench):
    run = bench(method(initial_sparsity=0.0))
    for p in run.network.prunable().values():
        assert p.active == p.size
    run.train()
    assert {name: p.active for name, p in run.network.prunable().items()} == run.method.targets()


def first_round(bench, **options):
    """The run, and of each sparse layer the positions, values and gradient before round 1."""
    run = bench(method(**options))
    run.train(0, 6)
    before = {
        name: (p.positions(), p.values().copy(), run.network.dense_gradient(p, 6))
        for name, p in run.network.prunable().items()
        if p.topology is not None
    }
    run.train(6, 7)
    assert run.taken == [6]
    return run, before


@pytest.mark.parametrize("ties", [False, True])
def test_a_round_literally(bench, ties):
    """By the page of Algorithm 1, ties too: what is dropped, grown, kept, and its state."""
    run, before = first_round(lambda m: bench(m, ties=ties), death_ratio=0.4)
    n, grew_back = 14, 0
    d_t = 0.005 + 0.5 * (0.4 - 0.005) * (1 + np.cos(np.pi / n))
    for name, (positions, values, gradient) in before.items():
        p = run.network.prunable()[name]
        D = int(np.floor(d_t * positions.size))
        G = p.active - (positions.size - D)
        assert 0 < G < D
        w, mask = np.zeros(p.size), np.zeros(p.size, dtype=bool)
        w[positions], mask[positions] = values, True
        dropped = arg_drop(w, mask, D)
        mask[dropped] = False
        grown = arg_grow(gradient, mask, G)
        mask[grown] = True
        np.testing.assert_array_equal(p.positions(), np.flatnonzero(mask))
        grew_back += np.isin(grown, dropped).sum()
        # Grown weights: value 0, momentum 0. Kept ones: as before, no update on this step.
        new = np.isin(p.positions(), grown)
        np.testing.assert_array_equal(p.values()[new], 0.0)
        assert not p.slots["momentum"][new].any()
        assert p.slots["momentum"][~new].all()
        kept = ~np.isin(positions, dropped)
        np.testing.assert_array_equal(p.values()[~new], values[kept])
    assert grew_back > 0


def test_nothing_else_is_updated_on_a_round(bench):
    run = bench(method())
    run.train(0, 6)
    untouched = [run.network.parameters()[-1], run.network.prunable()["conv1.weight"]]
    before = [p.data.copy() for p in untouched]
    run.train(6, 7)
    for p, data in zip(untouched, before, strict=True):
        np.testing.assert_array_equal(p.data, data)
    run.train(7, 8)
    assert all(np.any(p.data != d) for p, d in zip(untouched, before, strict=True))


def test_raised_rounds_are_logged(bench):
    # 14 rounds from 50 to 90 % with a death ratio that is far too small for it.
    run = bench(method(death_ratio=0.02, death_ratio_min=0.0)).train()
    log = run.log.counts()
    assert log["raised"].any()
    assert not log["grown"][log["raised"]].any()
    # With a generous ratio that falls late, no early round is raised.
    run = bench(method(death_ratio=0.5)).train()
    log = run.log.counts()
    assert not log["raised"][log["step"] <= 12].any()


def test_the_log_is_net(bench):
    run, before = first_round(bench)
    log = run.log.arrays()
    dropped = np.split(log["dropped"], log["dropped_ptr"][1:-1])
    grown = np.split(log["grown"], log["grown_ptr"][1:-1])
    for i, (name, (positions, _, _)) in enumerate(before.items()):
        after = run.network.prunable()[name].positions()
        np.testing.assert_array_equal(dropped[i], np.setdiff1d(positions, after))
        np.testing.assert_array_equal(grown[i], np.setdiff1d(after, positions))


@pytest.mark.parametrize("ties", [False, True])
def test_csr_and_masked_are_the_same_run(bench, ties):
    csr = bench(method(), "csr", ties=ties).train()
    masked = bench(method(), "dense", ties=ties).train()
    csr.assert_same_as(masked)


def test_the_seed_decides_the_start(bench):
    one, same, other = (bench(method(), seed=seed) for seed in (0, 0, 1))
    one.assert_same_as(same)
    p, q = (run.network.prunable()["fc1.weight"] for run in (one, other))
    assert not np.array_equal(p.positions(), q.positions())


@pytest.mark.parametrize("storage", ["csr", "dense"])
@pytest.mark.parametrize("stop", [1, 6, 7, 45, 100])
def test_resume_is_bit_identical(bench, stop, storage):
    whole = bench(method(), storage).train()
    whole.assert_same_as(bench.resumed(method, stop, storage))


def test_restore_of_another_configuration(bench):
    saved = bench(method()).method.state()
    with pytest.raises(UserError, match=r"method\.initial_sparsity"):
        bench(method(final_sparsity=0.91)).method.restore(saved)


def test_constant_sparsity_rewires_too(bench):
    run = bench(method(initial_sparsity=0.9)).train()
    assert set(run.log.counts()["active"]) <= set(run.method.targets().values())
    assert (run.log.counts()["grown"] > 0).any()


def test_too_short_a_run(bench):
    run = RunLength(steps_per_epoch=8, epochs=1)  # T_end = 6
    with pytest.raises(UserError, match=r"update_every = 6: .* first 6 of 8 .* at most 5"):
        bench(method(), run=run)
    assert bench(method(update_every=5), run=run).train().taken == [5]
    one = RunLength(steps_per_epoch=1, epochs=1)
    with pytest.raises(UserError, match=r"first 1 of 1 steps .*: train longer"):
        bench(method(update_every=0), run=one)
    # Nothing has to change: no round is needed.
    assert bench(method(initial_sparsity=0.9), run=run).train().taken == []


def test_a_layer_without_weights(bench):
    with pytest.raises(UserError, match=r"final_sparsity = 0\.9999 leaves conv1\.weight \(of 18\)"):
        bench(method(final_sparsity=0.9999, distribution="uniform"))


def test_a_gradient_that_is_not_finite(bench):
    run = bench(method())
    run.network.shown = lambda p, g: np.full_like(g, np.nan)
    with pytest.raises(RunError, match=r"step 6: conv2\.weight has to grow .* finite"):
        run.train()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initial_sparsity": -0.1}, r"method\.initial_sparsity = -0\.1: must be"),
        ({"final_sparsity": 1.0}, r"method\.final_sparsity = 1\.0: must be"),
        ({"final_sparsity": float("nan")}, r"method\.final_sparsity: .* got nan"),
        ({"initial_sparsity": 0.95}, r"initial_sparsity = 0\.95 is above .*final_sparsity = 0\.9"),
        ({"distribution": "erq"}, r"method\.distribution = 'erq': did you mean er"),
        ({"update_every": -1}, r"method\.update_every = -1: "),
        ({"end_fraction": 0.0}, r"method\.end_fraction = 0\.0: must be"),
        ({"end_fraction": 1.1}, r"method\.end_fraction = 1\.1: "),
        ({"death_ratio": 1.5}, r"method\.death_ratio = 1\.5: must be"),
        ({"death_ratio_min": 0.6}, r"method\.death_ratio_min = 0\.6: .* 0\.5"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(UserError, match=message) as error:
        method(**options)
    assert "\n" not in str(error.value)
