"""Optimisers, learning-rate schedules and gradient clipping, in PyTorch's formulas.

State lives in `Parameter.slots`, one value for each stored weight, so that it follows every
rewiring: only active weights have any. All arithmetic is in the dtype of the weights.
"""

import abc
import math

import numpy as np

from nsnn.errors import UserError

SCHEDULES = ("constant", "cosine", "exponential", "step")


class Optimiser(abc.ABC):
    """What the optimisers share.

    Parameters
    ----------
    parameters : iterable of Parameter
    weight_decay : float
        λ, applied where `parameter.decayed`.
    max_norm : float
        Largest norm of all gradients together, see `clip`; 0: any.
    """

    def __init__(self, parameters, weight_decay=0.0, max_norm=0.0):
        self.parameters = list(parameters)
        self.weight_decay = float(weight_decay)
        self.max_norm = float(max_norm)

    def clip(self, parameters=None) -> None:
        """Scale all gradients, or those of others, together where their norm is above `max_norm`.

        To be called once a step.
        """
        if self.max_norm:
            clip_by_norm(self.parameters if parameters is None else parameters, self.max_norm)

    def step(self, lr: float, only=None) -> None:
        """Update every parameter once from its gradient, which is left as it is.

        With `only`, a list, these alone: a method moves the others itself.
        """
        for parameter in self.parameters if only is None else only:
            g = parameter.gradient
            if self.weight_decay and parameter.decayed:  # g + λ w
                g = parameter.data * self.weight_decay
                g += parameter.gradient
            self._update(parameter, g, lr)

    @abc.abstractmethod
    def _update(self, parameter, g, lr) -> None:
        """Change one parameter; g is its gradient with weight decay."""

    def decays(self) -> tuple[float, ...]:
        """Decay of each moment that it keeps: (μ,) or (β1, β2)."""
        return ()

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint needs beside `Parameter.slots`, as plain arrays."""
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> None:  # noqa: B027 - most have no state
        """Take over what `state` returned."""


class SGD(Optimiser):
    """Stochastic gradient descent with momentum.

    Parameters
    ----------
    parameters, weight_decay, max_norm
        As for `Optimiser`.
    momentum : float
        μ in [0, 1); 0 keeps no state.
    nesterov : bool
        Look ahead along the momentum; needs momentum > 0.

    Notes
    -----
    g = ∂L/∂w + λw;  b = μb + g;  w −= lr·b, with Nesterov w −= lr·(g + μb). As in PyTorch the
    learning rate multiplies the step, not the buffer.
    """

    def __init__(self, parameters, momentum=0.0, weight_decay=0.0, nesterov=False, max_norm=0.0):
        super().__init__(parameters, weight_decay, max_norm)
        if nesterov and not momentum:
            raise UserError("optim.nesterov = true needs momentum, such as optim.momentum = 0.9")
        self.momentum = float(momentum)
        self.nesterov = nesterov

    def decays(self) -> tuple[float, ...]:
        """(μ,)"""
        return (self.momentum,)

    def _update(self, parameter, g, lr):
        direction = g
        if self.momentum:
            # b = μ b + g
            b = _slot(parameter, "momentum")
            b *= self.momentum
            b += g
            direction = b * self.momentum + g if self.nesterov else b
        # w −= lr · direction
        parameter.data -= direction * lr


class Adam(Optimiser):
    """Adam, with weight decay added to the gradient.

    Parameters
    ----------
    parameters, weight_decay, max_norm
        As for `Optimiser`.
    beta1, beta2 : float
        Decay of the first and second moment, in [0, 1).
    eps : float
        Added to the root of the second moment.

    Notes
    -----
    g = ∂L/∂w + λw;  m = β1 m + (1 − β1) g;  v = β2 v + (1 − β2) g²;
    w −= lr/(1 − β1^k) · m / (√v/√(1 − β2^k) + eps), k counting the updates from 1. A weight that
    has just grown starts with m = v = 0 at the present k.
    """

    def __init__(
        self, parameters, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, max_norm=0.0
    ):
        super().__init__(parameters, weight_decay, max_norm)
        self.beta1, self.beta2, self.eps = float(beta1), float(beta2), float(eps)
        self.updates = 0

    def step(self, lr: float, only=None) -> None:
        """As `Optimiser.step`; counts the updates."""
        self.updates += 1
        super().step(lr, only)

    def decays(self) -> tuple[float, ...]:
        """(β1, β2)"""
        return self.beta1, self.beta2

    def _update(self, parameter, g, lr):
        m, v = _slot(parameter, "adam.m"), _slot(parameter, "adam.v")
        # m = β1 m + (1 − β1) g
        m *= self.beta1
        m += g * (1.0 - self.beta1)
        # v = β2 v + (1 − β2) g²
        v *= self.beta2
        v += g * g * (1.0 - self.beta2)
        # w −= lr/(1 − β1^k) · m / (√v/√(1 − β2^k) + eps)
        rate = lr / (1.0 - self.beta1**self.updates)
        root = math.sqrt(1.0 - self.beta2**self.updates)
        parameter.data -= m / (np.sqrt(v) / root + self.eps) * rate

    def state(self) -> dict[str, np.ndarray]:
        """The number of updates so far."""
        return {"updates": np.array(self.updates, dtype=np.int64)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.updates = int(state["updates"])


def _slot(parameter, name) -> np.ndarray:
    """A parameter's array of optimiser state; one that does not exist yet starts at 0."""
    if name not in parameter.slots:
        parameter.slots[name] = np.zeros_like(parameter.data)
    return parameter.slots[name]


def clip_by_norm(parameters, max_norm: float) -> float:
    """Scale all gradients together so that their norm, as one vector, is at most `max_norm`.

    Returns the norm before scaling, summed in float64.
    """
    parameters = list(parameters)
    # Sums of squares, not a dot product: BLAS gives other bits for other numbers of threads.
    squares = [np.square(p.gradient, dtype=np.float64).sum() for p in parameters]
    norm = math.sqrt(math.fsum(squares))
    scale = max_norm / (norm + 1e-6)
    if scale < 1.0:
        for parameter in parameters:
            parameter.gradient *= scale
    return norm


def learning_rate(
    schedule: str, lr: float, step: int, total_steps: int, *, lr_end=0.0, period=0, gamma=0.1
) -> float:
    """Learning rate at one optimiser step.

    Parameters
    ----------
    schedule : "constant", "cosine", "exponential" or "step"
        constant: lr. cosine: half a cosine from lr to 0. exponential: by a constant factor a step
        from lr to `lr_end`. step: times `gamma` after every `period` steps.
    lr : float
        At step 0.
    step : int
        Counted from 0.
    total_steps : int
        Where cosine and exponential arrive at their end.
    lr_end : float
        Of exponential, above 0.
    period : int
        Of step: optimiser steps between two reductions, at least 1.
    gamma : float
        Of step.

    Examples
    --------
    >>> [learning_rate("cosine", 0.5, step, total_steps=2) for step in range(3)]
    [0.5, 0.25, 0.0]
    """
    progress = step / total_steps
    if schedule == "constant":
        return lr
    if schedule == "cosine":
        return 0.5 * lr * (1.0 + math.cos(math.pi * progress))
    if schedule == "exponential":
        if lr_end <= 0.0:
            raise UserError(f"lr_end = {lr_end}: an exponential schedule ends above 0")
        return lr * (lr_end / lr) ** progress
    if schedule == "step":
        if period < 1:
            raise UserError(f"period = {period}: a step schedule needs at least 1 step")
        return lr * gamma ** (step // period)
    raise UserError(f"learning-rate schedule {schedule!r}: use one of {', '.join(SCHEDULES)}")
