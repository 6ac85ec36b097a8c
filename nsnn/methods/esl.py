"""ESL: evolutionary structure learning, a sparse random graph whose weak synapses move elsewhere.

Shen et al., "ESL-SNNs: An Evolutionary Structure Learning Strategy for Spiking Neural Networks".
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from nsnn.errors import UserError
from nsnn.layers.parameter import Parameter, part_of
from nsnn.methods.base import CostPlan
from nsnn.methods.drop_grow import DropGrow, Share, falling_plan
from nsnn.options import option
from nsnn.sparsity.drop import smallest_magnitude, smallest_per_sign
from nsnn.sparsity.grow import TopK, random_inactive
from nsnn.sparsity.schedule import drop_fraction_at

PRUNE = ("set", "magnitude")
GROW = ("random", "unfired", "gradient", "momentum")
WINDOW = 8  # batches over which growth by momentum sums the dense gradient


class ESL(DropGrow):
    """Every T_iter steps, after the update, a fraction of each layer's weights moves elsewhere.

    Source: ESL Algorithm 1

    Layers start as Erdős–Rényi graphs (Eq. 1) with as many synapses as `epsilon` or the sparsity
    says, and keep that number. The fraction that moves falls to 0 with a cosine (Eq. 2). The rules:

    - prune "set": the fraction nearest 0 of each sign; "magnitude": of all together.
    - grow "random": uniformly among the inactive positions; "unfired": those first that have
      never been active; "gradient": where |∂L/∂w| of this batch is largest; "momentum": where the
      first moment is, or m/(√v + 1e-8) of Adam, of the dense gradients of the last 8 batches.
    """

    title = "ESL"

    @dataclass(frozen=True)
    class Config(DropGrow.Config):
        """Options of `[method]` for ESL, beside those of `DropGrow.Config`.

        `epsilon` is ε of Eq. 1, `update_every` T_iter; of T_end and of α in Eq. 2, which is
        `drop_fraction`, the paper gives no number. Weights that grow by gradient or momentum are 0.
        """

        epsilon: float = option(0.0, "ε, synapses per neuron; 0: by sparsity", at_least=0)
        distribution: str = option("er", "how sparsity is shared", choices=("er", "erk", "uniform"))
        update_every: int = option(1000, "steps between two rounds of evolution", at_least=1)
        end_fraction: float = option(1.0, "no round after this part of a run", above=0, at_most=1)
        drop_fraction: float = option(0.5, "fraction moved, at first", at_least=0, at_most=1)
        prune: str = option("set", "which weights are removed", choices=PRUNE)
        grow: str = option("random", "which positions grow", choices=GROW)
        grown_scale: float = option(0.0, "range of grown weights in 1/√fan_in", at_least=0)

    def prepare(self, network, run, rng, log) -> None:
        """As `SparseStart.prepare`; no position but those of the start has been active yet."""
        super().prepare(network, run, rng, log)
        self._ever: dict[str, np.ndarray] = {}
        self._moments: dict[str, np.ndarray] = {}
        self._squares: dict[str, np.ndarray] = {}
        self._decays, self._fraction = np.empty(0), 0.0
        for share in self.shares:
            p = share.weights
            self._ever[p.name] = np.zeros(p.size, dtype=bool)
            self._ever[p.name][p.positions()] = True

    def needs_rounds(self) -> bool:
        """A run shorter than T_iter is a static graph, which the paper's Algorithm 1 allows."""
        return False

    def before_backward(self, step: int) -> None:
        """Observe the dense gradient where a round will ask for it."""
        momentum = self.config.grow == "momentum"
        if momentum and not self._decays.size:
            return  # the first step of all: no optimiser has been seen
        ahead = {"gradient": 1, "momentum": WINDOW}.get(self.config.grow, 0)
        if any(self.rounds.happens_at(step + i) for i in range(ahead)):
            for share in self.shares:
                p = share.weights
                self._moments.setdefault(p.name, np.zeros(p.shape, p.data.dtype))
                if self._decays.size == 2:
                    self._squares.setdefault(p.name, np.zeros(p.shape, p.data.dtype))
                p.observe(lambda columns, block, p=p: self._sum(p.name, columns, block))

    def _sum(self, name, columns, block) -> None:
        """Add a block of this batch's gradient to the moments."""
        m = self._moments[name][:, columns]
        if self._decays.size < 2:  # g itself, or b = μ b + g
            m *= float(self._decays[0]) if self._decays.size else 0.0
            m += block
            return
        v, (beta1, beta2) = self._squares[name][:, columns], self._decays.tolist()
        m *= beta1
        m += (1 - beta1) * block
        v *= beta2
        v += (1 - beta2) * block * block

    def update(self, step: int, optimiser, lr: float) -> None:
        """As `Method.update`; growth by momentum takes the optimiser's own decay.

        Raises UserError for growth by momentum with an optimiser that keeps no moments.
        """
        if self.config.grow == "momentum":
            self._decays = np.array(optimiser.decays())
            if not self._decays.any():
                raise UserError(
                    "method.grow = 'momentum' needs an optimiser with moments: set optim.momentum "
                    "above 0, or optim.name = adam"
                )
        super().update(step, optimiser, lr)

    def after_update(self, step: int) -> None:
        """Evolve every layer where a round is due. Source: ESL Eq. 2"""
        if not self.rounds.happens_at(step):
            return
        # f_decay(t; α, T_end) = α/2 (1 + cos(tπ/T_end))
        self._fraction = drop_fraction_at(step, self.rounds.end, self.config.drop_fraction, 0.0)
        self.drop_and_grow(step)
        for p in (share.weights for share in self.shares):
            self._ever[p.name][p.positions()] = True
        self._moments, self._squares = {}, {}

    def counts(self, share: Share, step: int) -> tuple[int, int, bool]:
        """As many to drop as to grow."""
        fraction, active = self._fraction, share.weights.active
        count = int(fraction * active)
        if self.config.prune == "set":
            negative = int(np.count_nonzero(share.weights.values() < 0))
            count = int(fraction * negative) + int(fraction * (active - negative))
        return count, count, False

    def choose_drop(self, p: Parameter, count: int) -> np.ndarray:
        """By the pruning rule."""
        if self.config.prune == "magnitude":
            return smallest_magnitude(p.values(), count)
        return smallest_per_sign(p.values(), self._fraction)

    def choose_grow(self, p: Parameter, count: int, kept) -> np.ndarray:
        """By the growth rule; at random where it finds too few."""
        if self.config.grow == "random":
            return random_inactive(p.size, kept, count, self.rng)
        if self.config.grow == "unfired":
            never = np.flatnonzero(~self._ever[p.name])
            found = self.rng.choice(never, min(count, never.size), replace=False)
        else:
            score = self._moments[p.name]
            if p.name in self._squares:
                score = score / (np.sqrt(self._squares[p.name]) + 1e-8)
            # Inactive before the round: what was just dropped has had its chance.
            top = TopK(p.shape, count, p.positions())
            top(slice(0, p.shape[1]), score)
            found = top.positions()
        missing = count - found.size
        if missing:
            taken = np.union1d(kept, found)
            found = np.concatenate([found, random_inactive(p.size, taken, missing, self.rng)])
        return found

    def initial_values(self, p: Parameter, count: int):
        """Uniform in ±grown_scale/√fan_in for random growth, else 0."""
        if self.config.grow not in ("random", "unfired") or not self.config.grown_scale:
            return 0
        bound = self.config.grown_scale / math.sqrt(p.shape[1])
        return self.rng.uniform(-bound, bound, count)

    def measures(self) -> dict[str, float]:
        """ITOP's R_s, the share of positions ever active: of all that evolve, and of each layer."""
        size = sum(ever.size for ever in self._ever.values())
        active = sum(int(ever.sum()) for ever in self._ever.values())
        each = {f"exploration/{name}": float(ever.mean()) for name, ever in self._ever.items()}
        return {"exploration": active / size} | each if size else {}

    def bytes_held(self) -> int:
        """Bytes of what has ever been active, and of the moments while they are summed."""
        arrays = (*self._ever.values(), *self._moments.values(), *self._squares.values())
        return super().bytes_held() + sum(array.nbytes for array in arrays)

    def state(self) -> dict[str, np.ndarray]:
        """As `Method.state`, with what has ever been active and the moments."""
        state = super().state() | {"decays": self._decays}
        state |= {f"ever/{name}": np.packbits(ever) for name, ever in self._ever.items()}
        state |= {f"moments/{name}": m.copy() for name, m in self._moments.items()}
        return state | {f"squares/{name}": v.copy() for name, v in self._squares.items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """As `Method.restore`."""
        super().restore(state)
        self._decays = state["decays"]
        self._moments, self._squares = part_of(state, "moments/"), part_of(state, "squares/")
        for name, bits in part_of(state, "ever/").items():
            self._ever[name][...] = np.unpackbits(bits, count=self._ever[name].size)

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """Constant density; each round logs what it removes and what it grows.

        With ε the density depends on the network: that of a dense one is the bound.
        """
        if config.epsilon:
            config = replace(config, final_sparsity=0.0)
        # What has ever been active takes a byte a position.
        dense_arrays = 0.25 + {"gradient": 1.0, "momentum": 2.0}.get(config.grow, 0.0)
        return replace(falling_plan(config, length), dense_arrays=dense_arrays)
