"""The first-spike network of ESL and of Mostafa (2018): Eqs. 3-6 and their derivatives.

Neurons do not leak, synaptic currents decay exponentially, the threshold is 1. Times are written as
z = e^t; ∞ is the time of a neuron that never fires. W (out, in) is dense, 0 where there is no
synapse; z (in, B) and z_out (out, B) are times.
"""

import numpy as np


def potential(t, w, t_in):
    """V_j(t) = Σ_i Θ(t − t_i) w_ij (1 − e^{−(t − t_i)}), of one neuron. Source: ESL Eq. 3"""
    arrived = t_in < t
    return np.sum(w[arrived] * (1 - np.exp(-(t - t_in[arrived]))))


def spike_time(w, z):
    """When one neuron fires: z_j = Σ_C w z / (Σ_C w − 1). Source: ESL Eqs. 4, 5

    The causal set C is the smallest number of inputs, in the order of their times, with which the
    neuron fires before the next one arrives.
    """
    order = np.argsort(z, kind="stable")
    order = order[np.isfinite(z[order])]
    S = N = 0.0
    for n, i in enumerate(order):
        S, N = S + w[i], N + w[i] * z[i]
        following = z[order[n + 1]] if n + 1 < order.size else np.inf
        if S > 1 and following >= N / (S - 1):
            return N / (S - 1)
    return np.inf


def spike_times(W, z):
    """z_out (out, B) of a layer; see `spike_time`."""
    return np.array([[spike_time(w, z[:, b]) for b in range(z.shape[1])] for w in W])


def slope(dz_out, W, z, z_out):
    """dL/dz_j / (Σ_C w − 1), (out, B): what both derivatives of Eq. 5 have in common."""
    S = np.einsum("oi,oib->ob", W, causal(z, z_out))
    fired = np.isfinite(z_out)
    return np.where(fired, dz_out / np.where(fired, S - 1, 1), 0)


def causal(z, z_out):
    """C_j = {i: z_i < z_j}, (out, in, B) bool. Source: ESL, below Eq. 3"""
    return z[None, :, :] < z_out[:, None, :]


def weight_gradient(dz_out, W, z, z_out):
    """∂L/∂w_ji = Σ_b dL/dz_j (z_i − z_j)/(Σ_C w − 1) for i ∈ C; at every position, (out, in)."""
    with np.errstate(invalid="ignore"):
        later = np.where(causal(z, z_out), z[None] - z_out[:, None], 0)
    return np.einsum("ob,oib->oi", slope(dz_out, W, z, z_out), np.nan_to_num(later, neginf=0))


def input_gradient(dz_out, W, z, z_out):
    """∂L/∂z_i = Σ_j dL/dz_j w_ji/(Σ_C w − 1) over the neurons that i is causal for, (in, B)."""
    return np.einsum("ob,oi,oib->ib", slope(dz_out, W, z, z_out), W, causal(z, z_out))


def loss(z_out, labels, cap):
    """L = −ln softmax(−z)[g] and dL/dz_k = 1[k = g] − softmax(−z)_k, means over the batch.

    Source: ESL Eq. 6. Where the target has not fired L is `cap`, where nobody has ln(classes), and
    the gradient of such a constant is 0.
    """
    classes, B = z_out.shape
    total, dz = 0.0, np.zeros_like(z_out)
    for b, g in enumerate(labels):
        fired = np.isfinite(z_out[:, b])
        if not fired[g]:
            total += cap if fired.any() else np.log(classes)
            continue
        e = np.where(fired, np.exp(np.min(z_out[:, b]) - z_out[:, b]), 0)
        p = e / e.sum()
        total += -np.log(p[g])
        dz[:, b] = np.where(fired, (np.arange(classes) == g) - p, 0)
    return total / B, dz / B
