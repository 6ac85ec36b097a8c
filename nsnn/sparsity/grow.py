"""Which positions to grow: at random, or among candidates whose scores are at hand.

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


def random_inactive(size: int, active, count: int, rng) -> np.ndarray:
    """`count` different inactive positions, each set of that size equally likely.

    Parameters
    ----------
    size : int
        N^l, all positions.
    active : ndarray of int64, shape (active,)
        Sorted.
    count : int
        At most size − active.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (count,)
        Sorted.

    Notes
    -----
    No array of `size`: the r-th inactive position, r drawn, is r plus the number of active ones
    before it. Only where a good part of the inactive positions is asked for does NumPy draw r
    from an array of them all, freed at once.

    Examples
    --------
    >>> import numpy as np
    >>> random_inactive(6, np.array([0, 2, 5]), 3, np.random.default_rng(0))
    array([1, 3, 4])
    """
    r = np.sort(rng.choice(size - active.size, size=count, replace=False, shuffle=False))
    inactive_before = active - np.arange(active.size)  # each active position
    return r + np.searchsorted(inactive_before, r, side="right")
