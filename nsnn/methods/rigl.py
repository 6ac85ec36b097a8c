"""RigL: constant sparsity; drop by magnitude, grow by gradient, moving ever fewer weights.

Evci et al. 2020, "Rigging the Lottery: Making All Tickets Winners".
"""

import math
from dataclasses import dataclass

from nsnn.methods.base import Method
from nsnn.methods.drop_grow import GradientGrowth, Layer
from nsnn.methods.options import (
    require_distribution,
    require_fraction,
    require_rounds,
    require_sparsity,
)
from nsnn.sparsity.schedule import death_ratio_at


class RigL(GradientGrowth):
    """Every ΔT steps drop the smallest weights and grow as many, where |∂L/∂w| is largest.

    Source: RigL (Evci et al. 2020) Algorithm 1

    The fraction falls with a cosine from `drop_fraction` to 0 at T_end. On such a step no weight
    is updated; grown weights start at 0. What a round has just dropped competes with all other
    inactive positions, as Algorithm 1 says (`i ∉ θ \\ I_active`), and starts at 0 as well when it
    grows back. The first round is at ΔT: at step 0 the random weights say nothing yet.
    """

    @dataclass(frozen=True)
    class Config(Method.Config):
        """Options of `[method]` for RigL.

        Attributes
        ----------
        final_sparsity : float
            Over all prunable weights, in [0, 1); the same from the first step to the last.
        distribution : "erk", "er" or "uniform"
            How sparsity is shared among the layers. The best results of RigL's paper are ERK's.
        update_every : int
            ΔT, steps from one round of drop and grow to the next; 100 in RigL's paper, for runs of
            tens of thousands of steps. 0 chooses it as for NDSNN: about 100 rounds, at least 10
            steps apart.
        end_fraction : float
            T_end as a fraction of the run, in (0, 1]: no round happens after it; 0.75 there.
        drop_fraction : float
            α, the fraction of a layer's weights that would be dropped at step 0, in [0, 1]; 0.3
            there.
        """

        final_sparsity: float = 0.95
        distribution: str = "erk"
        update_every: int = 0
        end_fraction: float = 0.75
        drop_fraction: float = 0.3

        def validate(self) -> None:
            """Raise UserError where a value is impossible."""
            require_sparsity(self, "final_sparsity")
            require_distribution(self)
            require_rounds(self)
            require_fraction(self, "drop_fraction")

    def counts(self, layer: Layer, step: int) -> tuple[int, int, bool]:
        """As many to drop as to grow; never raised."""
        # f_decay(t) = α/2 (1 + cos(tπ/T_end)): NDSNN's Eq. 5 with d_min = 0 that ends at T_end.
        fraction = death_ratio_at(step, self.rounds.end, self.config.drop_fraction, 0.0)
        # k = ⌊f_decay(t) · (1 − s^l) N^l⌋
        k = math.floor(fraction * layer.weights.active)
        return k, k, False
