"""ESL: Erdős–Rényi counts, each rule against brute force, the published bugs rejected."""

import re

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.methods import ESL, METHODS
from nsnn.methods.esl import WINDOW
from nsnn.optim import Adam


def method(kind=ESL, **options):
    return kind(kind.Config(**({"final_sparsity": 0.7, "update_every": 12} | options)))


class Watched(ESL):
    """ESL, with what each round found and left behind."""

    def prepare(self, *arguments):
        self.seen = []
        super().prepare(*arguments)

    def rewire(self, step, p, drop, *rest):
        before = p.positions(), p.values().copy(), self._ever[p.name].copy()
        super().rewire(step, p, drop, *rest)
        self.seen.append((step, p, drop, *before, p.positions()))


def rounds(bench, **options):
    run = bench(method(Watched, **options)).train()
    assert {entry[0] for entry in run.method.seen} == set(range(12, 120, 12))
    return run, run.method.seen


@pytest.mark.parametrize("epsilon", [0.5, 2, 5])
def test_an_er_graph_has_epsilon_synapses_for_each_neuron_of_both_layers(bench, epsilon):
    """Exact counts of Eq. 1; a layer that has fewer positions than that is dense."""
    run = bench(method(epsilon=epsilon))
    for p in run.network.prunable().values():
        n_out, n_in, *kernel = p.dims
        asked = round(epsilon * (n_out + n_in) * int(np.prod(kernel)))
        assert p.active == min(p.size, asked)
    assert run.method.targets() == {n: p.active for n, p in run.network.prunable().items()}
    for many in (1000.0, 1e30):  # more than an int64 holds
        with pytest.raises(
            UserError, match=rf"epsilon = {re.escape(f'{many:g}')} asks for more sy"
        ):
            bench(method(epsilon=many))


def test_a_static_mask_has_as_many(bench):
    static = METHODS["static"](METHODS["static"].Config(epsilon=2.0))
    assert bench(static).method.targets() == bench(method(epsilon=2.0)).method.targets()


@pytest.mark.parametrize("alpha", [0.1, 0.5])
@pytest.mark.parametrize("rule", ["set", "magnitude"])
def test_the_fraction_that_moves_is_that_of_eq_2(bench, rule, alpha):
    _, seen = rounds(bench, prune=rule, drop_fraction=alpha)
    for step, p, drop, _, values, _, after in seen:
        fraction = alpha / 2 * (1 + np.cos(np.pi * step / 120))
        assert after.size == drop.size  # as many synapses as before
        if rule == "magnitude":
            assert drop.sum() == int(fraction * drop.size)
            assert np.abs(values[drop]).max(initial=0) <= np.abs(values[~drop]).min()
            continue
        for sign in (values >= 0, values < 0):
            assert drop[sign].sum() == int(fraction * sign.sum()), p.name
            gone, left = np.abs(values[sign & drop]), np.abs(values[sign & ~drop])
            assert gone.max(initial=0) <= left.min()


def test_unfired_positions_come_first(bench):
    run, seen = rounds(bench, grow="unfired", drop_fraction=0.9)
    ran_out = 0
    for _, p, drop, before, _, ever, after in seen:
        grown = np.setdiff1d(after, before[~drop])
        never = np.flatnonzero(~ever)
        fresh = np.intersect1d(grown, never)
        assert fresh.size == min(grown.size, never.size), p.name
        ran_out += never.size < grown.size
    assert ran_out  # both cases were seen
    assert run.method.exploration()["fc1.weight"] > 0.6


def test_random_growth_is_anywhere(bench):
    _, seen = rounds(bench, grow="random", drop_fraction=0.9)
    back = sum(np.isin(before[drop], after).sum() for _, _, drop, before, _, _, after in seen)
    assert back > 0


def largest(score, before, count):
    """The `count` largest |score| of the positions that were inactive."""
    free = np.setdiff1d(np.arange(score.size), before)
    return free[np.lexsort((free, -np.abs(score[free])))[:count]]


def check_growth(seen, score_at):
    new = []
    for step, p, drop, before, _, _, after in seen:
        wanted = largest(score_at(p, step), before, drop.sum())
        kept = before[~drop]
        np.testing.assert_array_equal(after, np.union1d(kept, wanted))
        new.append(np.setdiff1d(after, before).size / max(1, drop.sum()))
    assert np.mean(new) > 0.9  # most grown positions are new


def test_growth_by_the_gradient_of_the_batch(bench):
    run, seen = rounds(bench, grow="gradient", drop_fraction=0.3)
    check_growth(seen, run.network.dense_gradient)


def momentum(network, p, step, mu=0.9):
    total = np.zeros(p.size)
    for i in range(step - WINDOW + 1, step + 1):
        total = mu * total + network.dense_gradient(p, i)
    return total


def test_growth_by_momentum_of_inactive_positions(bench):
    run, seen = rounds(bench, grow="momentum", drop_fraction=0.3)
    check_growth(seen, lambda p, step: momentum(run.network, p, step))
    assert run.method.bytes_held() < 2 * sum(p.size for p in run.network.prunable().values())


def test_growth_by_the_moments_of_adam(bench):
    run = bench(method(Watched, grow="momentum", drop_fraction=0.3))
    run.optimiser = Adam(run.network.parameters())
    run.optimiser.steps = 0
    for _ in run.steps():
        run.optimiser.steps += 1

    def score(p, step):
        m = v = np.zeros(p.size)
        for i in range(step - WINDOW + 1, step + 1):
            g = run.network.dense_gradient(p, i)
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        return m / (np.sqrt(v) + 1e-8)

    check_growth(run.method.seen, score)


class MaskedMoments(Watched):
    """Moments of active positions only, as in public code: the topology freezes."""

    def _sum(self, name, columns, block):
        p = next(p for p in self.prunable if p.name == name)
        mask = np.isin(np.arange(p.size), p.positions()).reshape(p.shape)[:, columns]
        super()._sum(name, columns, np.where(mask, block, 0))


def test_masked_moments_are_rejected(bench):
    run = bench(method(MaskedMoments, grow="momentum", drop_fraction=0.3)).train()
    with pytest.raises(AssertionError):
        check_growth(run.method.seen, lambda p, step: momentum(run.network, p, step))


def test_momentum_needs_an_optimiser_that_keeps_moments(bench):
    run = bench(method(grow="momentum"))
    run.optimiser.momentum = 0.0
    with pytest.raises(UserError, match=r"method\.grow = 'momentum' needs .* optim\.momentum"):
        run.train()


@pytest.mark.parametrize("grow", ["random", "unfired", "gradient", "momentum"])
@pytest.mark.parametrize("stop", [6, 12, 20, 45])
def test_resume_is_bit_identical(bench, grow, stop):
    options = {"final_sparsity": 0.7, "update_every": 12, "grow": grow}
    bench("esl", **options).train().assert_same_as(bench.resumed("esl", stop, **options))
