"""Pruning rules: the projection, the ladder of the lottery-ticket papers; LTH's: test_lth.py."""

import numpy as np
import pytest

from nsnn.sparsity.prune import ladder_counts, project

# Percent pruned after 1, 2, … prunes of a quarter of what is left, as the papers print them.
LADDER = [25, 43.75, 57.81, 68.36, 76.27, 82.20, 86.65, 89.99, 92.49]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_project_is_the_nearest_sparse_array(dtype):
    values = np.random.default_rng(2).normal(size=(3, 4)).astype(dtype)
    before = values.copy()
    Z = project(values, 5)
    assert Z.dtype == dtype
    np.testing.assert_array_equal(values, before)
    fifth = np.sort(np.abs(values), axis=None)[-5]
    np.testing.assert_array_equal(Z, np.where(np.abs(values) >= fifth, values, 0))


@pytest.mark.parametrize(("prunes", "percent"), list(enumerate(LADDER, 1)))
def test_the_papers_ladder(prunes, percent):
    N = 1_000_000
    exact = 1 - 0.75**prunes
    assert round(100 * exact, 2) == pytest.approx(percent, abs=0.011)
    for theta in (exact, percent / 100):
        counts = ladder_counts(N, 0.25, theta)
        assert counts.size == prunes
        assert counts[-1] == round(N * (1 - theta))
        expected = [round(N * 0.75**k) for k in range(1, prunes)]
        np.testing.assert_array_equal(counts[:-1], expected)


@pytest.mark.parametrize("p", [0.1, 0.2, 0.3, 0.5, 0.9])
def test_a_target_on_the_ladder_takes_no_further_prune(p):
    for k in range(1, 13):
        assert ladder_counts(10**6, p, 1 - (1 - p) ** k).size == k


def test_the_ladder_stops_exactly_and_never_grows():
    rng = np.random.default_rng(3)
    for _ in range(300):
        N = int(rng.integers(1, 100_000))
        p, theta = rng.uniform(0.02, 0.98), rng.uniform(0.0, 0.999)
        counts = ladder_counts(N, p, theta)
        assert counts.dtype == np.int64
        assert counts[-1] == round(N * (1 - theta))
        assert np.all(np.diff(counts, prepend=N) <= 0)
        # Each prune takes p of what is left, the last one less, or hardly more.
        left = np.concatenate([[N], counts[:-1]])
        assert np.all(left - counts <= np.ceil((p + 0.011) * left) + 1)
