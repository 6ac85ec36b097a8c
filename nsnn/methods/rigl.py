"""RigL: constant sparsity; drop by magnitude, grow by gradient, moving ever fewer weights.

Evci et al. 2020, "Rigging the Lottery: Making All Tickets Winners".
"""

import math
from dataclasses import dataclass

from nsnn.methods.base import CostPlan
from nsnn.methods.drop_grow import GradientGrowth, Share, falling_plan
from nsnn.options import option
from nsnn.sparsity.schedule import drop_fraction_at


class RigL(GradientGrowth):
    """Every ΔT steps drop the smallest weights and grow as many, where |∂L/∂w| is largest.

    Source: RigL (Evci et al. 2020) Algorithm 1

    The fraction falls with a cosine from `drop_fraction` to 0 at T_end. On such a step no weight
    is updated; grown weights start at 0. What a round has just dropped competes with all other
    inactive positions, as Algorithm 1 says (`i ∉ θ \\ I_active`), and starts at 0 as well when it
    grows back. The first round is at ΔT: at step 0 the random weights say nothing yet. RigL's paper
    has ΔT = 100, for runs of tens of thousands of steps, T_end at 0.75 and its best results at ERK.
    """

    title = "RigL"

    @dataclass(frozen=True)
    class Config(GradientGrowth.Config):
        """Options of `[method]` for RigL, beside those of `GradientGrowth.Config`; α is its own."""

        drop_fraction: float = option(0.3, "fraction dropped, at first", at_least=0, at_most=1)

    def counts(self, share: Share, step: int) -> tuple[int, int, bool]:
        """As many to drop as to grow; never more."""
        # f_decay(t) = α/2 (1 + cos(tπ/T_end)): NDSNN's Eq. 5 with d_min = 0 that ends at T_end.
        fraction = drop_fraction_at(step, self.rounds.end, self.config.drop_fraction, 0.0)
        # k = ⌊f_decay(t) · (1 − s^l) N^l⌋
        k = math.floor(fraction * share.weights.active)
        return k, k, False

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """The same density throughout; each round logs what it drops and what it grows."""
        return falling_plan(config, length)
