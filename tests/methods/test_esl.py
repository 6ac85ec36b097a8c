"""ESL: Erdős–Rényi counts, each rule against brute force."""

import re

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.methods.esl import WINDOW
from nsnn.optim import Adam


@pytest.fixture
def train(bench):
    """`train(**options)`: a run that has evolved after every twelfth of 120 steps."""

    def trained(**options):
        run = bench("esl", **options).train()
        assert {change.step for change in run.seen} == set(range(12, 120, 12))
        return run

    return trained


@pytest.mark.parametrize("epsilon", [0.5, 2, 5])
def test_an_er_graph_has_epsilon_synapses_for_each_neuron_of_both_layers(bench, epsilon):
    """Exact counts of Eq. 1; a layer that has fewer positions than that is dense."""
    run = bench("esl", epsilon=epsilon)
    for p in run.network.prunable().values():
        n_out, n_in, *kernel = p.dims
        asked = round(epsilon * (n_out + n_in) * int(np.prod(kernel)))
        assert p.active == min(p.size, asked)
    assert run.method.targets() == {n: p.active for n, p in run.network.prunable().items()}
    for many in (1000.0, 1e30):  # more than an int64 holds
        said = re.escape(f"epsilon = {many:g} asks for more sy")
        with pytest.raises(UserError, match=said):
            bench("esl", epsilon=many)


def test_a_static_mask_has_as_many(bench):
    assert bench("static", epsilon=2.0).active() == bench("esl", epsilon=2.0).active()


@pytest.mark.parametrize("alpha", [0.1, 0.5])
@pytest.mark.parametrize("rule", ["set", "magnitude"])
def test_the_fraction_that_moves_is_that_of_eq_2(train, rule, alpha):
    for step, p, drop, before, after in train(prune=rule, drop_fraction=alpha).seen:
        fraction, values = alpha / 2 * (1 + np.cos(np.pi * step / 120)), before["data"]
        assert after["positions"].size == drop.size  # as many synapses as before
        if rule == "magnitude":
            assert drop.sum() == int(fraction * drop.size)
            assert np.abs(values[drop]).max(initial=0) <= np.abs(values[~drop]).min()
            continue
        for sign in (values >= 0, values < 0):
            assert drop[sign].sum() == int(fraction * sign.sum()), p.name
            gone, left = np.abs(values[sign & drop]), np.abs(values[sign & ~drop])
            assert gone.max(initial=0) <= left.min()


def test_unfired_positions_come_first(train):
    run, ran_out, fired = train(grow="unfired", drop_fraction=0.9), 0, {}
    for _, p, drop, before, after in run.seen:
        ever = fired[p.name] = np.union1d(fired.get(p.name, []), before["positions"])
        grown = np.setdiff1d(after["positions"], before["positions"][~drop])
        never = np.setdiff1d(np.arange(p.size), ever)
        fresh = np.intersect1d(grown, never)
        assert fresh.size == min(grown.size, never.size), p.name
        ran_out += never.size < grown.size
    assert ran_out  # both cases were seen
    assert run.method.measures()["exploration/fc1.weight"] > 0.6


def test_random_growth_is_anywhere(train):
    run = train(grow="random", drop_fraction=0.9)
    assert any(
        np.isin(before["positions"][drop], after["positions"]).any()
        for _, _, drop, before, after in run.seen
    )


def largest(score, before, count):
    """The `count` largest |score| of the positions that were inactive."""
    free = np.setdiff1d(np.arange(score.size), before)
    return free[np.lexsort((free, -np.abs(score[free])))[:count]]


def check_growth(run, score_at):
    new = []
    for step, p, drop, before, after in run.seen:
        was, now = before["positions"], after["positions"]
        wanted = largest(score_at(p, step), was, drop.sum())
        np.testing.assert_array_equal(now, np.union1d(was[~drop], wanted))
        new.append(np.setdiff1d(now, was).size / max(1, drop.sum()))
    assert np.mean(new) > 0.9  # where moments are of active positions only, the topology freezes


def test_growth_by_the_gradient_of_the_batch(train):
    run = train(grow="gradient", drop_fraction=0.3)
    check_growth(run, run.network.dense_gradient)


def test_growth_by_momentum_of_inactive_positions(train):
    run = train(grow="momentum", drop_fraction=0.3)

    def score(p, step, mu=0.9):
        total = np.zeros(p.size)
        for i in range(step - WINDOW + 1, step + 1):
            total = mu * total + run.network.dense_gradient(p, i)
        return total

    check_growth(run, score)
    assert run.method.bytes_held() < 2 * sum(p.size for p in run.network.prunable().values())


def test_growth_by_the_moments_of_adam(bench):
    run = bench("esl", grow="momentum", drop_fraction=0.3)
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

    check_growth(run, score)


def test_momentum_needs_an_optimiser_that_keeps_moments(bench):
    run = bench("esl", grow="momentum")
    run.optimiser.momentum = 0.0
    with pytest.raises(UserError, match=r"method\.grow = 'momentum' needs .* optim\.momentum"):
        run.train()
