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


def smallest_per_sign(values, fraction: float) -> np.ndarray:
    """Mark a fraction of the positive and the same fraction of the negative weights, nearest 0.

    Source: SET (Mocanu et al. 2018) Algorithm 1 ("remove a fraction ζ of the smallest positive
    weights; remove a fraction ζ of the largest negative weights")

    Parameters
    ----------
    values
        As for `smallest_magnitude`; 0 counts as positive.
    fraction : float
        ζ, in [0, 1].

    Returns
    -------
    ndarray of bool, shape (active,)
        True where a weight is dropped: ⌊ζ · count⌋ of each sign, of equals the first.

    Notes
    -----
    The signs apart, so that the balance of excitation and inhibition stays: one cut for both
    would take most from the sign whose weights are smaller. O(active) time.

    Examples
    --------
    >>> import numpy as np
    >>> smallest_per_sign(np.array([0.3, -5.0, 0.1, -4.0, 0.2]), 0.5)
    array([False, False,  True,  True, False])
    """
    dropped = np.zeros(values.size, dtype=bool)
    negative = values < 0
    for sign in (np.flatnonzero(~negative), np.flatnonzero(negative)):
        dropped[sign] = smallest_magnitude(values[sign], int(fraction * sign.size))
    return dropped
