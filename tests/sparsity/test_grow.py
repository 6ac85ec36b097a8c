"""Growing: order by score, ties by position, filling up from a reserve, uniform at random."""

import itertools

import numpy as np
import pytest

from nsnn.sparsity.grow import fill_up, largest_score, random_inactive


def test_largest_score_breaks_ties_by_position():
    positions = np.array([3, 5, 8, 9])
    scores = np.array([0.1, 0.7, 0.7, 0.7])
    assert largest_score(positions, scores, 2).tolist() == [5, 8]
    assert largest_score(positions, scores, 4).tolist() == [5, 8, 9, 3]


def test_fill_up_uses_the_reserve_only_when_short():
    reserve, scores = np.array([0, 1, 2]), np.array([0.2, 0.9, 0.5])
    candidates = np.array([7, 4])
    assert fill_up(candidates, 1, reserve, scores).tolist() == [7]
    assert fill_up(candidates, 2, reserve, scores).tolist() == [7, 4]
    assert fill_up(candidates, 4, reserve, scores).tolist() == [7, 4, 1, 2]
    none = np.empty(0, dtype=np.int64)
    assert fill_up(none, 1, reserve, scores).tolist() == [1]
    assert fill_up(none, 0, reserve, scores).size == 0


@pytest.mark.parametrize("seed", range(40))
def test_random_inactive_is_sorted_unique_and_inactive(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 50))
    active = np.flatnonzero(rng.random(size) < rng.random())
    count = int(rng.integers(0, size - active.size + 1))
    grown = random_inactive(size, active, count, rng)
    assert grown.dtype == np.int64
    assert grown.size == count
    assert np.all(np.diff(grown) > 0)
    assert np.intersect1d(grown, active).size == 0
    assert np.all((grown >= 0) & (grown < size))
    everything = random_inactive(size, active, size - active.size, rng)
    np.testing.assert_array_equal(everything, np.setdiff1d(np.arange(size), active))


def test_every_set_of_inactive_positions_is_equally_likely():
    rng = np.random.default_rng(5)
    active = np.array([0, 3, 4, 8])
    inactive = [1, 2, 5, 6, 7, 9]
    drawn = [tuple(random_inactive(10, active, 2, rng).tolist()) for _ in range(6000)]
    sets = list(itertools.combinations(inactive, 2))
    assert set(drawn) == set(sets)
    counts = np.array([drawn.count(pair) for pair in sets])
    # Chi-square of 14 degrees of freedom: 36.1 is exceeded once in 1000.
    assert np.sum((counts - 400) ** 2 / 400) < 36.1


def test_random_inactive_among_millions_needs_no_array_of_them():
    size = 10**12
    active = np.array([0, 5, size - 1])
    grown = random_inactive(size, active, 1000, np.random.default_rng(0))
    assert np.unique(grown).size == 1000
    assert grown[-1] > size // 2
