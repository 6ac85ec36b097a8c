"""Grad R: every position has a θ that the gradient moves, and a weight while θ is above 0.

Chen et al. 2021, "Pruning of Deep Spiking Neural Networks through Gradient Rewiring".
"""

import math
from dataclasses import dataclass

import numpy as np

from nsnn.errors import RunError, UserError
from nsnn.layers.parameter import Parameter
from nsnn.methods.base import CostPlan, Method
from nsnn.optim import clip_by_norm
from nsnn.options import option


class Latent:
    """The dense state of one layer: what Grad R keeps of every position, active or not.

    Parameters
    ----------
    p : Parameter
        With its initial values, dense.

    Attributes
    ----------
    theta, gradient : ndarray of float, (rows, cols)
        θ, at first |w|, and ∂L/∂w of the last backward.
    sign : ndarray of int8, (rows, cols)
        s, that of the initial weight, for good.
    moments : list of ndarray of float, (rows, cols)
        m and v of Adam, from the first update on; none with SGD.
    """

    def __init__(self, p: Parameter):
        self.p = p
        self.theta = np.abs(p.data)
        self.gradient = np.zeros_like(p.data)
        self.sign = np.where(p.data < 0, -1, 1).astype(np.int8)
        self.moments = []

    def see(self, columns: slice, block) -> None:
        """Called in the backward: the gradient of these columns, at dormant positions too."""
        self.gradient[:, columns] = block

    def take_active(self) -> None:
        """What the network has added to ∂L/∂w of its weights after the backward counts too."""
        self.gradient.reshape(-1)[self.p.positions()] = self.p.active_gradient()

    def write(self) -> None:
        """w = s max(θ, 0): drop what has fallen to 0, grow what has risen above it."""
        p, above = self.p, self.theta.reshape(-1) > 0
        old = p.positions()
        keep = above[old]
        above[old] = False
        grown = np.flatnonzero(above)
        if grown.size or not keep.all():
            p.rewire(keep, grown)
        now = p.positions()
        values = self.sign.reshape(-1)[now] * self.theta.reshape(-1)[now]
        p.data[...] = p.topology.scatter(values)


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
        """Options of `[method]` for Grad R.

        Attributes
        ----------
        alpha : float
            α, how fast θ falls: it and the length of training decide how sparse the run ends.
        prior_probability : float
            p, that a position has no weight under the prior. It matters only where
            |ln(2(1 − p))|/α is in the range of θ: with a large α.
        dense_layers : str
            As for `SparseMethod.Config`.
        """

        alpha: float = option(1e-3, "how fast weights fall; it sets the sparsity", above=0)
        prior_probability: float = option(
            0.95, "p of the prior; it hardly sets the sparsity", at_least=0.5, below=1
        )
        dense_layers: str = option("", "names of layers that stay dense, separated by commas")

    def prepare(self, network, run, rng, log) -> None:
        """Keep the signs and sizes of the initial weights; store the weights as sparse ones."""
        super().prepare(network, run, rng, log)
        self.mu = math.log(2 * (1 - self.config.prior_probability)) / self.config.alpha
        self.latents = [Latent(p) for p in self.prunable]
        for latent in self.latents:
            p = latent.p
            p.sparsify(np.flatnonzero(latent.theta > 0))
            log.start(p.name, p.size, p.positions())

    def before_backward(self, step: int) -> None:
        """Observe the gradient at every position."""
        for latent in self.latents:
            latent.p.observe(latent.see)

    def update(self, step: int, optimiser, lr: float) -> None:
        """Move every θ, rewire where one has crossed 0; the others are the optimiser's.

        Raises
        ------
        UserError
            With a momentum.
        RunError
            Where θ is not finite.
        """
        decays = optimiser.decays()
        if len(decays) == 1 and decays[0]:
            raise UserError(
                f"method.name = 'gradr' takes the gradient without momentum: set optim.momentum "
                f"from {decays[0]:g} to 0, or optim.name = adam"
            )
        own = {latent.p.name for latent in self.latents}
        others = [p for p in optimiser.parameters if p.name not in own]
        for latent in self.latents:
            latent.take_active()
        if optimiser.max_norm:
            clip_by_norm([*others, *self.latents], optimiser.max_norm)
        optimiser.step(lr, only=others)
        for latent in self.latents:
            u, rate = self._direction(latent, optimiser, lr)
            theta = latent.theta
            # θ −= η' (s u + α sign(θ − μ))
            theta -= rate * (latent.sign * u + self.config.alpha * np.sign(theta - self.mu))
            if not np.isfinite(theta).all():
                raise RunError(
                    f"step {step}: {latent.p.name} is not finite; try a smaller optim.lr"
                )
            latent.write()

    @staticmethod
    def _direction(latent: Latent, optimiser, lr: float):
        """u of every position, and η'."""
        if len(optimiser.decays()) < 2:
            return latent.gradient, lr
        (beta1, beta2), t = optimiser.decays(), optimiser.updates
        latent.moments = latent.moments or [np.zeros_like(latent.theta) for _ in range(2)]
        (m, v), g = latent.moments, latent.gradient
        # m = β1 m + (1 − β1) g;  v = β2 v + (1 − β2) g²;  v̂ = v/(1 − β2^t)
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g * g
        root = math.sqrt(1 - beta2**t)
        return m / (np.sqrt(v) / root + optimiser.eps), lr / (1 - beta1**t)

    def end_epoch(self, epoch: int) -> None:
        """Log what the epoch has changed."""
        step = (epoch + 1) * self.run.steps_per_epoch - 1
        for latent in self.latents:
            self.log.record_positions(step, latent.p.name, latent.p.positions())

    def targets(self) -> None:
        """None: density is an outcome."""
        return None

    def bytes_held(self) -> int:
        """Bytes of the dense arrays."""
        held = super().bytes_held()
        for latent in self.latents:
            arrays = (latent.theta, latent.gradient, latent.sign, *latent.moments)
            held += sum(array.nbytes for array in arrays)
        return held

    def state(self) -> dict[str, np.ndarray]:
        """As `Method.state`, with θ and the moments; signs are those of the initial weights."""
        state = super().state()
        for latent in self.latents:
            state[f"theta/{latent.p.name}"] = latent.theta.copy()
            for key, moment in zip("mv", latent.moments, strict=False):
                state[f"{key}/{latent.p.name}"] = moment.copy()
        return state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """As `Method.restore`."""
        super().restore(state)
        for latent in self.latents:
            name = latent.p.name
            latent.theta = state[f"theta/{name}"].copy()
            latent.moments = [state[f"{k}/{name}"].copy() for k in "mv" if f"{k}/{name}" in state]

    @classmethod
    def cost_plan(cls, config, length) -> CostPlan:
        """Dense at first; θ, ∂L/∂w, signs and the moments of Adam; at most all move in an epoch."""
        return CostPlan(np.ones(length.epochs), 4.25, 1.0 + length.epochs)
