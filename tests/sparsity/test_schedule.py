"""Eqs. 4 and 5 against hand values, and where the rounds lie."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.sparsity.schedule import drop_and_grow_counts, drop_fraction_at, plan_rounds, sparsity_at


def test_sparsity_stays_after_the_last_round():
    t = np.array([90, 100, 101, 5000])
    theta = sparsity_at(t, 100, 0.6, 0.99)
    np.testing.assert_allclose(theta, [0.99 - 0.39e-3, 0.99, 0.99, 0.99], rtol=1e-12)


def test_death_ratio_by_hand():
    assert drop_fraction_at(0, 100, 0.5, 0.005) == pytest.approx(0.5)
    assert drop_fraction_at(50, 100, 0.5, 0.005) == pytest.approx(0.2525)
    # cos(π/3) = ½
    assert drop_fraction_at(20, 60, 0.5, 0.1) == pytest.approx(0.1 + 0.5 * 0.4 * 1.5)
    assert drop_fraction_at(100, 100, 0.5, 0.005) == pytest.approx(0.005)


@pytest.mark.parametrize(("total", "fraction", "every", "count"), [
    (400, 0.75, 100, 2),  # T_end = 300 is not < 300
    (400, 0.75, 99, 3),  # 297
    (1000, 1.0, 10, 99),
    (1000, 1.0, 999, 1),
    (1000, 1.0, 1000, 0),
    (10, 0.05, 3, 0),  # T_end = 0
])  # fmt: skip
def test_number_of_rounds(total, fraction, every, count):
    rounds = plan_rounds(total, fraction, every)
    assert rounds.count == count
    steps = [t for t in range(total) if rounds.happens_at(t)]
    assert steps == [t for t in range(1, rounds.end) if t % every == 0]
    assert len(steps) == count
    assert rounds.span == (steps[-1] if steps else 0)


@pytest.mark.parametrize("total", [134, 1000, 1334, 1335, 4220, 117_000])
def test_chosen_interval(total):
    rounds = plan_rounds(total, 0.75)
    if rounds.end > 1000:
        assert rounds.count >= 100
        assert plan_rounds(total, 0.75, rounds.every + 1).count < 100
    else:
        assert rounds.every == 10


@pytest.mark.parametrize("total", range(3, 20))
def test_chosen_interval_leaves_a_round_in_a_short_run(total):
    assert plan_rounds(total, 0.75).count >= 1


def test_negative_interval():
    with pytest.raises(UserError, match="-3 steps"):
        plan_rounds(100, 0.75, -3)


def test_counts_reach_the_target():
    rng = np.random.default_rng(1)
    for _ in range(500):
        active = int(rng.integers(1, 1000))
        target = int(rng.integers(0, active + 1))
        D, G, forced = drop_and_grow_counts(active, target, rng.random())
        assert active - D + G == target
        assert G >= 0
        assert 0 <= D <= active
        assert not (forced and G)
