"""Leaky integrate-and-fire neurons over a whole sequence, forward and backward.

Arrays are `(N, T, B)`: neuron n owns the block of its whole history for the whole batch. Time is a
recursion; the innermost loop runs over the batch, where every element is independent.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def lif_forward(current, decay, gain, threshold, reset_zero, v, s, start, stop):
    """Integrate `current` (N, T or 1, B) into `v` (N, T, B), fire into `s` (N, T, B) uint8.

    subtract: v[t] = decay v[t-1] + gain I[t] - threshold o[t-1]
    zero:     v[t] = decay v[t-1] (1 - o[t-1]) + gain I[t]
    o[t] = 1 where v[t] >= threshold. Source: NDSNN Eqs. 1a-1c; ESL Eqs. 7-9; SD-SNN Eqs. 1, 2.
    """
    T, B = v.shape[1], v.shape[2]
    zero = v.dtype.type(0)
    for n in range(start, stop):
        for t in range(T):
            I_t = current[n, t if current.shape[1] == T else 0]
            v_t, s_t = v[n, t], s[n, t]
            if t == 0:  # v[-1] = o[-1] = 0
                for b in range(B):
                    v_t[b] = gain * I_t[b]
            else:
                v_p, s_p = v[n, t - 1], s[n, t - 1]
                if reset_zero:
                    for b in range(B):
                        v_t[b] = (zero if s_p[b] else decay * v_p[b]) + gain * I_t[b]
                else:
                    for b in range(B):
                        v_t[b] = decay * v_p[b] + gain * I_t[b] - (threshold if s_p[b] else zero)
            for b in range(B):
                s_t[b] = v_t[b] >= threshold


@njit(cache=True, nogil=True, error_model="numpy")
def _surrogate_row(v_t, threshold, surrogate, scale, phi):
    """phi (B,) of x = v - threshold; the codes are those of `nsnn.surrogate`."""
    B = phi.shape[0]
    one, half, zero = v_t.dtype.type(1), v_t.dtype.type(0.5), v_t.dtype.type(0)
    pi = v_t.dtype.type(np.pi)
    if surrogate == 0:  # arctan: k / (1 + (pi k x)^2)
        for b in range(B):
            u = pi * scale * (v_t[b] - threshold)
            phi[b] = scale / (one + u * u)
    elif surrogate == 1:  # rectangle: 1/a for |x| < a/2
        for b in range(B):
            phi[b] = one / scale if abs(v_t[b] - threshold) < half * scale else zero
    elif surrogate == 2:  # triangle: max(0, gamma - |x|) / gamma^2
        for b in range(B):
            phi[b] = max(zero, scale - abs(v_t[b] - threshold)) / (scale * scale)
    elif surrogate == 3:  # sigmoid: k sigma (1 - sigma)
        for b in range(B):
            # e^-|kx| cannot overflow, and sigma (1 - sigma) is even in x.
            e = np.exp(-abs(scale * (v_t[b] - threshold)))
            phi[b] = scale * e / ((one + e) * (one + e))
    else:  # fast sigmoid: (k/2) / (1 + k|x|)^2
        for b in range(B):
            u = one + scale * abs(v_t[b] - threshold)
            phi[b] = half * scale / (u * u)


@njit(cache=True, nogil=True, error_model="numpy")
def lif_backward(
    delta, v, s, decay, gain, threshold, reset_zero, detached, surrogate, scale, d_current,
    start, stop,
):  # fmt: skip
    """From delta = dL/do (N, T, B) to `d_current` = dL/dI = gain * epsilon (N, T or 1, B).

    subtract: eps[t] = delta[t] phi[t] + (decay - threshold phi[t]) eps[t+1]
    zero:     eps[t] = delta[t] phi[t] + decay (1 - o[t] - v[t] phi[t]) eps[t+1]
    A detached reset drops the term `threshold phi`, or `v phi`. When `d_current` has one step the
    input was constant and the sum over time is written. `s` may be uint8 or, for gradient checks,
    real. Source: NDSNN Eq. 2b, corrected (its last term belongs to t+1).
    """
    T, B = v.shape[1], v.shape[2]
    one, zero = v.dtype.type(1), v.dtype.type(0)
    phi = np.empty(B, v.dtype)
    eps = np.empty(B, v.dtype)
    constant = d_current.shape[1] != T
    for n in range(start, stop):
        eps[:] = zero
        if constant:
            d_current[n, 0, :] = zero
        for t in range(T - 1, -1, -1):
            v_t, s_t, delta_t = v[n, t], s[n, t], delta[n, t]
            _surrogate_row(v_t, threshold, surrogate, scale, phi)
            if reset_zero:
                if detached:
                    for b in range(B):
                        o = v.dtype.type(s_t[b])
                        eps[b] = delta_t[b] * phi[b] + decay * (one - o) * eps[b]
                else:
                    for b in range(B):
                        o = v.dtype.type(s_t[b])
                        eps[b] = delta_t[b] * phi[b] + decay * (one - o - v_t[b] * phi[b]) * eps[b]
            elif detached:
                for b in range(B):
                    eps[b] = delta_t[b] * phi[b] + decay * eps[b]
            else:
                for b in range(B):
                    eps[b] = delta_t[b] * phi[b] + (decay - threshold * phi[b]) * eps[b]
            if constant:
                d_0 = d_current[n, 0]
                for b in range(B):
                    d_0[b] += gain * eps[b]
            else:
                d_t = d_current[n, t]
                for b in range(B):
                    d_t[b] = gain * eps[b]
