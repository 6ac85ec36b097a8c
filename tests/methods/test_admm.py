"""ADMM: the pull, the projection and the dual update are right; exact counts after the prune."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.methods import ADMM, RunLength
from nsnn.sparsity.distribution import layer_counts

# Epochs 0 and 1 dense, 2 to 4 ADMM, from 5 on retraining.
OPTIONS = {"final_sparsity": 0.8, "rho": 0.5, "dense_fraction": 0.2, "admm_fraction": 0.3}
RUN = RunLength(steps_per_epoch=6, epochs=10)
START, PRUNE = 12, 30


def method(kind=ADMM, **options):
    config = kind.Config(**(OPTIONS | options))
    config.validate()
    return kind(config)


def counts(network, sparsity=0.8, distribution="uniform"):
    weights = network.prunable()
    dims = [p.dims for p in weights.values()]
    return dict(zip(weights, layer_counts(distribution, dims, 1 - sparsity).tolist(), strict=True))


def test_the_phases(bench):
    run = bench(method(), run=RUN)
    for step in run.steps():
        weights = run.network.prunable().values()
        assert all((p.topology is None) == (step < PRUNE) for p in weights)
        assert bool(run.method.Z) == bool(run.method.U) == (START <= step < PRUNE)
    assert run.taken == []
    assert [run.method.schedule(step) for step in (0, 30, 59)] == [(0, 60), (30, 60), (59, 60)]


def test_the_pull_is_the_gradient_of_the_distance(bench):
    """Central differences of ρ/2 ‖W − Z + U‖², added to what the gradient was."""
    run = bench(method(update_every=4), run=RUN).train(0, 19)  # Z and U were updated once
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


def test_no_pull_outside_the_phase(bench):
    run = bench(method(), run=RUN)
    for step in run.steps():
        if not START <= step < PRUNE:
            for p in run.network.prunable().values():
                g = run.network.dense_gradient(p, step)
                np.testing.assert_array_equal(p.active_gradient(), g[p.positions()])


def largest(values, count):
    """Indices of the largest |.|; of equals the larger index."""
    return np.sort(np.lexsort((-np.arange(values.size), -np.abs(values)))[:count])


def check_updates(run):
    """Z and U after every step, by the formulas on dense arrays."""
    final = counts(run.network, distribution="erk")
    Z, U = {}, {}
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


@pytest.mark.parametrize("every", [1, 4, 0])
def test_updates_are_literal(bench, every):
    run = bench(method(update_every=every, distribution="erk"), run=RUN)
    assert run.method.every == (every or 3)  # 18 steps of ADMM: five updates at least
    check_updates(run)


def test_the_interval_is_an_epoch_in_a_long_phase(bench):
    run = bench(method(), run=RunLength(steps_per_epoch=6, epochs=100))
    assert run.method.every == 6


class WrongSign(ADMM):
    """U −= W − Z."""

    def after_update(self, step):
        before = {name: U.copy() for name, U in self.U.items()}
        super().after_update(step)
        for name, U in self.U.items():
            U[...] = 2 * before[name] - U


class NoDual(ADMM):
    """U stays 0: a penalty, whose minimum is not sparse."""

    def after_update(self, step):
        super().after_update(step)
        for U in self.U.values():
            U[...] = 0


class PullFromZ(ADMM):
    """The gradient of ρ/2 ‖W − Z − U‖²."""

    def update(self, *arguments):
        for U in self.U.values():
            U *= -1
        super().update(*arguments)
        for U in self.U.values():
            U *= -1


class OldProjection(ADMM):
    """Z = Π(W): the dual does not reach it."""

    def after_update(self, step):
        before = {name: U.copy() for name, U in self.U.items()}
        for U in self.U.values():
            U[...] = 0
        super().after_update(step)
        for name, U in self.U.items():
            U += before[name]


def residuals(bench, kind, loss):
    """‖W − Z‖ / ‖W‖ at every step of an ADMM phase of f = loss/2 ‖W − A‖²."""
    length = RunLength(steps_per_epoch=100, epochs=10)
    run = bench(method(kind, update_every=20, dense_fraction=0.0, admm_fraction=0.9), run=length)
    rng = np.random.default_rng(3)
    A = {p.name: rng.normal(size=p.size) for p in run.network.parameters()}
    run.network.dense_gradient = lambda p, step: loss * (p.to_dense().reshape(-1) - A[p.name])
    for p in run.network.parameters():
        p.decayed = False
    found = []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in run.steps(0, 899):
            weights = run.network.prunable().items()
            gap = sum(np.sum((p.data - run.method.Z[name]) ** 2) for name, p in weights)
            found.append(np.sqrt(gap / sum(np.sum(p.data**2) for _, p in weights)))
    return np.array(found), run, A


@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_it_converges_to_a_sparse_minimum(bench, loss):
    found, run, A = residuals(bench, ADMM, loss)
    assert found[0] > 0.5
    assert found[-1] < 0.02
    assert np.all(np.diff(found[[0, 20, 100, 300, 600, -1]]) < 0)
    if loss:
        # The minimum on the chosen positions is A itself, and the dual holds the others at 0.
        for name, p in run.network.prunable().items():
            kept = run.method.Z[name].reshape(-1) != 0
            wanted = np.where(kept, A[name], 0.0)
            assert np.mean(np.abs(p.data.reshape(-1) - wanted)) < 0.01


@pytest.mark.parametrize("kind", [WrongSign, NoDual, PullFromZ])
def test_wrong_variants_do_not_converge(bench, kind):
    found, _, _ = residuals(bench, kind, 0.1)
    assert not found[-1] < 0.1


@pytest.mark.parametrize("kind", [WrongSign, NoDual, OldProjection])
def test_wrong_updates_are_noticed(bench, kind):
    with pytest.raises(AssertionError):
        check_updates(bench(method(kind, distribution="erk"), run=RUN))


@pytest.mark.parametrize("storage", ["csr", "dense", "auto"])
@pytest.mark.parametrize("distribution", ["uniform", "erk"])
@pytest.mark.parametrize("sparsity", [0.4, 0.75, 0.95])
def test_the_hard_prune(bench, sparsity, distribution, storage):
    run = bench(method(final_sparsity=sparsity, distribution=distribution), storage, run=RUN)
    final = counts(run.network, sparsity, distribution)
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


def test_the_counts_stay_to_the_end(bench):
    run = bench(method(), run=RUN).train()
    assert {name: p.active for name, p in run.network.prunable().items()} == run.method.targets()
    for p in run.network.prunable().values():
        assert p.slots["momentum"].shape == p.data.shape


def test_a_target_of_zero_prunes_nothing(bench):
    run = bench(method(final_sparsity=0.0), run=RUN).train()
    assert all(p.topology is None for p in run.network.parameters())
    assert run.log.names == []


def test_csr_and_masked_are_the_same_run(bench):
    csr, masked, auto = (bench(method(), s, run=RUN).train() for s in ("csr", "dense", "auto"))
    for other in (masked, auto):
        csr.assert_same_as(other)


@pytest.mark.parametrize("storage", ["csr", "dense"])
@pytest.mark.parametrize("stop", [5, 12, 13, 20, 29, 30, 31, 50])
def test_resume_is_bit_identical(bench, stop, storage):
    whole = bench(method(), storage, run=RUN).train()
    whole.assert_same_as(bench.resumed(method, stop, storage, RUN))


def test_restore_of_another_configuration(bench):
    saved = bench(method(), run=RUN).method.state()
    with pytest.raises(UserError, match=r"method\.final_sparsity"):
        bench(method(distribution="er"), run=RUN).method.restore(saved)


@pytest.mark.parametrize("epochs", [2, 3, 4, 5, 7, 10, 30, 300])
def test_the_default_fractions_fit_runs_of_every_length(bench, epochs):
    run = bench(ADMM(ADMM.Config()), run=RunLength(1, epochs))
    assert 0 <= run.method.dense_end < run.method.prune_epoch < epochs
    assert run.method.prune_epoch == pytest.approx(epochs / 2, abs=0.51)


@pytest.mark.parametrize(("options", "epochs"), [({}, 1), ({"admm_fraction": 0.02}, 10)])
def test_a_phase_without_an_epoch(bench, options, epochs):
    with pytest.raises(UserError, match=rf"admm_fraction = .* of train\.epochs = {epochs} ") as e:
        bench(method(**options), run=RunLength(6, epochs))
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"final_sparsity": 1.0}, r"method\.final_sparsity = 1\.0: must be"),
        ({"distribution": "unifrom"}, r"method\.distribution = 'unifrom': did you mean uniform"),
        ({"rho": -0.1}, r"method\.rho = -0\.1: must be at least 0"),
        ({"dense_fraction": 1.0}, r"method\.dense_fraction = 1\.0: "),
        ({"admm_fraction": 0.0}, r"method\.admm_fraction = 0\.0: must be above 0"),
        ({"admm_fraction": 0.8}, r"method\.admm_fraction = 0\.8: .* left to retrain"),
        ({"update_every": -1}, r"method\.update_every = -1: "),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(UserError, match=message) as error:
        method(**options)
    assert "\n" not in str(error.value)


def test_updates_that_would_never_come(bench):
    bench(method(update_every=17), run=RUN)  # the phase has 18 steps
    with pytest.raises(UserError, match=r"method\.update_every = 18: .* at most 17") as error:
        bench(method(update_every=18), run=RUN)
    assert "\n" not in str(error.value)
