"""Pruning a trained network: which weights to keep, and how many on each step of a ladder."""

import numpy as np

from nsnn.sparsity.drop import smallest_magnitude

# A last step that would take less than this fraction of the weights is joined to the one before.
_NOT_WORTH_A_STEP = 0.01


def largest_magnitude(values, count: int) -> np.ndarray:
    """Mark the `count` values farthest from zero, which are kept; see `smallest_magnitude`.

    Among equals those with the larger index.

    Examples
    --------
    >>> import numpy as np
    >>> largest_magnitude(np.array([0.3, -0.1, 0.1, -0.2]), 3)
    array([ True, False,  True,  True])
    """
    return ~smallest_magnitude(values, values.size - count)


def largest_overall(values, count: int) -> list[np.ndarray]:
    """Mark the `count` weights farthest from zero over all layers together.

    Source: NDSNN Table I (LTH: global magnitude pruning)

    Parameters
    ----------
    values : list of ndarray of float, each (active,)
        Of each layer, which may be left with few of them, or with none.
    count : int

    Returns
    -------
    list of ndarray of bool, each (active,)
        True where a weight is kept. Among equals the later layer, then the larger index stays.

    Examples
    --------
    >>> import numpy as np
    >>> largest_overall([np.array([0.1, -0.5]), np.array([0.3, 0.2])], 2)
    [array([False,  True]), array([ True, False])]
    """
    kept = largest_magnitude(np.concatenate(values), count)
    return np.split(kept, np.cumsum([v.size for v in values])[:-1])


def project(values, count: int) -> np.ndarray:
    """The nearest array with at most `count` entries that are not 0, a new one like `values`.

    Those with the largest |.| stay.

    Source: ADMM pruning, `Z = Π(W + U)` (what NDSNN Table II compares with)
    """
    kept = largest_magnitude(values.reshape(-1), count).reshape(values.shape)
    return np.where(kept, values, values.dtype.type(0))


def ladder_counts(size: int, prune_fraction: float, final_sparsity: float) -> np.ndarray:
    """Weights left after each prune of a fraction of what remains, down to an exact target.

    Source: NDSNN Table I (LTH: prunes of 25 % give its 43.75 … 89.99 %); stopping exactly at the
    target is ours

    Parameters
    ----------
    size : int
        N, all weights before the first prune.
    prune_fraction : float
        p in (0, 1), of the *remaining* weights.
    final_sparsity : float
        θ_f in [0, 1): where the last prune stops exactly.

    Returns
    -------
    ndarray of int64, shape (n,)
        `round(N (1 − p)^k)` for k = 1…n − 1, then `round(N (1 − θ_f))`. n is the smallest number
        with (1 − p)^n ≤ 1 − θ_f, or fewer where less than 1 % of the remaining weights is then
        left to prune: a target given as 0.8999 or 0.9 is the step 1 − .75⁸ = .8999 of the ladder.

    Examples
    --------
    >>> ladder_counts(1000, prune_fraction=0.25, final_sparsity=0.5)
    array([750, 562, 500])
    """
    if final_sparsity == 0.0:
        return np.empty(0, dtype=np.int64)
    counts, left, wanted = [], 1.0 - prune_fraction, 1.0 - final_sparsity
    while left * (1.0 - _NOT_WORTH_A_STEP) > wanted:
        counts.append(round(size * left))
        left *= 1.0 - prune_fraction
    return np.array([*counts, round(size * wanted)], dtype=np.int64)
