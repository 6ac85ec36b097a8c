"""Which positions to grow: at random, or where a dense gradient is largest."""

import numpy as np


class TopK:
    """An observer that keeps the k largest |gradient| outside of some positions.

    Source: NDSNN Algorithm 1 (ArgGrow)

    Parameters
    ----------
    shape : tuple of int
        (rows, cols) of the weight.
    k : int
    excluded : ndarray of int64
        Flat positions that do not compete, such as the active ones.

    Notes
    -----
    Given to `Parameter.observe`, it sees the gradient block by block. It holds what may still be
    among the best, at most about 2k entries and a block, and lets the worse half go when there are
    more; most entries of a block cost one comparison. A NaN never competes.

    Examples
    --------
    >>> import numpy as np
    >>> top = TopK((2, 2), k=2, excluded=np.array([0]))
    >>> top(slice(0, 2), np.array([[9.0, 1.0], [-3.0, 2.0]]))
    >>> top.positions()
    array([2, 3])
    """

    def __init__(self, shape, k: int, excluded):
        self.k = k
        self._cols = shape[1]
        self._score, self._position = np.empty(0), np.empty(0, dtype=np.int64)
        self._least = 0.0  # what is below cannot be among the best
        row, col = np.divmod(np.asarray(excluded, dtype=np.int64), self._cols)
        order = np.argsort(col, kind="stable")
        self._excluded_row, self._excluded_col = row[order], col[order]

    def __call__(self, columns: slice, block) -> None:
        """Take the best of a block (rows, width), the gradient at these columns."""
        if not self.k:
            return
        score = np.abs(block)
        span = slice(*np.searchsorted(self._excluded_col, (columns.start, columns.stop)))
        score[self._excluded_row[span], self._excluded_col[span] - columns.start] = -1
        able = np.flatnonzero(score >= self._least)
        row, col = np.divmod(able, block.shape[1])
        self._score = np.concatenate([self._score, score.reshape(-1)[able]])
        self._position = np.concatenate([self._position, row * self._cols + columns.start + col])
        if self._score.size > 2 * self.k:
            self._let_go()

    def positions(self) -> np.ndarray:
        """The positions found, largest |gradient| first, ties by position; int64, shape (≤ k,)."""
        self._let_go()
        return self._position[np.lexsort((self._position, -self._score))]

    def _let_go(self) -> None:
        """Keep the k best, among equals those with the smaller positions."""
        if self._score.size <= self.k:
            return
        self._least = np.partition(self._score, -self.k)[-self.k]
        stays = self._score > self._least
        ties = np.flatnonzero(self._score == self._least)
        ties = ties[np.argsort(self._position[ties])]
        stays[ties[: self.k - np.count_nonzero(stays)]] = True
        self._score, self._position = self._score[stays], self._position[stays]


def random_inactive(size: int, active, count: int, rng) -> np.ndarray:
    """`count` different inactive positions, each set of that size equally likely.

    Parameters
    ----------
    size, count : int
        N^l, all positions; at most size − active.
    active : ndarray of int64, shape (active,)
        Sorted.
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
