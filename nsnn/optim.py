"""Optimisers, learning-rate schedules and gradient clipping, in PyTorch's formulas.

State lives in `Parameter.slots`, one value for each stored weight, so that it follows every
rewiring: only active weights have any. All arithmetic is in place and in the dtype of the weights.
"""

import math

import numpy as np

from nsnn.errors import UserError

# Values worked on at a time: they and their gradient, state and scratch stay in the cache.
_BLOCK = 1 << 15

SCHEDULES = ("constant", "cosine", "exponential", "step")


def _blocks(parameter, *slots):
    """Cut a parameter into blocks: flat views of its data, gradient and the named slots.

    A slot that does not exist yet starts at 0.
    """
    arrays = [parameter.data, parameter.gradient]
    for name in slots:
        if name not in parameter.slots:
            parameter.slots[name] = np.zeros_like(parameter.data)
        arrays.append(parameter.slots[name])
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, _BLOCK):
        yield [array[start : start + _BLOCK] for array in flat]


class _Optimiser:
    """What the optimisers share: the parameters and one block of scratch memory per dtype."""

    def __init__(self, parameters, weight_decay):
        self.parameters = list(parameters)
        self.weight_decay = float(weight_decay)
        self._scratch = {}

    def _space(self, like) -> tuple[np.ndarray, np.ndarray]:
        """Two scratch arrays like the block `like`; their contents are undefined."""
        if like.dtype not in self._scratch:
            self._scratch[like.dtype] = np.empty((2, _BLOCK), dtype=like.dtype)
        first, second = self._scratch[like.dtype]
        return first[: like.size], second[: like.size]

    def _decayed(self, parameter, w, g, out):
        """The gradient with weight decay, g + λw, in `out`; g itself where there is none."""
        if not (self.weight_decay and parameter.decayed):
            return g
        np.multiply(w, self.weight_decay, out=out)
        out += g
        return out

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint needs beside `Parameter.slots`, as plain arrays."""
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` returned."""


class SGD(_Optimiser):
    """Stochastic gradient descent with momentum.

    Parameters
    ----------
    parameters : iterable of Parameter
    momentum : float
        μ in [0, 1); 0 keeps no state.
    weight_decay : float
        λ, applied where `parameter.decayed`.
    nesterov : bool
        Look ahead along the momentum; needs momentum > 0.

    Notes
    -----
    g = ∂L/∂w + λw;  b = μb + g;  w −= lr·b, with Nesterov w −= lr·(g + μb). As in PyTorch the
    learning rate multiplies the step, not the buffer.
    """

    def __init__(self, parameters, momentum=0.0, weight_decay=0.0, nesterov=False):
        super().__init__(parameters, weight_decay)
        if nesterov and not momentum:
            raise UserError(
                "optim.nesterov = true needs momentum: set optim.momentum above 0, 0.9 for example"
            )
        self.momentum = float(momentum)
        self.nesterov = nesterov

    def step(self, lr: float) -> None:
        """Update every parameter once from its gradient, which is left as it is."""
        slots = ("momentum",) if self.momentum else ()
        for parameter in self.parameters:
            for w, g, *b in _blocks(parameter, *slots):
                step, scratch = self._space(w)
                g = self._decayed(parameter, w, g, out=scratch)
                # w −= lr · direction
                np.multiply(self._direction(g, *b, out=step), lr, out=step)
                w -= step

    def _direction(self, g, b=None, *, out):
        """Where to go: the gradient, the momentum buffer, or with Nesterov both, in `out`."""
        if b is None:
            return g
        # b = μ b + g
        b *= self.momentum
        b += g
        if not self.nesterov:
            return b
        # g + μ b
        np.multiply(b, self.momentum, out=out)
        out += g
        return out


class Adam(_Optimiser):
    """Adam, with weight decay added to the gradient.

    Parameters
    ----------
    parameters : iterable of Parameter
    beta1, beta2 : float
        Decay of the first and second moment, in [0, 1).
    eps : float
        Added to the root of the second moment.
    weight_decay : float
        λ, applied where `parameter.decayed`.

    Notes
    -----
    g = ∂L/∂w + λw;  m = β1 m + (1 − β1) g;  v = β2 v + (1 − β2) g²;
    w −= lr/(1 − β1^k) · m / (√v/√(1 − β2^k) + eps), k counting the updates from 1. A weight that
    has just grown starts with m = v = 0 at the present k.
    """

    def __init__(self, parameters, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
        super().__init__(parameters, weight_decay)
        self.beta1, self.beta2, self.eps = float(beta1), float(beta2), float(eps)
        self.updates = 0

    def step(self, lr: float) -> None:
        """Update every parameter once from its gradient, which is left as it is."""
        self.updates += 1
        root = math.sqrt(1.0 - self.beta2**self.updates)
        rate = lr / (1.0 - self.beta1**self.updates)
        for parameter in self.parameters:
            for w, g, m, v in _blocks(parameter, "adam.m", "adam.v"):
                step, scratch = self._space(w)
                g = self._decayed(parameter, w, g, out=scratch)
                # m = β1 m + (1 − β1) g
                m *= self.beta1
                np.multiply(g, 1.0 - self.beta1, out=step)
                m += step
                # v = β2 v + (1 − β2) g²
                v *= self.beta2
                np.multiply(g, g, out=step)
                step *= 1.0 - self.beta2
                v += step
                # w −= lr/(1 − β1^k) · m / (√v/√(1 − β2^k) + eps)
                np.sqrt(v, out=step)
                step /= root
                step += self.eps
                np.divide(m, step, out=step)
                step *= rate
                w -= step

    def state(self) -> dict[str, np.ndarray]:
        """The number of updates so far."""
        return {"updates": np.array(self.updates, dtype=np.int64)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` returned."""
        self.updates = int(state["updates"])


def clip_by_norm(parameters, max_norm: float) -> float:
    """Scale all gradients together so that their norm is at most `max_norm`.

    Parameters
    ----------
    parameters : iterable of Parameter
    max_norm : float
        Largest Euclidean norm of all gradients as one vector.

    Returns
    -------
    float
        The norm before scaling, summed in float64.
    """
    parameters = list(parameters)
    # Sums of squares, not a dot product: BLAS gives other bits for other numbers of threads.
    squares = [np.square(g, dtype=np.float64).sum() for p in parameters for _, g in _blocks(p)]
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

    Returns
    -------
    float

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
