"""Growing: the largest |gradient| of a stream of blocks, ties by position; uniform at random."""

import itertools

import numpy as np
import pytest

from nsnn.sparsity.grow import TopK, random_inactive


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(30))
def test_the_best_of_blocks_are_the_best_of_all(seed, ties):
    rng = np.random.default_rng([seed, ties])
    rows, cols = rng.integers(1, 9), rng.integers(1, 30)
    gradient = rng.normal(size=(rows, cols)).astype(np.float32)
    if ties:
        gradient = np.round(gradient)
    excluded = np.flatnonzero(rng.random(rows * cols) < rng.random())
    k, width = int(rng.integers(0, rows * cols + 3)), int(rng.integers(1, cols + 1))
    top = TopK((rows, cols), k, excluded)
    for first in range(0, cols, width):
        columns = slice(first, min(first + width, cols))
        top(columns, gradient[:, columns].copy())
    free = np.setdiff1d(np.arange(rows * cols), excluded)
    order = np.lexsort((free, -np.abs(gradient.reshape(-1)[free])))
    np.testing.assert_array_equal(top.positions(), free[order[:k]])


def test_a_nan_never_competes():
    top = TopK((1, 4), 4, np.empty(0, np.int64))
    top(slice(0, 4), np.array([[np.nan, 1.0, -np.inf, 0.0]]))
    assert top.positions().tolist() == [2, 1, 3]


@pytest.mark.parametrize("seed", range(40))
def test_random_inactive_is_sorted_unique_and_inactive(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 50))
    active = np.flatnonzero(rng.random(size) < rng.random())
    free = np.setdiff1d(np.arange(size), active)
    count = int(rng.integers(0, free.size + 1))
    grown = random_inactive(size, active, count, rng)
    assert (grown.dtype, grown.size) == (np.int64, count)
    np.testing.assert_array_equal(grown, np.intersect1d(free, grown))
    np.testing.assert_array_equal(random_inactive(size, active, free.size, rng), free)


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
