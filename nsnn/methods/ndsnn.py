"""NDSNN: train from a sparse start, drop and grow, with ever fewer weights.

Huang et al., "Neurogenesis Dynamics-inspired Spiking Neural Network Training Acceleration".
"""

import math
from dataclasses import dataclass

import numpy as np

from nsnn.errors import UserError
from nsnn.methods.base import Method
from nsnn.methods.drop_grow import GradientGrowth, Layer
from nsnn.methods.options import (
    require,
    require_distribution,
    require_fraction,
    require_rounds,
    require_sparsity,
)
from nsnn.sparsity.distribution import layer_counts
from nsnn.sparsity.schedule import death_ratio_at, drop_and_grow_counts, plan_rounds, sparsity_at


class NDSNN(GradientGrowth):
    """Drop the smallest weights and grow fewer, where the gradient is largest.

    Source: NDSNN Algorithm 1

    Each layer starts with random positions at its share of `initial_sparsity`. Every ΔT steps a
    round drops a fraction of its weights and grows some, so that its sparsity follows Eq. 4 to
    `final_sparsity`. On such a step no weight is updated. Grown weights start at 0. Layers whose
    share is dense at the final sparsity stay dense arrays and take no part.
    """

    @dataclass(frozen=True)
    class Config(Method.Config):
        """Options of `[method]` for NDSNN.

        Attributes
        ----------
        initial_sparsity, final_sparsity : float
            θ_i and θ_f over all prunable weights, in [0, 1).
        distribution : "erk", "er" or "uniform"
            How sparsity is shared among the layers. The paper uses ERK.
        update_every : int
            ΔT, steps from one round of drop and grow to the next. 0 chooses it from the length of
            the run: about 100 rounds, at least 10 steps apart. (The paper gives no number.)
        end_fraction : float
            T_end as a fraction of the run, in (0, 1]: no round happens after it.
        death_ratio, death_ratio_min : float
            d_0 and d_min of Eq. 5, in [0, 1]. (The paper gives no numbers; as in ITOP, its
            reference 20.)
        exclude_dropped : bool
            Whether a position dropped in a round may not grow back in the same round, unless
            there are too few others. (Algorithm 1 multiplies by M_l == 0 after dropping, which
            allows it.)
        """

        initial_sparsity: float = 0.8
        final_sparsity: float = 0.95
        distribution: str = "erk"
        update_every: int = 0
        end_fraction: float = 0.75
        death_ratio: float = 0.5
        death_ratio_min: float = 0.005
        exclude_dropped: bool = False

        def validate(self) -> None:
            """Raise UserError where a value is impossible, alone or with another."""
            require_sparsity(self, "initial_sparsity")
            require_sparsity(self, "final_sparsity")
            if self.initial_sparsity > self.final_sparsity:
                raise UserError(
                    f"method.initial_sparsity = {self.initial_sparsity} is above "
                    f"method.final_sparsity = {self.final_sparsity}: NDSNN only becomes sparser; "
                    "lower the first or raise the second"
                )
            require_distribution(self)
            require_rounds(self)
            require_fraction(self, "death_ratio")
            require(
                self,
                "death_ratio_min",
                0.0 <= self.death_ratio_min <= self.death_ratio,
                f"use a number in [0, method.death_ratio = {self.death_ratio}]",
            )

    start_option = "initial_sparsity"

    @property
    def exclude_dropped(self) -> bool:
        """Whether what a round drops may grow back only for want of others."""
        return self.config.exclude_dropped

    def needs_rounds(self) -> bool:
        """Only where the number of weights has to change."""
        return any(layer.initial != layer.final for layer in self.layers)

    def counts(self, layer: Layer, step: int) -> tuple[int, int, bool]:
        """D, G and whether D had to be raised. Source: NDSNN Eqs. 5-9"""
        d_0, d_min = self.config.death_ratio, self.config.death_ratio_min
        d_t = death_ratio_at(step, self.rounds.span, d_0, d_min)
        return drop_and_grow_counts(layer.weights.active, self._target(layer, step), d_t)

    @classmethod
    def asked_sparsity(cls, config, total_steps, dims, initial) -> dict:
        """Eq. 4 of each layer; see `Method.asked_sparsity`."""
        span = plan_rounds(total_steps, config.end_fraction, config.update_every).span
        final = layer_counts(config.distribution, list(dims.values()), 1.0 - config.final_sparsity)
        t, asked = np.linspace(0, total_steps, 301), {}
        for (name, shape), count in zip(dims.items(), final, strict=True):
            if name in initial and span:
                N = math.prod(shape)
                theta_i, theta_f = 1.0 - initial[name] / N, 1.0 - count / N
                asked[name] = (t, sparsity_at(t, span, theta_i, theta_f))
        return asked

    def _target(self, layer: Layer, step: int) -> int:
        """Weights wanted after the round at `step`. Source: NDSNN Eq. 4"""
        N = layer.weights.size
        # The layer's own sparsities come from exact counts, so the last round lands exactly.
        theta_i, theta_f = 1.0 - layer.initial / N, 1.0 - layer.final / N
        theta = sparsity_at(step, self.rounds.span, theta_i, theta_f)
        # N_target = round(N^l (1 − θ_t^l))
        return round(N * (1.0 - theta))
