"""The k largest scores: the twin of `nsnn.kernels.select`."""

import numpy as np


def select_largest_update(block, column, cols, excluded, score, position):
    """Merge |block| into the best so far; returns the new score and position.

    Parameters
    ----------
    block : ndarray of float, shape (rows, n)
        The columns `column` to `column + n` of a matrix of `cols` columns.
    column, cols : int
    excluded : ndarray of int64
        Positions that do not compete. A NaN does not either.
    score, position : ndarray, shape (k,) or shorter
        The best so far, with k = the capacity passed as `score.size` when the first call gives
        `-inf` scores and position -1 for empty places.

    Returns
    -------
    score, position : ndarray, shape (k,), best first; ties by smaller position.
    """
    rows, n = block.shape
    own = (np.arange(rows)[:, None] * cols + column + np.arange(n)).ravel()
    block = block.ravel()
    allowed = ~np.isin(own, excluded) & ~np.isnan(block)
    all_scores = np.concatenate([score, np.abs(block[allowed])])
    all_positions = np.concatenate([position, own[allowed]])
    order = np.lexsort((all_positions, -all_scores))[: score.size]
    return all_scores[order], all_positions[order]
