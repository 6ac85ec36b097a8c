"""Leaky integrate-and-fire neurons over a whole sequence, forward and backward.

Inputs are `(C, P, T, B)`: P neurons in each of C channels (P = 1 in a fully connected layer), each
with the block of its whole history for the whole batch. Time is a recursion; the innermost loops
run over the batch, where every element is independent.

The current is an affine function of the input, I = scale[c] x + shift[c]: the gain g of the
neuron, or batch normalisation and gain together, so that no normalised array is ever written. The
membrane is not stored either: the backward finds it again from x and the spikes, which costs less
than reading it. Everything is read and written once, in rising order, a neuron's block at a time;
the recursion, which runs backwards in time, works on a copy in the cache.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def _current(x, scale, shift, v):
    """v (T, B) = scale x + shift, for x (T or 1, B)."""
    T, B = v.shape
    if x.shape[0] == T:
        flat_v, flat_x = v.reshape(-1), x.reshape(-1)
        for i in range(flat_v.size):
            flat_v[i] = scale * flat_x[i] + shift
        return
    for t in range(T):
        v_t, x_0 = v[t], x[0]
        for b in range(B):
            v_t[b] = scale * x_0[b] + shift


@njit(cache=True, nogil=True, error_model="numpy")
def _leak(v_before, o_before, decay, threshold, reset_zero, v_t):
    """v[t] (B,) += what is left of v[t-1] after its spikes o[t-1] have reset it."""
    one = v_t.dtype.type(1)
    if reset_zero:
        for b in range(v_t.size):
            v_t[b] += decay * v_before[b] * (one - v_t.dtype.type(o_before[b]))
    else:
        for b in range(v_t.size):
            v_t[b] += decay * v_before[b] - threshold * v_t.dtype.type(o_before[b])


@njit(cache=True, nogil=True, error_model="numpy")
def lif_forward(x, scale, shift, decay, threshold, reset_zero, s, start, stop):
    """Integrate x (C, P, T or 1, B), write the spikes s (C, P, T, B) uint8; owns channels.

    subtract: v[t] = decay v[t-1] + I[t] - threshold o[t-1]
    zero:     v[t] = decay v[t-1] (1 - o[t-1]) + I[t]
    o[t] = 1 where v[t] >= threshold; s holds o, the input spikes of the next layer.
    Source: NDSNN Eqs. 1a-1c; ESL Eqs. 7-9; SD-SNN Eqs. 1, 2.
    """
    P, T, B = s.shape[1], s.shape[2], s.shape[3]
    v = np.empty((T, B), x.dtype)
    for c in range(start, stop):
        for p in range(P):
            _current(x[c, p], scale[c], shift[c], v)
            for t in range(T):
                v_t, s_t = v[t], s[c, p, t]
                if t > 0:  # v[-1] = o[-1] = 0
                    _leak(v[t - 1], s[c, p, t - 1], decay, threshold, reset_zero, v_t)
                for b in range(B):
                    s_t[b] = v_t[b] >= threshold


@njit(cache=True, nogil=True, error_model="numpy")
def _membrane(x, scale, shift, s, decay, threshold, reset_zero, v):
    """v (T, B) of one neuron from its input x (T or 1, B) and its spikes s (T, B)."""
    _current(x, scale, shift, v)
    for t in range(1, v.shape[0]):
        _leak(v[t - 1], s[t - 1], decay, threshold, reset_zero, v[t])


@njit(cache=True, nogil=True, error_model="numpy")
def lif_membrane(x, scale, shift, s, decay, threshold, reset_zero, v, start, stop):
    """v (C, P, T, B) before the reset, of a forward that gave s; owns the channels `start:stop`."""
    for c in range(start, stop):
        for p in range(s.shape[1]):
            _membrane(x[c, p], scale[c], shift[c], s[c, p], decay, threshold, reset_zero, v[c, p])


@njit(cache=True, nogil=True, error_model="numpy")
def _surrogate(v, threshold, surrogate, k, phi):
    """phi (n,) of v - threshold; the codes and the scale k are those of `nsnn.surrogate`."""
    one, half, zero = v.dtype.type(1), v.dtype.type(0.5), v.dtype.type(0)
    if surrogate == 0:  # arctan: k / (1 + (pi k x)^2)
        factor = v.dtype.type(np.pi) * k
        for i in range(v.size):
            u = factor * (v[i] - threshold)
            phi[i] = k / (one + u * u)
    elif surrogate == 1:  # rectangle: 1/a for |x| < a/2
        for i in range(v.size):
            phi[i] = one / k if abs(v[i] - threshold) < half * k else zero
    elif surrogate == 2:  # triangle: max(0, gamma - |x|) / gamma^2
        for i in range(v.size):
            phi[i] = max(zero, k - abs(v[i] - threshold)) / (k * k)
    elif surrogate == 3:  # sigmoid: k sigma (1 - sigma)
        for i in range(v.size):
            # e^-|kx| cannot overflow, and sigma (1 - sigma) is even in x.
            e = np.exp(-abs(k * (v[i] - threshold)))
            phi[i] = k * e / ((one + e) * (one + e))
    else:  # fast sigmoid: (k/2) / (1 + k|x|)^2
        for i in range(v.size):
            u = one + k * abs(v[i] - threshold)
            phi[i] = half * k / (u * u)


@njit(cache=True, nogil=True, error_model="numpy")
def _recurse(eps, phi, v, o, decay, threshold, reset_zero, detached):
    """From delta phi (T, B) to epsilon in place: eps[t] += (d v[t+1] / d v[t]) eps[t+1]."""
    one = eps.dtype.type(1)
    for t in range(eps.shape[0] - 2, -1, -1):
        e, later, phi_t, v_t, o_t = eps[t], eps[t + 1], phi[t], v[t], o[t]
        if reset_zero and detached:
            for b in range(e.size):
                e[b] += decay * (one - eps.dtype.type(o_t[b])) * later[b]
        elif reset_zero:
            for b in range(e.size):
                kept = one - eps.dtype.type(o_t[b]) - v_t[b] * phi_t[b]
                e[b] += decay * kept * later[b]
        elif detached:
            for b in range(e.size):
                e[b] += decay * later[b]
        else:
            for b in range(e.size):
                e[b] += (decay - threshold * phi_t[b]) * later[b]


@njit(cache=True, nogil=True, error_model="numpy")
def lif_backward(
    delta, x, scale, shift, s, decay, gain, threshold, reset_zero, detached, surrogate, k,
    d, start, stop,
):  # fmt: skip
    """From delta = dL/do (C, P, T, B) to d = gain * epsilon (C, P, T or 1, B); owns channels.

    subtract: eps[t] = delta[t] phi[t] + (decay - threshold phi[t]) eps[t+1]
    zero:     eps[t] = delta[t] phi[t] + decay (1 - o[t] - v[t] phi[t]) eps[t+1]
    A detached reset drops the term `threshold phi`, or `v phi`. When d has one step the input was
    constant and the sum over time is written. x, scale, shift and s are those of the forward (s
    real in gradient checks), `k` is the scale of the surrogate.
    Source: NDSNN Eq. 2b, corrected (its last term belongs to t+1).
    """
    P, T, B = s.shape[1], s.shape[2], s.shape[3]
    v, phi, eps = np.empty((T, B), d.dtype), np.empty((T, B), d.dtype), np.empty((T, B), d.dtype)
    flat_v, flat_phi, flat_eps = v.reshape(-1), phi.reshape(-1), eps.reshape(-1)
    for c in range(start, stop):
        for p in range(P):
            _membrane(x[c, p], scale[c], shift[c], s[c, p], decay, threshold, reset_zero, v)
            _surrogate(flat_v, threshold, surrogate, k, flat_phi)
            flat_delta = delta[c, p].reshape(-1)
            for i in range(flat_eps.size):
                flat_eps[i] = flat_delta[i] * flat_phi[i]
            _recurse(eps, phi, v, s[c, p], decay, threshold, reset_zero, detached)
            flat_d = d[c, p].reshape(-1)
            if d.shape[2] == T:
                for i in range(flat_eps.size):
                    flat_d[i] = gain * flat_eps[i]
            else:
                flat_d[:] = 0
                for t in range(T):
                    e = eps[t]
                    for b in range(B):
                        flat_d[b] += gain * e[b]
