"""Which weights to drop."""

import numpy as np


def smallest_magnitude(values, count: int) -> np.ndarray:
    """Mark the `count` weights closest to zero; among equals those with the smaller index.

    Source: NDSNN III-C step 3 ("the smallest positive weights and the largest negative weights"),
    ArgDrop of Algorithm 1

    Parameters
    ----------
    values : ndarray of float, shape (active,)
        Active weights, in the order of their positions.
    count : int
        Between 0 and active.

    Returns
    -------
    ndarray of bool, shape (active,)
        True where a weight is dropped.

    Notes
    -----
    O(active) time, by selection; two temporary arrays like `values`.

    Examples
    --------
    >>> import numpy as np
    >>> smallest_magnitude(np.array([0.3, -0.1, 0.1, -0.2]), 1)
    array([False,  True, False, False])
    """
    if count == 0:
        return np.zeros(values.size, dtype=bool)
    magnitude = np.abs(values)
    cut = np.partition(magnitude, count - 1)[count - 1]
    dropped = magnitude < cut
    ties = np.flatnonzero(magnitude == cut)
    dropped[ties[: count - np.count_nonzero(dropped)]] = True
    return dropped
