"""ADMM pruning: train-prune-retrain, with weights that are pulled towards sparse ones beforehand.

Zhang et al., "A Systematic DNN Weight Pruning Framework using Alternating Direction Method of
Multipliers"; for spiking networks Deng et al., reference 6 of the NDSNN paper (Table II).
"""

from dataclasses import dataclass

import numpy as np

from nsnn.errors import UserError
from nsnn.layers.parameter import part_of
from nsnn.methods.base import CostPlan, SharedSparsity
from nsnn.options import option
from nsnn.sparsity.distribution import DISTRIBUTIONS
from nsnn.sparsity.prune import largest_magnitude, project

# Without `update_every`, the ADMM phase has at least so many updates of Z and U.
_UPDATES_WANTED = 5


class ADMM(SharedSparsity):
    """Dense training, then training towards sparse weights, then a hard prune and retraining.

    Source: NDSNN Table II (its reference 6; no public code)

    Between the epochs `dense_end` and `prune_epoch` every step minimises f(W) + ρ/2 ‖W − Z + U‖²:
    the loss, and the distance to Z, an array with as many entries as the layer may keep. Every
    `update_every` steps Z becomes the projection of W + U, its largest entries, and U += W − Z. At
    `prune_epoch` the largest weights of each layer stay, exactly as many as asked, in CSR; a new
    optimiser retrains them to the end of the run. One learning-rate schedule spans all three
    phases, as it does with the methods that this one is compared with.

    The network is dense until the hard prune. Z and U are dense arrays of this method, each as
    large as the prunable weights, beside the network's own memory; the hard prune drops them.
    Layers whose share is dense take no part. ρ = 0 is one-shot magnitude pruning, without Z and U.
    """

    title = "ADMM"

    @dataclass(frozen=True)
    class Config(SharedSparsity.Config):
        """Options of `[method]` for ADMM, beside those of `SharedSparsity.Config`.

        (NDSNN's paper gives neither ρ, 0.003 of ndsnn-tuning, nor the interval. Its Fig. 1 prunes
        after half of the run.) W follows Z within about 1/(ρ · learning rate/(1 − momentum)) steps.
        Where updates come much faster than that, U runs ahead of W and the two swing instead of
        meeting. Where much slower, the weights that stay are held to an old Z, and hardly learn.
        """

        distribution: str = option("uniform", "how to share sparsity", choices=tuple(DISTRIBUTIONS))
        rho: float = option(0.003, "strength of the pull; 0: none", at_least=0)
        dense_fraction: float = option(0.2, "part of the run before the pull", at_least=0, below=1)
        admm_fraction: float = option(0.3, "part of the run with the pull", above=0, below=1)
        update_every: int = option(0, "steps between two updates of Z and U; 0 chooses", at_least=0)

        def validate(self) -> None:
            super().validate()
            left = 1.0 - self.dense_fraction
            if self.admm_fraction >= left:
                raise UserError(
                    f"method.admm_fraction = {self.admm_fraction}: use a number in (0, {left:g}), "
                    "so that a part of the run is left to retrain"
                )

    def prepare(self, network, run, rng, log) -> None:
        """Share out the weights and plan the phases; the network stays dense."""
        super().prepare(network, run, rng, log)
        self.planned = self.counts_at("final_sparsity")
        self.aim_at(self.planned)
        self.dense_end, self.prune_epoch = self._plan(run.epochs)
        self.every = self._interval((self.prune_epoch - self.dense_end) * run.steps_per_epoch)
        self.Z: dict[str, np.ndarray] = {}
        self.U: dict[str, np.ndarray] = {}
        for p, _ in self._layers():
            log.start(p.name, p.size, p.positions())

    def begin_epoch(self, epoch: int) -> bool:
        """Start the ADMM phase, or end it with the hard prune, where it is time."""
        if epoch == self.dense_end and self.config.rho:
            for p, count in self._layers():
                self.Z[p.name] = project(p.data, count)
                self.U[p.name] = np.zeros_like(p.data)
        if epoch != self.prune_epoch:
            return False
        self._hard_prune(epoch * self.run.steps_per_epoch)
        return True

    def update(self, step: int, optimiser, lr: float) -> None:
        """In the ADMM phase: add the pull to the gradient of the loss first."""
        for p, _ in self._layers() if self.Z else []:
            # ∂/∂W ρ/2 ‖W − Z + U‖² = ρ (W − Z + U)
            p.gradient += self.config.rho * (p.data - self.Z[p.name] + self.U[p.name])
        super().update(step, optimiser, lr)

    def after_update(self, step: int) -> None:
        """In the ADMM phase, every `update_every` steps: new Z, then new U."""
        done = step + 1 - self.dense_end * self.run.steps_per_epoch
        if self.Z and done % self.every == 0:
            for p, count in self._layers():
                U = self.U[p.name]
                # Z = Π(W + U)
                self.Z[p.name] = project(p.data + U, count)
                # U += W − Z
                U += p.data - self.Z[p.name]

    def bytes_held(self) -> int:
        """Bytes of Z and U."""
        arrays = (*self.Z.values(), *self.U.values())
        return super().bytes_held() + sum(array.nbytes for array in arrays)

    def state(self) -> dict[str, np.ndarray]:
        """As `Method.state`, with Z and U while the ADMM phase lasts."""
        own = {f"Z/{name}": array.copy() for name, array in self.Z.items()}
        own |= {f"U/{name}": array.copy() for name, array in self.U.items()}
        return super().state() | own

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """As `Method.restore`."""
        super().restore(state)
        self.Z, self.U = part_of(state, "Z/"), part_of(state, "U/")

    def _layers(self) -> list:
        """The layers that take part, with the number of weights that each is to keep."""
        pairs = zip(self.prunable, self.planned, strict=True)
        return [(p, int(count)) for p, count in pairs if count < p.size]

    def _plan(self, epochs: int) -> tuple[int, int]:
        """Where the ADMM phase begins and ends, in epochs."""
        c = self.config
        start = round(c.dense_fraction * epochs)
        end = round((c.dense_fraction + c.admm_fraction) * epochs)
        if not start < end < epochs:
            raise UserError(
                f"method.dense_fraction = {c.dense_fraction} and method.admm_fraction = "
                f"{c.admm_fraction} of train.epochs = {epochs} are {start} and {end - start} "
                f"epochs, and {epochs - end} to retrain: train longer, or change the fractions, so "
                "that ADMM and retraining each have an epoch"
            )
        return start, end

    def _interval(self, phase: int) -> int:
        """Steps from one update of Z and U to the next, in a phase of so many steps."""
        chosen = max(1, min(self.run.steps_per_epoch, phase // _UPDATES_WANTED))
        every = self.config.update_every or chosen
        # One at the very end of the phase would come too late for any step.
        if self.config.update_every >= phase:
            raise UserError(
                f"method.update_every = {every}: Z and U would never be updated in the {phase} "
                f"steps of the ADMM phase; use at most {phase - 1}, or 0 to choose"
            )
        return every

    def _hard_prune(self, step: int) -> None:
        """Keep exactly the asked number of weights of each layer, the largest, in CSR."""
        self.Z, self.U = {}, {}
        for p, count in self._layers():
            keep = largest_magnitude(p.values(), count)
            p.forget_slots()  # of the old optimiser, dense
            self.log.record(step, p.name, np.flatnonzero(~keep), np.empty(0, dtype=np.int64))
            p.sparsify(np.flatnonzero(keep))

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """Dense to the hard prune, with Z and U before it; what is pruned is logged."""
        prune_epoch = round((config.dense_fraction + config.admm_fraction) * length.epochs)
        dense = np.arange(length.epochs) < prune_epoch
        density = np.where(dense, 1.0, 1.0 - config.final_sparsity)
        beside = 2.0 if config.rho else 0.0
        return CostPlan(density, beside, logged=1.0 + config.final_sparsity)
