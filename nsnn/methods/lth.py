"""LTH: iterative magnitude pruning with late rewinding, the lottery-ticket baseline.

Frankle & Carbin, "The Lottery Ticket Hypothesis"; late rewinding after Frankle et al., "Linear
Mode Connectivity and the Lottery Ticket Hypothesis"; for spiking networks Kim et al., reference 7
of the NDSNN paper, with whose method NDSNN is compared in Table I and Fig. 5.
"""

import math
from dataclasses import dataclass

import numpy as np

from nsnn.errors import RunError, UserError
from nsnn.layers.parameter import part_of
from nsnn.methods.base import CostPlan, SparseMethod
from nsnn.options import option
from nsnn.sparsity.prune import ladder_counts, largest_overall


@dataclass(frozen=True)
class TrainingRounds:
    """The epochs of a run in rounds k = 0…n, each from the snapshot; k ≥ 1 begin with a prune."""

    rewind: int  # epochs before the snapshot, part of round 0; later schedules count them as done
    length: int  # of a round, in epochs; the last has what is left over as well
    prunes: int  # n
    epochs: int  # of the whole run

    def at(self, epoch: int) -> int:
        """The round that `epoch` belongs to."""
        return min(max(epoch - self.rewind, 0) // self.length, self.prunes)

    def start(self, k: int) -> int:
        """Epoch with which round k starts after the snapshot."""
        return self.rewind + k * self.length

    def schedule_epochs(self, k: int) -> int:
        """Epochs of the learning-rate schedule of round k: what is before the snapshot, too."""
        end = self.epochs if k == self.prunes else self.start(k + 1)
        return self.rewind + end - self.start(k)


# Weights of a network so large that rounding does not matter.
_MANY = 1_000_000_000


class LTH(SparseMethod):
    """Train, prune the smallest weights of all layers together, rewind the others, train again.

    Source: NDSNN IV-A2 (baseline LTH; its reference 7 has the procedure)

    The first `rewind_epochs` end in a snapshot of everything that training changes: weights,
    biases, norm parameters and running statistics. Then follow n + 1 rounds of training. Before
    each but the first, the fraction `prune_fraction` of the remaining weights is pruned, the
    smallest |w| of all prunable layers together; the last prune stops exactly at the target. What
    remains goes back to the snapshot, with a new optimiser and the learning rate that followed the
    snapshot. n is as small as the target allows: see `ladder_counts`.

    The network is dense until the first prune, and CSR from then on. The snapshot, as large as
    the weights that are left, lives in this method until the last prune, beside the network's own
    memory. Pruning all layers together may leave one without a weight, as the rule has it. Where
    no signal can pass any more, the run stops; a branch beside another may be empty.
    """

    title = "LTH"

    @dataclass(frozen=True)
    class Config(SparseMethod.Config):
        """Options of `[method]` for LTH, beside those of `SparseMethod.Config`.

        NDSNN's ladder of 25, 43.75, 57.81 … % is `prune_fraction` = 0.25; its snapshot is after 21
        of 301 epochs. What even shares leave of `train.epochs` is added to the last round.
        """

        prune_fraction: float = option(0.25, "of the weights that are left", at_least=1e-4, below=1)
        rewind_epochs: int = option(1, "epochs before the snapshot", at_least=0)
        round_epochs: int = option(0, "epochs of each round; 0: even shares", at_least=0)

    def prepare(self, network, run, rng, log) -> None:
        """Plan the rounds; the network stays dense."""
        super().prepare(network, run, rng, log)
        self._snapshot: dict[str, np.ndarray] = {}
        sizes = np.array([p.size for p in self.prunable], dtype=np.int64)
        size, sparsity = int(sizes.sum()), self.config.final_sparsity
        self.ladder = ladder_counts(size, self.config.prune_fraction, sparsity)
        if self.ladder.size and self.ladder[-1] == 0:
            raise UserError(
                f"method.final_sparsity = {sparsity} leaves none of {size} weights: lower it"
            )
        self.rounds = self._plan(run.epochs)
        self._asked = sizes
        if self.ladder.size:
            # Even shares of the exact total, until the last prune decides what each layer gets.
            shares = np.rint(np.cumsum(sizes) * (self.ladder[-1] / size))
            self._asked = np.diff(shares.astype(np.int64), prepend=0)
            for p in self.prunable:
                log.start(p.name, p.size, p.positions())
        self.aim_at(self._asked)

    def begin_epoch(self, epoch: int) -> bool:
        """Take the snapshot, or prune and rewind, where a round starts."""
        k = self.rounds.at(epoch)
        if epoch != self.rounds.start(k) or not self.rounds.prunes:
            return False
        if k == 0:
            self._snapshot = self._take_snapshot()
            return False
        self._prune(k, epoch * self.run.steps_per_epoch)
        return True

    def schedule(self, step: int) -> tuple[int, int]:
        """Each round has the schedule of a run of its own that was resumed at the snapshot."""
        per_epoch = self.run.steps_per_epoch
        k = self.rounds.at(step // per_epoch)
        rewound = (self.rounds.start(k) - self.rounds.rewind) * per_epoch
        return step - rewound, self.rounds.schedule_epochs(k) * per_epoch

    def bytes_held(self) -> int:
        """Bytes of the snapshot."""
        return super().bytes_held() + sum(array.nbytes for array in self._snapshot.values())

    def state(self) -> dict[str, np.ndarray]:
        """As `Method.state`, with the snapshot."""
        snapshot = {f"snapshot/{key}": array for key, array in self._snapshot.items()}
        return super().state() | {"asked": self._asked} | snapshot

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """As `Method.restore`."""
        super().restore(state)
        self._asked, self._snapshot = state["asked"], part_of(state, "snapshot/")
        self.aim_at(self._asked)

    def _plan(self, epochs: int) -> TrainingRounds:
        """The rounds of a run of so many epochs."""
        n, rewind = self.ladder.size, self.config.rewind_epochs
        fits = (epochs - rewind) // (n + 1)
        length = self.config.round_epochs or fits
        if fits < 1 or length > fits:
            self._too_short(epochs, max(length, 1), fits)
        return TrainingRounds(rewind, length, n, epochs)

    def _too_short(self, epochs: int, length: int, fits: int) -> None:
        """Raise UserError: the rounds overshoot the run."""
        c, n = self.config, self.ladder.size
        needed = c.rewind_epochs + (n + 1) * length
        advice = [f"train.epochs = {needed}"]
        if c.round_epochs and fits >= 1:
            advice.append(f"method.round_epochs = {fits}")
        rounds = (epochs - c.rewind_epochs) // length
        if rounds >= 2:
            # θ_f in as many prunes as there is time for: (1 − p)^(rounds − 1) = 1 − θ_f
            p = 1.0 - (1.0 - c.final_sparsity) ** (1.0 / (rounds - 1))
            p = math.ceil(1000 * p) / 1000
            advice += [f"method.prune_fraction = {p:g}"] * (p < 1.0)
        raise UserError(
            f"method.final_sparsity = {c.final_sparsity} takes {n} prunes of method.prune_fraction "
            f"= {c.prune_fraction}: {n + 1} rounds of {length} epoch{'s' * (length > 1)} after "
            f"method.rewind_epochs = {c.rewind_epochs} do not fit into train.epochs = {epochs}; "
            f"use {' or '.join(advice)}"
        )

    def _take_snapshot(self) -> dict[str, np.ndarray]:
        """Copies of all that training changes, without the state of the optimiser."""
        return {
            f"{part.name}/{key}": array.copy()
            for part in (*self.network.parameters(), *self.network.layers())
            for key, array in part.state().items()
            if not key.startswith("slot.")
        }

    def _prune(self, k: int, step: int) -> None:
        """Keep the largest weights of all layers together, at the values of the snapshot."""
        kept = largest_overall([p.values() for p in self.prunable], int(self.ladder[k - 1]))
        for p, keep in zip(self.prunable, kept, strict=True):
            positions = p.positions()
            self.log.record(step, p.name, positions[~keep], np.empty(0, dtype=np.int64))
            self._snapshot[f"{p.name}/data"] = self._snapshot[f"{p.name}/data"][keep]
            self._snapshot[f"{p.name}/positions"] = positions[keep]
        for part in (*self.network.parameters(), *self.network.layers()):
            part.restore(part_of(self._snapshot, f"{part.name}/"))
        if not self.network.is_connected():
            empty = ", ".join(p.name for p in self.prunable if p.active == 0)
            raise RunError(
                f"prune {k} of {self.rounds.prunes} leaves {empty} without a weight, and no signal "
                "passes: lower method.final_sparsity, or train longer in each round"
            )
        if k == self.rounds.prunes:
            self._asked = np.array([p.active for p in self.prunable], dtype=np.int64)
            self.aim_at(self._asked)
            self._snapshot = {}

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """Rounds with ever fewer weights, and a snapshot; what is pruned is logged."""
        counts = ladder_counts(_MANY, config.prune_fraction, config.final_sparsity)
        if not counts.size:
            return super().cost_plan(config, length)
        fits = (length.epochs - config.rewind_epochs) // (counts.size + 1)
        epochs = max(config.round_epochs or fits, 1)
        rounds = TrainingRounds(config.rewind_epochs, epochs, counts.size, length.epochs)
        left = np.array([_MANY, *counts]) / _MANY
        density = left[[rounds.at(epoch) for epoch in range(length.epochs)]]
        return CostPlan(density, 1.0, 1.0 + config.final_sparsity, counts.size + 1)
