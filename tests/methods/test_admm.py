"""ADMM: the pull, the projection and the dual update are right; exact counts after the prune."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.methods import ADMM, RunLength

# Epochs of 6 steps: 0 and 1 dense, 2 to 4 ADMM, from 5 on retraining.
START, PRUNE = 12, 30


def test_the_phases(bench):
    run = bench("admm")
    for step in run.steps():
        weights = run.network.prunable().values()
        assert all((p.topology is None) == (step < PRUNE) for p in weights)
        assert bool(run.method.Z) == bool(run.method.U) == (START <= step < PRUNE)
    assert run.taken == []
    assert [run.method.schedule(step) for step in (0, 30, 59)] == [(0, 60), (30, 60), (59, 60)]


def test_the_pull_is_the_gradient_of_the_distance(bench):
    """Central differences of ρ/2 ‖W − Z + U‖², added to what the gradient was."""
    run = bench("admm", update_every=4).train(0, 19)  # Z and U were updated once
    m, h = run.method, 1e-6
    run.network.backward(19)
    before = {name: p.gradient.copy() for name, p in run.network.prunable().items()}
    m.update(19, run.optimiser, lr=0.0)
    rng = np.random.default_rng(0)
    for name, p in run.network.prunable().items():
        direction = rng.normal(size=p.shape)
        assert np.any(m.U[name])

        def distance(W, name=name):
            return 0.5 / 2 * np.sum((W - m.Z[name] + m.U[name]) ** 2)

        slope = (distance(p.data + h * direction) - distance(p.data - h * direction)) / (2 * h)
        pull = np.sum((p.gradient - before[name]) * direction)
        assert pull == pytest.approx(slope, rel=1e-6)
    bias = run.network.parameters()[-1]
    np.testing.assert_array_equal(bias.gradient, run.network.dense_gradient(bias, 19))


def largest(values, count):
    """Indices of the largest |.|; of equals the larger index."""
    return np.sort(np.lexsort((-np.arange(values.size), -np.abs(values)))[:count])


@pytest.mark.parametrize("every", [1, 4, 0])
def test_updates_are_the_formulas_on_dense_arrays(bench, every):
    run = bench("admm", update_every=every, distribution="erk")
    assert run.method.every == (every or 3)  # 18 steps of ADMM: five updates at least
    final, Z, U = run.asked("erk", 0.8), {}, {}
    for step in run.steps():
        if step == START - 1:
            W = {name: p.data.reshape(-1).copy() for name, p in run.network.prunable().items()}
        if not START <= step < PRUNE:
            continue
        sparse = {n: p for n, p in run.network.prunable().items() if final[n] < p.size}
        assert list(run.method.Z) == list(sparse)
        for name, p in sparse.items():
            if step == START:
                Z[name], U[name] = np.zeros(p.size), np.zeros(p.size)
                kept = largest(W[name], final[name])
                Z[name][kept] = W[name][kept]
            if (step - START + 1) % run.method.every == 0:
                total = p.data.reshape(-1) + U[name]
                kept = largest(total, final[name])
                Z[name] = np.zeros(p.size)
                Z[name][kept] = total[kept]
                U[name] = U[name] + (p.data.reshape(-1) - Z[name])
            np.testing.assert_array_equal(run.method.Z[name].reshape(-1), Z[name])
            np.testing.assert_allclose(run.method.U[name].reshape(-1), U[name], rtol=1e-12)
            assert np.count_nonzero(run.method.Z[name]) == final[name]


def test_the_interval_is_an_epoch_in_a_long_phase(bench):
    run = bench("admm", run=RunLength(steps_per_epoch=6, epochs=100))
    assert run.method.every == 6


@pytest.mark.parametrize("distribution", ["uniform", "erk"])
@pytest.mark.parametrize("sparsity", [0.4, 0.75, 0.95])
def test_the_hard_prune(bench, sparsity, distribution):
    run = bench("admm", final_sparsity=sparsity, distribution=distribution)
    final = run.asked(distribution, sparsity)
    assert run.method.targets() == final
    run.train(0, PRUNE)
    before = {name: p.data.reshape(-1).copy() for name, p in run.network.prunable().items()}
    assert run.method.begin_epoch(5) is True
    for name, p in run.network.prunable().items():
        kept = largest(before[name], final[name])
        np.testing.assert_array_equal(p.positions(), kept)
        np.testing.assert_array_equal(p.values(), before[name][kept])
        assert (p.topology is None) == (final[name] == p.size)
        if p.topology is not None:
            assert not p.slots
            np.testing.assert_array_equal(run.log.positions_at(name, 30), kept)
            assert run.log.positions_at(name, 29).size == p.size


@pytest.mark.parametrize("epochs", [2, 3, 4, 5, 7, 10, 30, 300])
def test_the_default_fractions_fit_runs_of_every_length(bench, epochs):
    run = bench(ADMM(ADMM.Config()), run=RunLength(1, epochs))
    assert 0 <= run.method.dense_end < run.method.prune_epoch < epochs
    assert run.method.prune_epoch == pytest.approx(epochs / 2, abs=0.51)


@pytest.mark.parametrize(("options", "epochs"), [({}, 1), ({"admm_fraction": 0.02}, 10)])
def test_a_phase_without_an_epoch(bench, options, epochs):
    with pytest.raises(UserError, match=rf"admm_fraction = .* of train\.epochs = {epochs} "):
        bench("admm", run=RunLength(6, epochs), **options)


def test_updates_that_would_never_come(bench):
    bench("admm", update_every=17)  # the phase has 18 steps
    with pytest.raises(UserError, match=r"method\.update_every = 18: .* at most 17"):
        bench("admm", update_every=18)
