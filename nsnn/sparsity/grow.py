"""Which positions to grow, among candidates whose scores are at hand.

NDSNN's own rule, the largest |dL/dw| among inactive positions, needs gradients that exist only
during the backward: `nsnn.layers.growth` finds those positions.
"""

import numpy as np


def largest_score(positions, scores, count: int) -> np.ndarray:
    """The `count` positions with the largest score, in order of falling score.

    Parameters
    ----------
    positions : ndarray of int64, shape (n,)
        Sorted.
    scores : ndarray of float, shape (n,)
        |dL/dw|, for example.
    count : int
        At most n.

    Returns
    -------
    ndarray of int64, shape (count,)
        Among equal scores the smaller position comes first.
    """
    order = np.argsort(-scores, kind="stable")
    return positions[order[:count]]


def fill_up(candidates, count: int, reserve, scores) -> np.ndarray:
    """The first `count` candidates; where they are too few, the best of a reserve as well.

    NDSNN with `exclude_dropped` uses it: the reserve is what the round has just dropped.

    Parameters
    ----------
    candidates : ndarray of int64, shape (c,)
        Best first.
    count : int
    reserve : ndarray of int64, shape (r,)
        Sorted; disjoint from the candidates.
    scores : ndarray of float, shape (r,)

    Returns
    -------
    ndarray of int64, shape (min(count, c + r),)
    """
    missing = count - candidates.size
    if missing <= 0:
        return candidates[:count]
    return np.concatenate([candidates, largest_score(reserve, scores, missing)])
