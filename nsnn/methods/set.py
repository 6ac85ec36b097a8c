"""SET: constant sparsity; drop the weights nearest 0 of either sign, grow as many at random.

Mocanu et al. 2018, "Scalable training of artificial neural networks with adaptive sparse
connectivity inspired by network science".
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from nsnn.errors import UserError
from nsnn.layers.parameter import Parameter
from nsnn.methods.base import CostPlan
from nsnn.methods.drop_grow import DropGrow, Share, constant_plan
from nsnn.options import option
from nsnn.sparsity.drop import smallest_per_sign
from nsnn.sparsity.grow import random_inactive
from nsnn.sparsity.schedule import plan_rounds


class SET(DropGrow):
    """After an epoch, or ΔT steps, a fraction ζ of each layer's weights moves elsewhere.

    Source: SET (Mocanu et al. 2018) Algorithm 1

    Dropped are the fraction ζ of the positive weights nearest 0 and the fraction ζ of the
    negative weights nearest 0; grown are as many, uniformly among all positions that are inactive
    then, those just dropped among them. Grown weights start at small random values, with no
    optimiser state. The rounds follow a weight update; no update is skipped. SET's paper shares
    sparsity by ER; NDSNN compares at ERK.
    """

    title = "SET"

    @dataclass(frozen=True)
    class Config(DropGrow.Config):
        """Options of `[method]` for SET, beside those of `DropGrow.Config`.

        ΔT, T_end, ζ, and the range of what grows, by all inputs: 1 is that of the initial weights.
        (SET's paper: ζ = 0.3, "random small".) The last round is at least ΔT steps before the end,
        so that what it grows is trained: SET's paper leaves out that of the last epoch.
        """

        update_every: int = option(0, "steps between two rounds; 0: an epoch", at_least=0)
        end_fraction: float = option(1.0, "no round after this part of a run", above=0, at_most=1)
        drop_fraction: float = option(0.3, "fraction dropped of each sign", at_least=0, at_most=1)
        grown_scale: float = option(1.0, "range of grown weights in 1/√fan_in", at_least=0)

    def plan_ahead(self) -> None:
        """Rounds after every ΔT updates; the last leaves at least ΔT updates."""
        run = self.run
        every = self.config.update_every or run.steps_per_epoch
        rounds = plan_rounds(run.total_steps, self.config.end_fraction, every)
        count = max(min(rounds.count, run.total_steps // every - 1), 0)
        if not count and self.needs_rounds():
            longest = min(rounds.end - 1, run.total_steps // 2)
            advice = "train longer or raise method.end_fraction"
            if longest > 0:
                advice = f"set method.update_every to at most {longest}, or {advice}"
            epoch = "" if self.config.update_every else f" (once an epoch, {every} steps)"
            raise UserError(
                f"method.update_every = {self.config.update_every}{epoch}: a run of "
                f"{run.total_steps} steps (method.end_fraction = {self.config.end_fraction}) has "
                f"no round of drop and grow with {every} steps before and after it: {advice}"
            )
        self.rounds = dataclasses.replace(rounds, count=count)

    def after_update(self, step: int) -> None:
        """Rewire every layer where a round is due; `step` + 1 updates have been made."""
        if self.rounds.happens_at(step + 1):
            self.drop_and_grow(step)

    def counts(self, share: Share, step: int) -> tuple[int, int, bool]:
        """⌊ζ · count⌋ of each sign, as many to grow; never more."""
        negative = int(np.count_nonzero(share.weights.values() < 0))
        zeta = self.config.drop_fraction
        count = int(zeta * negative) + int(zeta * (share.weights.active - negative))
        return count, count, False

    def choose_drop(self, p: Parameter, count: int) -> np.ndarray:
        """The fraction ζ nearest 0 of either sign."""
        return smallest_per_sign(p.values(), self.config.drop_fraction)

    def choose_grow(self, p: Parameter, count: int, kept) -> np.ndarray:
        """Uniformly among all free positions."""
        return random_inactive(p.size, kept, count, self.rng)

    def initial_values(self, p: Parameter, count: int) -> np.ndarray:
        """Uniform in ±grown_scale/√fan_in."""
        bound = self.config.grown_scale / math.sqrt(p.shape[1])
        return self.rng.uniform(-bound, bound, count)

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """The same density throughout; each round logs what it drops and what it grows."""
        every = config.update_every or length.steps_per_epoch
        rounds = plan_rounds(length.total_steps, config.end_fraction, every).count
        return constant_plan(config, length, rounds, config.drop_fraction * rounds)
