"""NDSNN's Algorithm 1 on dense arrays, on one page: weights W, masks M of 0 and 1.

Huang et al., "Neurogenesis Dynamics-inspired Spiking Neural Network Training Acceleration". Where
the printed algorithm is silent or slips: rounds count from q = 1, the smallest |w| is dropped and
the largest |∂L/∂w| grows, D is raised where Eq. 9 asks for a negative number, and the last round is
the n-th, n = ⌈T_end/ΔT⌉ − 1, so that it happens at all.
"""

import math

import numpy as np


def erk_counts(dims, sparsity):
    """Active weights of each layer by ERK, dims (out, in) or (out, in, kh, kw) of each.

    Density d = min(1, scale · Σdims/Πdims), with the scale that gives `sparsity` over all layers.
    Source: NDSNN III-C step 1
    """
    N = np.array([math.prod(d) for d in dims])
    raw = np.array([sum(d) / math.prod(d) for d in dims])
    full = np.zeros(N.size, bool)  # layers whose share is all of their weights
    density = np.ones(N.size)
    while not full.all():
        rest = (1 - sparsity) * N.sum() - N[full].sum()
        density[~full] = raw[~full] * rest / (raw[~full] @ N[~full])
        if density.max() <= 1:
            break
        full |= raw == raw[~full].max()
        density[full] = 1
    return np.rint(density * N).astype(int)


def arg_drop(w, mask, D):
    """Positions of the D active weights with the smallest |w|. Source: NDSNN Eqs. 6, 7"""
    active = np.flatnonzero(mask)
    return active[np.argsort(np.abs(w.ravel()[active]), kind="stable")[:D]]


def arg_grow(gradient, mask, G):
    """Positions of the G inactive weights with the largest |∂L/∂w|. Source: NDSNN Eqs. 8, 9"""
    inactive = np.flatnonzero(mask == 0)
    return inactive[np.argsort(-np.abs(gradient.ravel()[inactive]), kind="stable")[:G]]


def algorithm_1(
    W, dims, gradients, rng, steps, every, end, theta_i, theta_f, d_0=0.5, d_min=0.005,
    lr=0.1, momentum=0.9, weight_decay=5e-4,
):  # fmt: skip
    """Train W in place by NDSNN with SGD; yields (t, M) after every step t.

    Source: NDSNN Algorithm 1, NDSNN Eqs. 4-9

    Parameters
    ----------
    W : list of ndarray, shape (out, in·kh·kw)
        Dense initial weights of each layer.
    dims : list of tuple of int
        Their true shapes, for ERK.
    gradients : callable
        gradients(W, t) -> list of ∂L/∂W of mini-batch t, at every position.
    rng : numpy.random.Generator
        Draws the first masks.
    steps, every, end : int
        Of the whole run; ΔT; T_end.
    theta_i, theta_f : float
        Sparsity over all layers at the start and the end.
    """
    start, final = erk_counts(dims, theta_i), erk_counts(dims, theta_f)
    M = [np.ones_like(w) for w in W]
    sparse = [l for l in range(len(W)) if final[l] < W[l].size]
    for l in sparse:
        M[l][...] = 0
        M[l].flat[rng.choice(W[l].size, start[l], replace=False, shuffle=False)] = 1
        W[l] *= M[l]
    velocity = [np.zeros_like(w) for w in W]
    n = math.ceil(end / every) - 1
    for t in range(steps):
        gradient = gradients(W, t)
        if t % every == 0 and 0 < t <= n * every:  # drop and grow; no weight is updated
            progress = t / (n * every)
            d_t = d_min + 0.5 * (d_0 - d_min) * (1 + np.cos(np.pi * progress))  # Eq. 5
            for l in sparse:
                N, N_pre = W[l].size, np.count_nonzero(M[l])
                theta_0, theta_n = 1 - start[l] / N, 1 - final[l] / N
                theta_t = theta_n + (theta_0 - theta_n) * (1 - progress) ** 3  # Eq. 4
                N_target = round(N * (1 - theta_t))
                D = max(math.floor(d_t * N_pre), N_pre - N_target)
                G = N_target - (N_pre - D)
                M[l].flat[arg_drop(W[l], M[l], D)] = 0
                W[l] *= M[l]
                velocity[l] *= M[l]
                M[l].flat[arg_grow(gradient[l], M[l], G)] = 1  # at value 0, without velocity
        else:
            for w, m, g, v in zip(W, M, gradient, velocity, strict=True):
                v[...] = (momentum * v + g + weight_decay * w) * m
                w -= lr * v
        yield t, M
