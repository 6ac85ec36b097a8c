"""SD-SNN's rules on bounds, rates and positions: dendritic spines that shrink, neurons that go."""

import math

import numpy as np

MID = 60  # paper epochs, of the change from fast to slow pruning
FACTOR = 0.75  # ε, by which the bounds of a synapse contract that decays


def constrain(w, spines: dict, t_num: int, clip: bool = True) -> np.ndarray:
    """Set weights to their bounds, count, and move the bounds of those that were counted long.

    Source: SD-SNN Algorithm 1

    Parameters
    ----------
    w : ndarray of float, (active,)
    spines : dict of str to ndarray, each (active,)
        Changed in place: "upper" R+ and "lower" R−; "beyond", for how many epochs running w was
        above the upper (N+, positive) or below the lower (−N−), as it cannot be both; "excess",
        by how much in all (C+ or C−); "decays" N^d, epochs in which |w| fell; "previous" |w|.
    t_num : int
        T_num, in epochs.
    clip : bool
        False counts and moves the bounds all the same, but leaves the weights.

    Returns
    -------
    ndarray of float, (active,)
        The weights after it.
    """
    upper, lower, beyond, excess = (spines[k] for k in ("upper", "lower", "beyond", "excess"))
    decays, previous = spines["decays"], spines["previous"]
    above, below = w > upper, w < lower
    side = above.astype(np.int8) - below
    goes_on = np.sign(beyond) == side
    beyond[...] = np.where(goes_on, beyond, 0) + side
    excess[...] = np.where(goes_on, excess, 0) + above * (w - upper) + below * (lower - w)
    if clip:
        w = np.clip(w, lower, upper)
    decays[...] = np.where(np.abs(w) < previous, decays + 1, 0)
    # Counters start again when their rule has acted.
    up, low, shrink = beyond > t_num, beyond < -t_num, decays > t_num
    upper[up] += excess[up] / t_num
    lower[low] -= excess[low] / t_num
    beyond[up | low] = 0
    excess[up | low] = 0
    upper[shrink] *= FACTOR
    lower[shrink] *= FACTOR
    decays[shrink] = 0
    previous[...] = np.abs(w)
    return w


def importance(positions, upper, lower, shape) -> np.ndarray:
    """D_i = Σ_j (R+_ij − R−_ij) over the synapses that lead into neuron i; float64 (neurons,).

    Source: SD-SNN Eqs. 4, 5

    positions, upper, lower: (active,), of all synapses; shape: (neurons, inputs).
    """
    return np.bincount(positions // shape[1], upper - lower, minlength=shape[0])


def least_important(D, rate: float, listed) -> np.ndarray:
    """Mark the neurons that are pruned now: of the ⌊N ρ/100⌋ smallest D those not yet listed.

    Parameters
    ----------
    D : ndarray of float, (neurons,)
        Ties by index.
    rate : float
        ρ, in percent.
    listed : ndarray of bool, (neurons,)
        Pruned before.

    Returns
    -------
    ndarray of bool, (neurons,)
        One neuron stays unlisted in any case: the most important of those that were.

    Examples
    --------
    >>> import numpy as np
    >>> least_important(np.array([3.0, 0.0, 2.0, 1.0]), 60.0, np.array([False, True, False, False]))
    array([False, False, False,  True])
    """
    order = np.argsort(D, kind="stable")
    new = np.zeros(D.size, bool)
    new[order[: math.floor(D.size * rate / 100)]] = True
    new &= ~listed
    if (new | listed).all():
        new[order[~listed[order]][-1:]] = False
    return new


def rate_step(E: int, start: int, alpha: float, beta: float, ratio: float) -> float:
    """δ N^l/N^{l+1}: by how much the pruning rate ρ^l grows after paper epoch E, in percent.

    Source: SD-SNN Eqs. 6, 7

    δ = α e^{−(E − start)} up to epoch 60, then β; `ratio` N^l/N^{l+1} is to the layer it feeds.
    """
    return (alpha * math.exp(start - E) if E <= MID else beta) * ratio


def growth_rate(rate: float, E: int, start: int, first: float, literally: bool) -> float:
    """ρ_g after paper epoch E, in percent, 99 at most; `rate` before it, `first` at START.

    Source: SD-SNN Eq. 8

    Literally ρ_g + 1.1^{E−START}, else the value of public code, first + 1.1^{E−START−1}.

    Examples
    --------
    >>> [round(growth_rate(60, E, 36, 60, False), 1) for E in (40, 50, 60, 70, 76)]
    [61.3, 63.5, 69.0, 83.2, 99.0]
    """
    grown = rate + 1.1 ** (E - start) if literally else first + 1.1 ** (E - start - 1)
    return min(99.0, grown)


def admitted(score, positions, percent: float) -> np.ndarray:
    """Positions without a synapse whose score is above a percentile of all scores of the layer.

    score: (size,), not negative; positions: (active,), those with a synapse. int32, sorted.

    Examples
    --------
    >>> import numpy as np
    >>> admitted(np.array([4.0, 1.0, 3.0, 0.0, 2.0]), np.array([0]), 50.0)
    array([2], dtype=int32)
    """
    above = score > np.percentile(score, percent)
    above[positions] = False
    return np.flatnonzero(above).astype(np.int32)


class Streaks:
    """For how many epochs running positions have been admitted; of those of today alone.

    Attributes
    ----------
    positions : ndarray of int32, sorted
    epochs : ndarray of int16, like `positions`

    Examples
    --------
    >>> import numpy as np
    >>> streaks = Streaks(np.empty(0, np.int32), np.empty(0, np.int16))
    >>> for today in ([1, 4], [1, 7], [1, 7]):
    ...     streaks.extend(np.array(today, np.int32))
    >>> streaks.epochs
    array([3, 2], dtype=int16)
    >>> streaks.end(longer_than=2)
    array([1], dtype=int32)
    >>> streaks.positions
    array([7], dtype=int32)
    """

    def __init__(self, positions, epochs):
        self.positions, self.epochs = positions, epochs

    def extend(self, today) -> None:
        """One more epoch, in which the positions `today` (int32, sorted) are admitted."""
        epochs = np.ones(today.size, np.int16)
        _, now, before = np.intersect1d(today, self.positions, True, return_indices=True)
        epochs[now] += self.epochs[before]
        self.positions, self.epochs = today, epochs

    def end(self, longer_than: int) -> np.ndarray:
        """Take out, and return, the positions of streaks of more epochs than that."""
        done = self.epochs > longer_than
        ended, self.positions = self.positions[done], self.positions[~done]
        self.epochs = self.epochs[~done]
        return ended
