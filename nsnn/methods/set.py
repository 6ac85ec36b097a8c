"""SET: constant sparsity; drop the weights nearest 0 of either sign, grow as many at random.

Mocanu et al. 2018, "Scalable training of artificial neural networks with adaptive sparse
connectivity inspired by network science".
"""

import dataclasses
import math
from dataclasses import dataclass

from nsnn.errors import UserError
from nsnn.layers.parameter import Parameter
from nsnn.methods.base import Method
from nsnn.methods.drop_grow import DropGrow
from nsnn.methods.options import (
    require,
    require_distribution,
    require_fraction,
    require_rounds,
    require_sparsity,
)
from nsnn.sparsity.drop import smallest_per_sign
from nsnn.sparsity.grow import random_inactive
from nsnn.sparsity.schedule import Rounds, plan_rounds


class SET(DropGrow):
    """After an epoch, or ΔT steps, a fraction ζ of each layer's weights moves elsewhere.

    Source: SET (Mocanu et al. 2018) Algorithm 1

    Dropped are the fraction ζ of the positive weights nearest 0 and the fraction ζ of the
    negative weights nearest 0; grown are as many, uniformly among all positions that are inactive
    then, those just dropped among them. Grown weights start at small random values, with no
    optimiser state. The rounds follow a weight update; no update is skipped.
    """

    @dataclass(frozen=True)
    class Config(Method.Config):
        """Options of `[method]` for SET.

        Attributes
        ----------
        final_sparsity : float
            Over all prunable weights, in [0, 1); the same from the first step to the last.
        distribution : "erk", "er" or "uniform"
            How sparsity is shared among the layers. (SET's paper: ER. NDSNN compares at ERK.)
        update_every : int
            ΔT, steps from one round to the next. 0: once an epoch, as in SET's paper.
        end_fraction : float
            T_end as a fraction of the run, in (0, 1]: no round happens after it. In any case the
            last round is at least ΔT steps before the end of the run, so that what it grows is
            trained: SET's paper leaves out the round of the last epoch.
        drop_fraction : float
            ζ, in [0, 1]; 0.3 in SET's paper.
        grown_scale : float
            Grown weights are uniform in ±grown_scale/√fan_in, all inputs counted; 1 is the range
            of the initial weights, 0 starts them at 0. (SET's paper: "random small".)
        """

        final_sparsity: float = 0.95
        distribution: str = "erk"
        update_every: int = 0
        end_fraction: float = 1.0
        drop_fraction: float = 0.3
        grown_scale: float = 1.0

        def validate(self) -> None:
            """Raise UserError where a value is impossible."""
            require_sparsity(self, "final_sparsity")
            require_distribution(self)
            require_rounds(self)
            require_fraction(self, "drop_fraction")
            require(
                self,
                "grown_scale",
                0.0 <= self.grown_scale < math.inf,
                "use a finite number, 0 or more",
            )

    def plan(self, run) -> Rounds:
        """Rounds after every ΔT updates; the last leaves at least ΔT updates."""
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
        return dataclasses.replace(rounds, count=count)

    def after_update(self, step: int) -> None:
        """Rewire every layer where a round is due; `step` + 1 updates have been made."""
        if self.rounds.happens_at(step + 1):
            for layer in self.layers:
                self._evolve(layer.weights, step)

    def _evolve(self, p: Parameter, step: int) -> None:
        """Move the weights of one layer."""
        drop = smallest_per_sign(p.values(), self.config.drop_fraction)
        kept = p.positions()[~drop]
        grown = random_inactive(p.size, kept, p.active - kept.size, self.rng)
        bound = self.config.grown_scale / math.sqrt(p.shape[1])
        self.change(step, p, drop, grown, self.rng.uniform(-bound, bound, grown.size))
