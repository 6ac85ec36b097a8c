"""Rewiring on dense arrays: compressed rows after it, and a step of Deep R and of Grad R.

θ is (N,) float, changed in place, s (N,) of 1 and −1, `gradient` (N,) the raw ∂L/∂w, w = s θ.
"""

import numpy as np


def rewire(shape, active, keep, new_positions):
    """Columns and row pointers after a rewiring, and the old slot of each synapse, -1 if new.

    Flat positions `active` and `new_positions`, sorted; keep (active,) bool.
    """
    slot = np.full(shape, -1)
    slot.flat[active[keep]] = np.flatnonzero(keep)
    mask = slot >= 0
    mask.flat[new_positions] = True
    return np.nonzero(mask)[1], np.append(0, np.cumsum(mask.sum(axis=1))), slot[mask]


def transpose(shape, active):
    """The active positions column by column: their rows, column pointers and slots."""
    slot = np.full(shape, -1)
    slot.flat[active] = np.arange(len(active))
    mask = slot.T >= 0
    return np.nonzero(mask)[1], np.append(0, np.cumsum(mask.sum(axis=1))), slot.T[mask]


def temperature(drift, lr, noise):
    """T with which the noise √(2ηT) of a step is `noise` times η rms(s ∂L/∂w + α)."""
    return lr * noise**2 * np.mean(drift**2) / 2


def deep_r_step(theta, s, active, gradient, lr, alpha, rng, T=0.0, noise=0.0):
    """Active weights walk; below 0 they sleep, and as many wake elsewhere at θ = 0.

    Source: Deep R (Bellec et al. 2018) Algorithm 1

    `active` is (N,) bool. T = 0 takes `temperature`.
    """
    drift = (s * gradient + alpha)[active]
    theta[active] -= lr * drift
    T = T or temperature(drift, lr, noise)
    if T:
        theta[active] += np.sqrt(2 * lr * T) * rng.standard_normal(active.sum())
    asleep = active & (theta < 0)
    active &= ~asleep
    if asleep.any():
        dormant = np.flatnonzero(~active)
        woken = np.sort(rng.choice(dormant.size, asleep.sum(), replace=False, shuffle=False))
        theta[dormant[woken]] = 0
        active[dormant[woken]] = True


def grad_r_step(theta, s, gradient, lr, alpha, p, moments=None, t=1, betas=(0.9, 0.999)):
    """Every θ moves, active or not; w = s max(θ, 0).

    Source: Grad R (Chen et al. 2021) Algorithm 1

    With `moments` (m, v), both (N,), the form of Adam at its t-th update, t from 1.
    """
    u, rate = gradient, lr
    if moments is not None:
        (m, v), (beta1, beta2) = moments, betas
        m[...] = beta1 * m + (1 - beta1) * gradient
        v[...] = beta2 * v + (1 - beta2) * gradient**2
        u, rate = m / (np.sqrt(v / (1 - beta2**t)) + 1e-8), lr / (1 - beta1**t)
    mu = np.log(2 * (1 - p)) / alpha
    theta -= rate * (s * u + alpha * np.sign(theta - mu))
