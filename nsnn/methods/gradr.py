"""Grad R: every position has a θ that the gradient moves, and a weight while θ is above 0.

Chen et al. 2021, "Pruning of Deep Spiking Neural Networks through Gradient Rewiring".
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nsnn.errors import RunError, UserError
from nsnn.layers.parameter import Parameter, part_of
from nsnn.methods.base import CostPlan, Method
from nsnn.options import option


class Latent(NamedTuple):
    """The weights of one layer, and what Grad R keeps of every position, active or not."""

    weights: Parameter
    theta: Parameter  # θ, at first |w|, with the optimiser's moments; dense
    sign: np.ndarray  # s, that of the initial weight, for good; int8, (rows, cols)

    @classmethod
    def of(cls, p: Parameter) -> "Latent":
        """From initial weights, dense still."""
        theta = Parameter(p.name, np.abs(p.data), decayed=False)
        return cls(p, theta, np.where(p.data < 0, -1, 1).astype(np.int8))

    def see(self, columns: slice, block) -> None:
        """Called in the backward: ∂L/∂w of these columns, at dormant positions too."""
        self.theta.gradient[:, columns] = block

    def take_gradient(self) -> None:
        """∂L/∂θ = s ∂L/∂w; of weights with what the network has added after the backward."""
        gradient = self.theta.gradient
        gradient.reshape(-1)[self.weights.positions()] = self.weights.active_gradient()
        gradient *= self.sign

    def write(self) -> None:
        """w = s max(θ, 0): drop what has fallen to 0, grow what has risen above it."""
        p, theta = self.weights, self.theta.data.reshape(-1)
        above, old = theta > 0, p.positions()
        keep = above[old]
        above[old] = False
        grown = np.flatnonzero(above)
        if grown.size or not keep.all():
            p.rewire(keep, grown)
        now = p.positions()
        p.data[...] = p.topology.scatter(self.sign.reshape(-1)[now] * theta[now])


class GradR(Method):
    """Every step moves θ of every position; w = s max(θ, 0), so that weights sleep and wake.

    Source: Grad R (Chen et al. 2021) Algorithm 1

    With the sign s of the initial weight, θ = |w| at first, and after every backward

        θ −= η' (s u + α sign(θ − μ))

    where u = ∂L/∂w and η' = η with SGD, u = m/(√v̂ + ε) and η' = η/(1 − β1^t) with Adam: the prior
    moves at that rate too. μ = ln(2(1 − p))/α ≤ 0 is the mean of a Laplace prior of scale 1/α under
    which θ ≤ 0 has the probability p. Biases, norm parameters and dense layers are the optimiser's;
    of its options, weight decay is for them alone, and momentum has to be 0.

    Notes
    -----
    **Sparsity is an outcome.** It is set by α and the length of the training, hardly by p: with
    α = 1e-3 and p = 0.95, μ is −2303, which no θ comes near, so that the prior lowers every θ by
    ηα a step. To end at some sparsity, try values of α on a validation split.

    The method is dense by definition: θ, signs, ∂L/∂w at dormant positions and the moments of Adam
    are arrays of its own, as large as the weights. The network starts dense; its weights are CSR
    and hold the active ones only (`model.storage = "auto"` is faster as long as they are many).
    The norm that `optim.clip` limits counts dormant positions.
    """

    title = "Grad R"
    rewires_every_step = True

    @dataclass(frozen=True)
    class Config(Method.Config):
        """Options of `[method]` for Grad R; p matters only where |μ| is in the range of θ."""

        alpha: float = option(1e-3, "how fast weights fall; it sets the sparsity", above=0)
        prior_probability: float = option(
            0.95, "p of the prior, hardly felt", at_least=0.5, below=1
        )
        dense_layers: str = option("", "names of layers that stay dense, separated by commas")

    def prepare(self, network, run, rng, log) -> None:
        """Keep the signs and sizes of the initial weights; store the weights as sparse ones."""
        super().prepare(network, run, rng, log)
        self.mu = math.log(2 * (1 - self.config.prior_probability)) / self.config.alpha
        self.latents = [Latent.of(p) for p in self.prunable]
        for p, theta, _ in self.latents:
            p.sparsify(np.flatnonzero(theta.data > 0))
            log.start(p.name, p.size, p.positions())

    def before_backward(self, step: int) -> None:
        """Observe the gradient at every position."""
        for latent in self.latents:
            latent.weights.observe(latent.see)

    def update(self, step: int, optimiser, lr: float) -> None:
        """Move every θ, rewire where one has crossed 0; the others are the optimiser's.

        Raises UserError with a momentum, RunError where θ is not finite.
        """
        decays, rate = optimiser.decays(), lr
        if len(decays) == 2:  # Adam's η', of the update that is about to be made
            rate = lr / (1 - decays[0] ** (optimiser.updates + 1))
        elif any(decays):
            raise UserError(
                f"method.name = 'gradr' takes the gradient without momentum: set optim.momentum "
                f"from {decays[0]:g} to 0, or optim.name = adam"
            )
        moved = [p for p in optimiser.parameters if p not in self.prunable]
        for latent in self.latents:
            latent.take_gradient()
            moved.append(latent.theta)
        optimiser.clip(moved)
        for _, theta, _ in self.latents:
            # θ −= η' α sign(θ − μ)
            theta.data -= rate * self.config.alpha * np.sign(theta.data - self.mu)
        optimiser.step(lr, only=moved)  # θ −= η' s u
        for latent in self.latents:
            if not np.isfinite(latent.theta.data).all():
                name = latent.weights.name
                raise RunError(f"step {step}: {name} is not finite; try a smaller optim.lr")
            latent.write()

    def targets(self) -> None:
        """None: density is an outcome."""
        return None

    def settled(self, epoch: int) -> bool:
        """In the last quarter of the run: density falls all the time, but ever more slowly."""
        return epoch >= 0.75 * self.run.epochs

    def bytes_held(self) -> int:
        """Bytes of the dense arrays."""
        dense = sum(sum(x.theta.bytes_held().values()) + x.sign.nbytes for x in self.latents)
        return super().bytes_held() + dense

    def state(self) -> dict[str, np.ndarray]:
        """As `Method.state`, with signs, θ and its moments."""
        state = super().state()
        for p, theta, sign in self.latents:
            state |= {f"{p.name}/{key}": a.copy() for key, a in theta.state().items()}
            state[f"{p.name}/negative"] = np.packbits(sign < 0)
        return state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """As `Method.restore`."""
        super().restore(state)
        for p, theta, sign in self.latents:
            theta.restore(part_of(state, f"{p.name}/"))
            bits = np.unpackbits(state[f"{p.name}/negative"], count=sign.size)
            sign[...] = 1 - 2 * bits.reshape(sign.shape).astype(np.int8)

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """Dense at first; θ, ∂L/∂θ, signs and the moments of Adam; at most all move in an epoch."""
        return CostPlan(np.ones(length.epochs), 4.25, 1.0 + length.epochs)
