"""NDSNN: train from a sparse start, drop and grow, with ever fewer weights.

Huang et al., "Neurogenesis Dynamics-inspired Spiking Neural Network Training Acceleration".
"""

import math
from dataclasses import dataclass

import numpy as np

from nsnn.errors import UserError
from nsnn.methods.base import CostPlan, dense_names
from nsnn.methods.drop_grow import GradientGrowth, Share
from nsnn.options import option
from nsnn.sparsity.distribution import layer_counts
from nsnn.sparsity.schedule import drop_and_grow_counts, drop_fraction_at, plan_rounds, sparsity_at


class NDSNN(GradientGrowth):
    """Drop the smallest weights and grow fewer, where the gradient is largest.

    Source: NDSNN Algorithm 1

    Each layer starts with random positions at its share of `initial_sparsity`. Every ΔT steps a
    round drops a fraction of its weights and grows some, so that its sparsity follows Eq. 4 to
    `final_sparsity`. On such a step no weight is updated. Grown weights start at 0. Layers whose
    share is dense at the final sparsity stay dense arrays and take no part. A position dropped in
    a round may grow back in it: Algorithm 1 multiplies by M_l == 0 after dropping.
    """

    title = "NDSNN"

    @dataclass(frozen=True)
    class Config(GradientGrowth.Config):
        """Options of `[method]` for NDSNN, beside those of `GradientGrowth.Config`.

        θ_i, d_0, d_min of Eq. 5 as in ITOP, reference 20: the paper has no numbers, and no ΔT.
        """

        initial_sparsity: float = option(0.8, "share left out at the start", at_least=0, below=1)
        death_ratio: float = option(0.5, "fraction dropped, at first", at_least=0, at_most=1)
        death_ratio_min: float = option(0.005, "the same in the last round", at_least=0, at_most=1)

        def validate(self) -> None:
            super().validate()
            if self.initial_sparsity > self.final_sparsity:
                raise UserError(
                    f"method.initial_sparsity = {self.initial_sparsity} is above "
                    f"method.final_sparsity = {self.final_sparsity}: NDSNN only becomes sparser; "
                    "lower the first or raise the second"
                )
            if self.death_ratio_min > self.death_ratio:
                raise UserError(
                    f"method.death_ratio_min = {self.death_ratio_min}: use a number in "
                    f"[0, method.death_ratio = {self.death_ratio}]"
                )

    start_option = "initial_sparsity"

    def needs_rounds(self) -> bool:
        """Only where the number of weights has to change."""
        return any(share.initial != share.final for share in self.shares)

    def counts(self, share: Share, step: int) -> tuple[int, int, bool]:
        """D, G and whether D had to be raised. Source: NDSNN Eqs. 5-9"""
        d_0, d_min = self.config.death_ratio, self.config.death_ratio_min
        d_t = drop_fraction_at(step, self.rounds.span, d_0, d_min)
        return drop_and_grow_counts(share.weights.active, self._target(share, step), d_t)

    @classmethod
    def asked_sparsity(cls, config, total_steps, dims, initial) -> dict:
        """Eq. 4 of each layer; see `Method.asked_sparsity`."""
        span = plan_rounds(total_steps, config.end_fraction, config.update_every).span
        dense = dense_names(config.dense_layers, list(dims))
        dims = {name: shape for name, shape in dims.items() if name not in dense}
        final = layer_counts(config.distribution, list(dims.values()), 1.0 - config.final_sparsity)
        t, asked = np.linspace(0, total_steps, 301), {}
        for (name, shape), count in zip(dims.items(), final, strict=True):
            if name in initial and span:
                N = math.prod(shape)
                theta_i, theta_f = 1.0 - initial[name] / N, 1.0 - count / N
                asked[name] = (t, sparsity_at(t, span, theta_i, theta_f))
        return asked

    def _target(self, share: Share, step: int) -> int:
        """Weights wanted after the round at `step`. Source: NDSNN Eq. 4"""
        N = share.weights.size
        # The layer's own sparsities come from exact counts, so the last round lands exactly.
        theta_i, theta_f = 1.0 - share.initial / N, 1.0 - share.final / N
        theta = sparsity_at(step, self.rounds.span, theta_i, theta_f)
        # N_target = round(N^l (1 − θ_t^l))
        return round(N * (1.0 - theta))

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """The density of Eq. 4 after the last round; each round logs what it drops and grows."""
        c = config
        rounds = plan_rounds(length.total_steps, c.end_fraction, c.update_every)
        done = np.minimum(np.arange(length.total_steps) // rounds.every, rounds.count)
        steps, span = rounds.every * np.arange(rounds.count + 1), max(rounds.span, 1)
        after = 1.0 - sparsity_at(steps, span, c.initial_sparsity, c.final_sparsity)
        lost = after[:-1] - after[1:]
        drop = drop_fraction_at(steps[1:], span, c.death_ratio, c.death_ratio_min) * after[:-1]
        drop = np.maximum(drop, lost)
        density = after[done].reshape(length.epochs, -1).mean(axis=1)
        logged = after[0] + (2.0 * drop - lost).sum()
        return CostPlan(density, logged=logged, rounds=rounds.count)
