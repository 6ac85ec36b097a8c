"""Layers of neurons that fire once, in the z-domain: z = e^t.

Arrays are `(neurons, B)`. Infinity is the value of a neuron that does not fire. The forward takes
one sample after another, its inputs in the order of their times; the gradients take one synapse
after another, all samples in a row. TINY keeps Σw − 1 away from 0, where z would be beyond bounds.
"""

import numpy as np
from numba import njit

TINY = 1e-6


@njit(cache=True, nogil=True, error_model="numpy")
def first_spikes(t_data, t_indices, t_indptr, order, z, z_out, margin, start, stop):
    """z_out (out, B) of a sparse layer and margin = Σ_C w − 1, 0 where it does not fire.

    t_data, t_indices, t_indptr: the weights by columns; order (B, in) int32: the inputs of each
    sample by rising z (in, B). Owns the samples `start:stop`. Source: ESL Eq. 5.
    """
    n_out, one, tiny = z_out.shape[0], z.dtype.type(1), z.dtype.type(TINY)
    never, zero = z.dtype.type(np.inf), z.dtype.type(0)
    S, N = np.empty(n_out, z.dtype), np.empty(n_out, z.dtype)  # Σw − 1 and Σwz of the inputs so far
    for b in range(start, stop):
        S[:], N[:] = -one, zero
        for k in range(order.shape[1]):
            i = order[b, k]
            z_i = z[i, b]
            if z_i == never or (k % 16 == 15 and _all_fired(S, N, z_i, tiny)):
                break
            # Unsigned: a signed index costs a test for negative ones, here a third of the time.
            for e in range(np.uintp(t_indptr[i]), np.uintp(t_indptr[i + 1])):
                j, w = np.uintp(t_indices[e]), t_data[e]
                # V_j(z_i) ≥ 1 where z_i S ≥ N and S > 0: it has fired before this input, and its
                # sums stay, so that it is found fired at every later one. As a number, not as a
                # branch, which nobody could predict: twice as fast.
                waits = max(N[j] - z_i * S[j], tiny - S[j]) > zero
                passed = w if waits else zero
                S[j] += passed
                N[j] += passed * z_i
        for j in range(n_out):
            fires = S[j] >= tiny
            z_out[j, b] = N[j] / S[j] if fires else never
            margin[j, b] = S[j] if fires else zero


@njit(cache=True, nogil=True, error_model="numpy")
def first_spikes_dense(weights, order, z, z_out, margin, start, stop):
    """As `first_spikes` for weights (in, out) in full: one input meets all neurons at once."""
    n_out, one, tiny = z_out.shape[0], z.dtype.type(1), z.dtype.type(TINY)
    never, zero = z.dtype.type(np.inf), z.dtype.type(0)
    S, N = np.empty(n_out, z.dtype), np.empty(n_out, z.dtype)
    for b in range(start, stop):
        S[:], N[:] = -one, zero
        for k in range(order.shape[1]):
            i = order[b, k]
            z_i = z[i, b]
            if z_i == never or (k % 16 == 15 and _all_fired(S, N, z_i, tiny)):
                break
            w = weights[i]
            for j in range(n_out):
                waits = max(N[j] - z_i * S[j], tiny - S[j]) > zero
                passed = w[j] if waits else zero
                S[j] += passed
                N[j] += passed * z_i
        for j in range(n_out):
            fires = S[j] >= tiny
            z_out[j, b] = N[j] / S[j] if fires else never
            margin[j, b] = S[j] if fires else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _all_fired(S, N, z_i, tiny):
    """Whether no neuron waits for an input at z_i."""
    waiting = 0
    for j in range(S.size):
        waiting += max(N[j] - z_i * S[j], tiny - S[j]) > 0
    return waiting == 0


# Sums of products vectorise only if their terms may be reordered; infinities stay respected.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def first_spike_gradient(indices, indptr, z, z_out, slope, gradient, start, stop):
    """gradient (nnz,) = Σ_b slope (z_i − z_j) over causal inputs; owns the rows `start:stop`.

    z (in, B), z_out (out, B) with 0 in place of infinity, slope (out, B) = dL/dz_j / (Σ_C w − 1).
    An input is causal where z_i < z_j. Source: ESL Eq. 5, differentiated.
    """
    zero = z.dtype.type(0)
    for j in range(start, stop):
        z_j, slope_j = z_out[j], slope[j]
        for e in range(indptr[j], indptr[j + 1]):
            z_i, total = z[indices[e]], zero
            for b in range(z_j.size):
                total += slope_j[b] * min(z_i[b] - z_j[b], zero)
            gradient[e] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def first_spike_gradient_dense(z, z_out, slope, gradient, start, stop):
    """As `first_spike_gradient` at all positions of some inputs: gradient (out, in)."""
    zero = z.dtype.type(0)
    for j in range(start, stop):
        z_j, slope_j = z_out[j], slope[j]
        for i in range(z.shape[0]):
            z_i, total = z[i], zero
            for b in range(z_j.size):
                total += slope_j[b] * min(z_i[b] - z_j[b], zero)
            gradient[j, i] = total


@njit(cache=True, nogil=True, error_model="numpy")
def first_spike_input_gradient(t_data, t_indices, t_indptr, z, z_out, slope, dz, start, stop):
    """dz (in, B) = Σ_j w_ji slope over those z_j that the input is causal for; owns `start:stop`.

    Arguments as for `first_spikes` and `first_spike_gradient`.
    """
    zero = z.dtype.type(0)
    for i in range(start, stop):
        z_i, d = z[i], dz[i]
        d[:] = zero
        for e in range(t_indptr[i], t_indptr[i + 1]):
            w, z_j, slope_j = t_data[e], z_out[t_indices[e]], slope[t_indices[e]]
            for b in range(d.size):
                d[b] += w * slope_j[b] if z_i[b] < z_j[b] else zero


@njit(cache=True, nogil=True, error_model="numpy")
def causal_pairs(indices, indptr, z, z_out, count, start, stop):
    """count (out,): samples and synapses with z_i < z_j; owns the rows `start:stop`."""
    for j in range(start, stop):
        z_j, pairs = z_out[j], 0
        for e in range(indptr[j], indptr[j + 1]):
            z_i = z[indices[e]]
            for b in range(z_j.size):
                pairs += z_i[b] < z_j[b]
        count[j] = pairs
