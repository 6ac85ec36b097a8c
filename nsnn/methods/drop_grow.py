"""What the methods of drop and grow share: a sparse start, rounds, exact counts, the log."""

import abc
from dataclasses import dataclass

import numpy as np

from nsnn.errors import RunError, UserError
from nsnn.layers.parameter import Parameter
from nsnn.methods.base import CostPlan, SharedSparsity
from nsnn.options import option
from nsnn.sparsity.distribution import random_positions
from nsnn.sparsity.drop import smallest_magnitude
from nsnn.sparsity.grow import TopK
from nsnn.sparsity.schedule import drop_fraction_at, plan_rounds


@dataclass(frozen=True)
class Share:
    """A layer that takes part: its weights and how many are active at the start and the end."""

    weights: Parameter
    initial: int
    final: int


class SparseStart(SharedSparsity):
    """Sparse from the first step: each layer starts at random positions with its share.

    Layers whose share is dense at the final sparsity stay dense arrays and take no part.
    """

    takes_topology = True
    start_option = "final_sparsity"  # the option that says the sparsity at the start

    def prepare(self, network, run, rng, log) -> None:
        """Share out the weights and sparsify the layers at random positions."""
        super().prepare(network, run, rng, log)
        initial, final = self.counts_at(self.start_option), self.counts_at("final_sparsity")
        self.aim_at(final)
        self.shares = [
            Share(p, int(n_i), int(n_f))
            for p, n_i, n_f in zip(self.prunable, initial, final, strict=True)
            if n_f < p.size
        ]
        self.plan_ahead()
        for share in self.shares:
            p = share.weights
            positions = random_positions(p.shape, share.initial, rng)
            given = self.first_positions.get(p.name, positions)
            p.sparsify(given if given.size == share.initial else positions)
            log.start(p.name, p.size, p.positions())

    def plan_ahead(self) -> None:
        """What can be refused before a weight is touched."""

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """The same density throughout; the start is logged."""
        return constant_plan(config, length)


class DropGrow(SparseStart, abc.ABC):
    """In rounds, a layer's weights are dropped and others grown.

    A rule of your own overrides `choose_drop` or `choose_grow`.
    """

    @dataclass(frozen=True)
    class Config(SharedSparsity.Config):
        """As `SharedSparsity.Config`, with ΔT and T_end; `plan_rounds` says how ΔT = 0 chooses."""

        update_every: int = option(0, "steps between two rounds; 0 chooses", at_least=0)
        end_fraction: float = option(0.75, "no round after this part of a run", above=0, at_most=1)

    @abc.abstractmethod
    def counts(self, share: Share, step: int) -> tuple[int, int, bool]:
        """How many weights of a layer the round at `step` drops and grows.

        Returns
        -------
        dropped, grown : int
        forced : bool
            Whether more are dropped than the method's own fraction says.
        """

    def choose_drop(self, p: Parameter, count: int) -> np.ndarray:
        """Which weights a round drops: the `count` smallest |w|.

        Parameters
        ----------
        p : Parameter
        count : int

        Returns
        -------
        ndarray of bool, shape (active,)
            True where a weight is dropped; `count` of them.
        """
        return smallest_magnitude(p.values(), count)

    @abc.abstractmethod
    def choose_grow(self, p: Parameter, count: int, kept) -> np.ndarray:
        """Which positions a round grows.

        Parameters
        ----------
        p : Parameter
            With the topology of before the round.
        count : int
        kept : ndarray of int64, sorted
            Positions that stay active. All others are free, those just dropped among them.

        Returns
        -------
        ndarray of int64, shape (count,)
        """

    def initial_values(self, p: Parameter, count: int):
        """Values of `count` weights that grow; 0 unless overridden."""
        return 0

    def drop_and_grow(self, step: int) -> None:
        """A round of every layer that takes part, by `counts` and the two choices."""
        for share in self.shares:
            D, G, forced = self.counts(share, step)
            self.rewire(step, share.weights, self.dropped(step, share.weights, D), G, forced)

    def plan_ahead(self) -> None:
        """Plan the rounds; a UserError where none fits and the method is nothing without."""
        every, fraction = self.config.update_every, self.config.end_fraction
        self.rounds = rounds = plan_rounds(self.run.total_steps, fraction, every)
        if rounds.count < 1 and self.needs_rounds():
            advice = "train longer or raise method.end_fraction"
            if rounds.end > 1:
                advice = f"set method.update_every to at most {rounds.end - 1}, or {advice}"
            raise UserError(
                f"method.update_every = {every}: no round of drop and grow fits into the first "
                f"{rounds.end} of {self.run.total_steps} steps (method.end_fraction = {fraction}): "
                + advice
            )

    def needs_rounds(self) -> bool:
        """Whether a run without a round would not be what the configuration asks for."""
        return bool(self.shares)

    def dropped(self, step: int, p: Parameter, count: int) -> np.ndarray:
        """What `choose_drop` marks, held against what it was asked.

        Raises RunError where weights are not finite: nothing can be said of their order; UserError
        where a rule of your own marks another number of weights.
        """
        if not np.isfinite(p.values()).all():
            raise RunError(f"step {step}: {p.name} is not finite; try a smaller optim.lr")
        drop = self.choose_drop(p, count)
        if drop.dtype != bool or drop.shape != (p.active,) or np.count_nonzero(drop) != count:
            raise UserError(
                f"{type(self).__name__}.choose_drop has to mark {count} of the {p.active} weights "
                f"of {p.name}: bool, True where one is dropped"
            )
        return drop

    def rewire(self, step: int, p: Parameter, drop, count: int, forced: bool = False) -> None:
        """Drop the marked weights (bool, (active,)), grow `count` others; log it, and `forced`."""
        before = p.positions()
        grown = np.sort(self.choose_grow(p, count, before[~drop]))
        if grown.size != count:
            raise RunError(
                f"step {step}: {p.name} has to grow {count} weights, but {grown.size} positions "
                "were found; is the gradient finite?"
            )
        p.rewire(~drop, grown, self.initial_values(p, count))
        gone = np.setdiff1d(before[drop], grown, assume_unique=True)
        new = np.setdiff1d(grown, before[drop], assume_unique=True)
        self.log.record(step, p.name, gone, new, forced)


class GradientGrowth(DropGrow, abc.ABC):
    """Grows where |∂L/∂w| of the step's batch is largest; on such a step no weight is updated."""

    @dataclass(frozen=True)
    class Config(DropGrow.Config):
        """As `DropGrow.Config`, with what is compared.

        "scaled", in no paper, divides the gradient of each neuron by the rms of its own ε, so that
        one with a large ε does not get all that grows.
        """

        growth_score: str = option(
            "gradient", "what is largest where weights grow", choices=("gradient", "scaled")
        )

    def before_backward(self, step: int) -> None:
        """On a drop-and-grow step: choose what to drop, observe where to grow."""
        if not self.rounds.happens_at(step):
            return
        self._rounds, self._best = [], {}
        for share in self.shares:
            p = share.weights
            D, G, forced = self.counts(share, step)
            drop = self.dropped(step, p, D)
            self.watch(p, G, p.positions()[~drop])
            self._rounds.append((p, drop, G, forced))

    def watch(self, p: Parameter, count: int, kept) -> None:
        """Observe what `choose_grow` needs to know of the coming backward.

        Source: NDSNN Algorithm 1 (ArgGrow)
        """
        self._best[p.name] = TopK(p.shape, count, kept)
        if count:
            p.observe(self._best[p.name], of=self.config.growth_score)

    def choose_grow(self, p: Parameter, count: int, kept) -> np.ndarray:
        """The `count` largest |∂L/∂w| of this step outside of what stays active."""
        return self._best.pop(p.name).positions()

    def update(self, step: int, optimiser, lr: float) -> None:
        """On a drop-and-grow step: rewire every layer instead of updating the weights."""
        if not (self.shares and self.rounds.happens_at(step)):
            super().update(step, optimiser, lr)
            return
        for p, drop, count, forced in self._rounds:
            self.rewire(step, p, drop, count, forced)


def constant_plan(config, length, rounds=0, moved=0.0) -> CostPlan:
    """The `Method.cost_plan` of constant density: the log has the start and what moves.

    `moved` is the fraction of the active weights that all rounds drop, and grow, together.
    """
    density = 1.0 - config.final_sparsity
    logged = density * (1.0 + 2.0 * moved)
    return CostPlan(np.full(length.epochs, density), logged=logged, rounds=rounds)


def falling_plan(config, length) -> CostPlan:
    """As `constant_plan`, of rounds whose `drop_fraction` falls with a cosine to 0 at T_end."""
    rounds = plan_rounds(length.total_steps, config.end_fraction, config.update_every)
    steps = rounds.every * np.arange(1, rounds.count + 1)
    moved = drop_fraction_at(steps, rounds.end, config.drop_fraction, 0.0).sum()
    return constant_plan(config, length, rounds.count, moved)
