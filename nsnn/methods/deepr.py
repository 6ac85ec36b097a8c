"""Deep R: weights of a fixed sign that walk; those that would change it move elsewhere.

Bellec et al. 2018, "Deep Rewiring: Training very sparse deep networks".
"""

import math
import zlib
from dataclasses import dataclass

import numpy as np

from nsnn.errors import RunError
from nsnn.layers.parameter import Parameter
from nsnn.methods.base import CostPlan
from nsnn.methods.drop_grow import SparseStart
from nsnn.options import option
from nsnn.sparsity.grow import random_inactive


class DeepR(SparseStart):
    """Every step a gradient step and noise; what falls below 0 sleeps, and as many wake elsewhere.

    Source: Deep R (Bellec et al. 2018) Algorithm 1

    An active weight is w = sθ with θ ≥ 0 and a sign s of its position. After every backward

        θ −= η (s ∂L/∂w + α);  θ += √(2ηT) ν, ν ~ N(0, 1)

    with the raw gradient and η the learning rate. A weight with θ < 0 becomes dormant, and as many
    positions, drawn uniformly among all dormant ones, wake at θ = 0: each layer keeps its number
    of weights exactly. Biases, norm parameters and dense layers are the optimiser's, and so are its
    momentum and weight decay: here α is what pulls weights to 0.

    Notes
    -----
    No sign is stored of a dormant position: it is a bit of a hash, the same whenever it wakes.
    The log holds what each epoch has changed, not each step.
    """

    title = "Deep R"
    rewires_every_step = True

    @dataclass(frozen=True)
    class Config(SparseStart.Config):
        """Options of `[method]` for Deep R, beside those of `SharedSparsity.Config`.

        The paper tunes T by hand. Without one it follows from `noise`, the standard deviation of a
        step's noise, in units of the root mean square of the layer's drift η (s ∂L/∂w + α).
        """

        alpha: float = option(1e-4, "pull of active weights to 0", at_least=0)
        temperature: float = option(0.0, "T of the noise; 0: by noise", at_least=0)
        noise: float = option(1 / 3, "noise of a step, in units of its drift", at_least=0)

    def prepare(self, network, run, rng, log) -> None:
        """As `SparseStart.prepare`; the initial weights take the sign of their position."""
        super().prepare(network, run, rng, log)
        self.seed = int(rng.integers(2**63))  # that of the run, by way of its topology stream
        self.walking = [share.weights for share in self.shares]
        for p in self.walking:
            sign = p.attach("sign", lambda at, p=p: position_signs(self.seed, p.name, at), np.int8)
            p.data[...] = p.topology.scatter(sign * np.abs(p.values()))

    def update(self, step: int, optimiser, lr: float) -> None:
        """Clip; move and rewire the sparse layers; the others are the optimiser's."""
        optimiser.clip()
        for p in self.walking:
            self._walk(step, p, lr)
        optimiser.step(lr, only=[p for p in optimiser.parameters if p not in self.walking])

    def _walk(self, step: int, p: Parameter, lr: float) -> None:
        """One step of a layer's weights, and who sleeps and wakes after it."""
        sign, dtype = p.attached["sign"], p.data.dtype
        theta = sign * p.values()
        drift = sign * p.active_gradient() + self.config.alpha
        # θ −= η (s ∂L/∂w + α)
        theta -= lr * drift
        # θ += √(2ηT) ν
        deviation = math.sqrt(2 * lr * self.config.temperature)
        if not deviation:
            square = float(np.square(drift, dtype=np.float64).mean())
            deviation = self.config.noise * lr * math.sqrt(square)
        if deviation:
            theta += deviation * self.rng.standard_normal(theta.size, dtype)
        if not np.isfinite(theta).all():
            raise RunError(f"step {step}: {p.name} is not finite; try a smaller optim.lr")
        p.data[...] = p.topology.scatter(sign * theta)
        stays = theta >= 0
        woken = int(np.count_nonzero(~stays))
        if woken:
            kept = p.positions()[stays]
            p.rewire(stays, random_inactive(p.size, kept, woken, self.rng))

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """The same density throughout, a byte of sign a weight; at most all move in an epoch."""
        density = 1.0 - config.final_sparsity
        moved = 2.0 * min(density, config.final_sparsity) * length.epochs
        return CostPlan(np.full(length.epochs, density), density / 4, density + moved)


def position_signs(seed: int, name: str, positions) -> np.ndarray:
    """The sign of each position (n,) of a layer: the top bit of a hash of all three; int8 (n,).

    1 or −1, each for about half of the positions. Of the parameter's name the CRC-32 is hashed.

    Examples
    --------
    >>> import numpy as np
    >>> position_signs(0, "conv1.weight", np.arange(8)).tolist()
    [-1, -1, 1, 1, 1, -1, 1, 1]
    """
    state = np.array([seed], dtype=np.uint64)
    for number in (zlib.crc32(name.encode()), np.asarray(positions)):
        state = _splitmix64(state) ^ np.asarray(number, dtype=np.uint64)
    return np.where(_splitmix64(state) >> np.uint64(63), -1, 1).astype(np.int8)


def _splitmix64(x: np.ndarray) -> np.ndarray:
    """The hash of Steele et al. 2014 of each number: uint64 to uint64, modulo 2⁶⁴."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return x ^ x >> np.uint64(31)
