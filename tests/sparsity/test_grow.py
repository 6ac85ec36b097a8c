"""Growing: order by score, ties by position, filling up from a reserve."""

import numpy as np

from nsnn.sparsity.grow import fill_up, largest_score


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
