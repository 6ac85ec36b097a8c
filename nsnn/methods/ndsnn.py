"""NDSNN: train from a sparse start, drop and grow, with ever fewer weights.

Huang et al., "Neurogenesis Dynamics-inspired Spiking Neural Network Training Acceleration".
"""

from dataclasses import dataclass

import numpy as np

from nsnn.errors import RunError, UserError
from nsnn.layers.parameter import Parameter
from nsnn.methods.base import Method
from nsnn.methods.options import active_counts, require, require_distribution
from nsnn.sparsity.distribution import random_positions
from nsnn.sparsity.drop import smallest_magnitude
from nsnn.sparsity.grow import fill_up
from nsnn.sparsity.schedule import (
    death_ratio_at,
    drop_and_grow_counts,
    plan_rounds,
    sparsity_at,
)


@dataclass(frozen=True)
class _Layer:
    """A layer that takes part: its weights and how many are active at the start and the end."""

    weights: Parameter
    initial: int
    final: int

    def target(self, step: int, span: int) -> int:
        """Weights wanted after the round at `step`. Source: NDSNN Eq. 4"""
        N = self.weights.size
        # The layer's own sparsities come from exact counts, so the last round lands exactly.
        theta = sparsity_at(step, span, 1.0 - self.initial / N, 1.0 - self.final / N)
        # N_target = round(N^l (1 − θ_t^l))
        return round(N * (1.0 - theta))


@dataclass(frozen=True)
class _Round:
    """What a drop-and-grow step has decided for one layer before the backward."""

    layer: _Layer
    positions: np.ndarray  # int64 (active,)
    drop: np.ndarray  # bool (active,)
    grown: int  # wanted in all
    requested: int  # of them from the layer's backward
    raised: bool


class NDSNN(Method):
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
            for key in ("initial_sparsity", "final_sparsity"):
                require(self, key, 0.0 <= getattr(self, key) < 1.0, "use a number in [0, 1)")
            if self.initial_sparsity > self.final_sparsity:
                raise UserError(
                    f"method.initial_sparsity = {self.initial_sparsity} is above "
                    f"method.final_sparsity = {self.final_sparsity}: NDSNN only becomes sparser; "
                    "lower the first or raise the second"
                )
            require_distribution(self)
            require(self, "update_every", self.update_every >= 0, "use steps > 0, or 0 to choose")
            require(self, "end_fraction", 0.0 < self.end_fraction <= 1.0, "use a number in (0, 1]")
            require(self, "death_ratio", 0.0 <= self.death_ratio <= 1.0, "use a number in [0, 1]")
            require(
                self,
                "death_ratio_min",
                0.0 <= self.death_ratio_min <= self.death_ratio,
                f"use a number in [0, method.death_ratio = {self.death_ratio}]",
            )

    def prepare(self, network, run, rng, log, storage="csr") -> None:
        """Share out the weights, sparsify the layers at random positions, plan the rounds."""
        super().prepare(network, run, rng, log, storage)
        initial = self._counts("initial_sparsity")
        final = self._counts("final_sparsity")
        self._final = final
        self.layers = [
            _Layer(p, int(n_i), int(n_f))
            for p, n_i, n_f in zip(self.prunable, initial, final, strict=True)
            if n_f < p.size
        ]
        self.rounds = self._plan(run)
        self._pending: list[_Round] = []
        for layer in self.layers:
            p = layer.weights
            p.sparsify(random_positions(p.shape, layer.initial, rng), storage)
            log.start(p.name, p.size, p.positions())

    def before_backward(self, step: int) -> None:
        """On a drop-and-grow step: choose what to drop, ask the layers where to grow."""
        if not self.rounds.happens_at(step):
            return
        d_t = death_ratio_at(
            step, self.rounds.span, self.config.death_ratio, self.config.death_ratio_min
        )
        self._pending = [self._decide(layer, step, d_t) for layer in self.layers]

    def before_update(self, step: int) -> bool:
        """On a drop-and-grow step: rewire every layer instead of updating the weights."""
        if not self.rounds.happens_at(step):
            return False
        for decided in self._pending:
            self._rewire(decided, step)
        self._pending = []
        return True

    def asked(self) -> dict[str, int]:
        """Active weights that each prunable parameter has to end with."""
        return {p.name: int(n) for p, n in zip(self.prunable, self._final, strict=True)}

    def state(self) -> dict[str, np.ndarray]:
        """As `Method.state`, with the counts of every layer that takes part."""
        counts = [(layer.initial, layer.final) for layer in self.layers]
        return super().state() | {"counts": np.array(counts, dtype=np.int64).reshape(-1, 2)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """As `Method.restore`; the counts must be those that `prepare` has found."""
        if not np.array_equal(state["counts"], self.state()["counts"]):
            raise UserError(
                "the checkpoint was made with other numbers of weights per layer: resume it with "
                "its own network, method.initial_sparsity, final_sparsity and distribution"
            )
        super().restore(state)

    def _counts(self, key: str) -> np.ndarray:
        """Weights of each prunable layer at the sparsity that option `key` gives."""
        return active_counts(self.config, key, self.prunable)

    def _plan(self, run):
        """The rounds of this run; at least one where the number of weights has to change."""
        every, fraction = self.config.update_every, self.config.end_fraction
        rounds = plan_rounds(run.total_steps, fraction, every)
        if rounds.count < 1 and any(layer.initial != layer.final for layer in self.layers):
            advice = "train longer or raise method.end_fraction"
            if rounds.end > 1:
                advice = f"set method.update_every to at most {rounds.end - 1}, or {advice}"
            raise UserError(
                f"method.update_every = {every}: no round of drop and grow fits into the first "
                f"{rounds.end} of {run.total_steps} steps (method.end_fraction = {fraction}): "
                + advice
            )
        return rounds

    def _decide(self, layer: _Layer, step: int, d_t: float) -> _Round:
        """Mark what one layer drops and request what it may grow. Source: NDSNN Eqs. 6-9

        Which positions grow is known only after the backward, which has the gradient: `_rewire`.
        """
        p = layer.weights
        D, G, raised = drop_and_grow_counts(p.active, layer.target(step, self.rounds.span), d_t)
        positions = p.positions()
        drop = smallest_magnitude(p.values(), D)
        excluded = positions if self.config.exclude_dropped else positions[~drop]
        requested = min(G, p.size - excluded.size)
        if requested:
            p.request_growth(requested, excluded)
        return _Round(layer, positions, drop, G, requested, raised)

    def _rewire(self, decided: _Round, step: int) -> None:
        """Carry out the round of one layer and log its net change."""
        p, drop = decided.layer.weights, decided.drop
        dropped = decided.positions[drop]
        grown = p.take_candidates() if decided.requested else np.empty(0, dtype=np.int64)
        if grown.size != decided.requested:
            raise RunError(
                f"step {step}: {p.name} has to grow {decided.requested} weights, but its gradient "
                f"gave {grown.size} positions; is the gradient finite?"
            )
        if self.config.exclude_dropped:
            grown = fill_up(grown, decided.grown, dropped, np.abs(p.active_gradient()[drop]))
        grown = np.sort(grown)
        p.rewire(~drop, grown)
        back = np.intersect1d(dropped, grown, assume_unique=True)
        self.log.record(
            step,
            p.name,
            dropped=np.setdiff1d(dropped, back, assume_unique=True),
            grown=np.setdiff1d(grown, back, assume_unique=True),
            raised=decided.raised,
        )
