"""When topology changes, and by how much: rounds, sparsity against step, death ratio."""

from dataclasses import dataclass

import numpy as np

from nsnn.errors import UserError

# Below n ≈ 100 rounds the death ratio often drops too few weights for the sparsity asked.
_ROUNDS_WANTED = 100
# A drop-and-grow step updates no weight: left to choose, at most one step in ten is one.
_SHORTEST_INTERVAL = 10


@dataclass(frozen=True)
class Rounds:
    """Rounds q = 1…n of drop and grow, at the steps t = q·ΔT < T_end."""

    every: int  # ΔT, in optimiser steps
    count: int  # n = ⌈T_end/ΔT⌉ − 1; 0 when no round fits
    end: int  # T_end, in optimiser steps: rounds happen strictly before it

    @property
    def span(self) -> int:
        """The step of the last round, nΔT."""
        return self.count * self.every

    def happens_at(self, step: int) -> bool:
        """Whether `step`, counted from 0, is a drop-and-grow step.

        Step 0 is none, though Algorithm 1 as printed has t mod ΔT = 0 there: rounds count from
        q = 1 (Eqs. 6-9), and at t = 0 the layers have their initial sparsity already.
        """
        return 0 < step <= self.span and step % self.every == 0


def plan_rounds(total_steps: int, end_fraction: float, every: int = 0) -> Rounds:
    """Place the rounds of drop and grow in a training run.

    Source: NDSNN Algorithm 1

    Parameters
    ----------
    total_steps : int
        Optimiser steps of the whole run.
    end_fraction : float
        T_end / total_steps, in (0, 1].
    every : int
        ΔT in steps. 0 chooses it: the longest interval with at least 100 rounds, but not less
        than 10 steps (then there are fewer rounds), nor more than lets one round happen.

    Notes
    -----
    Algorithm 1 stops at t < T_end, so with the paper's n = T_end/ΔT the last round would never
    run. With n = ⌈T_end/ΔT⌉ − 1 it does, and lands exactly on the final sparsity.

    Examples
    --------
    >>> plan_rounds(total_steps=400, end_fraction=0.75, every=100)
    Rounds(every=100, count=2, end=300)
    """
    if every < 0:
        raise UserError(f"interval of {every} steps between rounds: use a positive number, or 0")
    end = round(end_fraction * total_steps)
    if every == 0:
        every = max((end - 1) // _ROUNDS_WANTED, min(_SHORTEST_INTERVAL, end - 1), 1)
    # n = ⌈T_end/ΔT⌉ − 1
    count = max(-(-end // every) - 1, 0)
    return Rounds(every=every, count=count, end=end)


def sparsity_at(t, span, theta_i, theta_f):
    """Sparsity of a layer at step t: from θ_i fast, then ever slower to θ_f, where it stays.

    Source: NDSNN Eq. 4

    Parameters
    ----------
    t : int or ndarray of int
        Optimiser step, counted from t0 = 0.
    span : int
        nΔT, the step of the last round.
    theta_i, theta_f : float
        Initial and final sparsity of the layer, in [0, 1].

    Returns
    -------
    float, or ndarray of float64 like `t`
    """
    progress = np.clip(t / span, 0.0, 1.0)
    # θ_t = θ_f + (θ_i − θ_f)(1 − (t − t0)/(nΔT))³
    return theta_f + (theta_i - theta_f) * (1.0 - progress) ** 3


def drop_fraction_at(t, span, d_0, d_min):
    """Fraction of the active weights that is dropped at step t, before growing.

    Source: NDSNN Eq. 5 (printed without t0)

    Parameters
    ----------
    t, span
        As for `sparsity_at`.
    d_0, d_min : float
        That fraction (the death ratio) at the start and at the last round.
    """
    progress = np.clip(t / span, 0.0, 1.0)
    # d_t = d_min + ½(d_0 − d_min)(1 + cos(π(t − t0)/(nΔT)))
    return d_min + 0.5 * (d_0 - d_min) * (1.0 + np.cos(np.pi * progress))


def drop_and_grow_counts(active, target, death_ratio) -> tuple[int, int, bool]:
    """How many weights of a layer a round drops and grows.

    Source: NDSNN Eqs. 6, 7, 8, 9

    Parameters
    ----------
    active : int
        Weights before the round, N_pre.
    target : int
        Weights after the round, `N_target = round(N^l (1 − θ_t^l))`; at most `active`.
    death_ratio : float
        d_t.

    Returns
    -------
    dropped, grown : int
        D and G, with `active − D + G = target`.
    forced : bool
        Whether D had to be raised above the death ratio's because G would be negative.

    Notes
    -----
    Taken literally Eq. 9 asks for a negative number of weights in late rounds, where the schedule
    removes more than the death ratio drops.
    """
    # D = max(⌊d_t·N_pre⌋, N_pre − N_target)
    by_ratio, needed = int(np.floor(death_ratio * active)), active - target
    dropped = max(by_ratio, needed)
    # G = N_target − (N_pre − D)
    return dropped, target - (active - dropped), needed > by_ratio
