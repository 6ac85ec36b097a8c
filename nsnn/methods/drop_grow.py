"""What the methods of drop and grow share: a sparse start, rounds, exact counts, the log."""

import abc
from dataclasses import dataclass

import numpy as np

from nsnn.errors import RunError, UserError
from nsnn.layers.parameter import Parameter
from nsnn.methods.base import Method
from nsnn.methods.options import active_counts
from nsnn.sparsity.distribution import random_positions
from nsnn.sparsity.drop import smallest_magnitude
from nsnn.sparsity.grow import fill_up
from nsnn.sparsity.schedule import Rounds, plan_rounds


@dataclass(frozen=True)
class Layer:
    """A layer that takes part: its weights and how many are active at the start and the end."""

    weights: Parameter
    initial: int
    final: int


class DropGrow(Method):
    """Sparse from the first step: in rounds, weights are dropped and others grown.

    Each layer starts at random positions with its share of the sparsity. Layers whose share is
    dense at the final sparsity stay dense arrays and take no part. Needs the options
    `final_sparsity`, `distribution`, `update_every` and `end_fraction`.
    """

    start_option = "final_sparsity"  # of the sparsity at the start: here it stays constant

    def prepare(self, network, run, rng, log, storage="csr") -> None:
        """Share out the weights, plan the rounds, sparsify the layers at random positions."""
        super().prepare(network, run, rng, log, storage)
        initial = active_counts(self.config, self.start_option, self.prunable)
        self._final = active_counts(self.config, "final_sparsity", self.prunable)
        self.layers = [
            Layer(p, int(n_i), int(n_f))
            for p, n_i, n_f in zip(self.prunable, initial, self._final, strict=True)
            if n_f < p.size
        ]
        self.rounds = self.plan(run)
        for layer in self.layers:
            p = layer.weights
            p.sparsify(random_positions(p.shape, layer.initial, rng), storage)
            log.start(p.name, p.size, p.positions())

    def plan(self, run) -> Rounds:
        """The rounds of this run.

        Raises
        ------
        UserError
            Where none fits, and the method is nothing without.
        """
        every, fraction = self.config.update_every, self.config.end_fraction
        rounds = plan_rounds(run.total_steps, fraction, every)
        if rounds.count < 1 and self.needs_rounds():
            advice = "train longer or raise method.end_fraction"
            if rounds.end > 1:
                advice = f"set method.update_every to at most {rounds.end - 1}, or {advice}"
            raise UserError(
                f"method.update_every = {every}: no round of drop and grow fits into the first "
                f"{rounds.end} of {run.total_steps} steps (method.end_fraction = {fraction}): "
                + advice
            )
        return rounds

    def needs_rounds(self) -> bool:
        """Whether a run without a round would not be what the configuration asks for."""
        return bool(self.layers)

    def change(self, step: int, p: Parameter, drop, grown, values=None, raised=False) -> None:
        """Rewire a layer and log the net change.

        Parameters
        ----------
        step : int
        p : Parameter
        drop : ndarray of bool, shape (active,)
        grown : ndarray of int64, shape (grown,)
            Sorted; positions that `drop` marks may be among them, as new weights.
        values : ndarray of float, shape (grown,), optional
            Initial values of the grown weights; default 0.
        raised : bool
            See `TopologyLog.record`.
        """
        dropped = p.positions()[drop]
        p.rewire(~drop, grown, values)
        back = np.intersect1d(dropped, grown, assume_unique=True)
        self.log.record(
            step,
            p.name,
            dropped=np.setdiff1d(dropped, back, assume_unique=True),
            grown=np.setdiff1d(grown, back, assume_unique=True),
            raised=raised,
        )

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
            options = ", ".join(dict.fromkeys((self.start_option, "final_sparsity")))
            raise UserError(
                "the checkpoint was made with other numbers of weights per layer: resume it with "
                f"its own network, method.{options} and distribution"
            )
        super().restore(state)


@dataclass(frozen=True)
class _Round:
    """What a drop-and-grow step has decided for one layer before the backward."""

    weights: Parameter
    drop: np.ndarray  # bool (active,)
    grown: int  # wanted in all
    requested: int  # of them from the layer's backward
    raised: bool


class GradientGrowth(DropGrow, abc.ABC):
    """Drops the smallest weights and grows where the gradient is largest.

    On a drop-and-grow step no weight is updated. Grown weights start at 0 with no optimiser
    state, those that a round drops and grows back as well.
    """

    exclude_dropped = False  # whether what a round drops may grow back only for want of others

    @abc.abstractmethod
    def counts(self, layer: Layer, step: int) -> tuple[int, int, bool]:
        """How many weights of a layer the round at `step` drops and grows.

        Returns
        -------
        dropped, grown : int
        raised : bool
            Whether more are dropped than the method's own fraction says.
        """

    def before_backward(self, step: int) -> None:
        """On a drop-and-grow step: choose what to drop, ask the layers where to grow."""
        if self.rounds.happens_at(step):
            self._pending = [self._decide(layer, step) for layer in self.layers]

    def before_update(self, step: int) -> bool:
        """On a drop-and-grow step: rewire every layer instead of updating the weights."""
        if not (self.layers and self.rounds.happens_at(step)):
            return False
        for decided in self._pending:
            self._rewire(decided, step)
        self._pending = []
        return True

    def _decide(self, layer: Layer, step: int) -> _Round:
        """Mark what one layer drops and request what it may grow. Source: NDSNN Eqs. 6-9

        Which positions grow is known only after the backward, which has the gradient: `_rewire`.
        """
        p = layer.weights
        D, G, raised = self.counts(layer, step)
        positions = p.positions()
        drop = smallest_magnitude(p.values(), D)
        excluded = positions if self.exclude_dropped else positions[~drop]
        requested = min(G, p.size - excluded.size)
        if requested:
            p.request_growth(requested, excluded)
        return _Round(p, drop, G, requested, raised)

    def _rewire(self, decided: _Round, step: int) -> None:
        """Carry out the round of one layer."""
        p, drop = decided.weights, decided.drop
        grown = p.take_candidates() if decided.requested else np.empty(0, dtype=np.int64)
        if grown.size != decided.requested:
            raise RunError(
                f"step {step}: {p.name} has to grow {decided.requested} weights, but its gradient "
                f"gave {grown.size} positions; is the gradient finite?"
            )
        if self.exclude_dropped:
            scores = np.abs(p.active_gradient()[drop])
            grown = fill_up(grown, decided.grown, p.positions()[drop], scores)
        self.change(step, p, drop, np.sort(grown), raised=decided.raised)
