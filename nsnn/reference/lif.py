"""Leaky integrate-and-fire neurons over a whole sequence: the twin of `nsnn.kernels.lif`.

Letters are NDSNN's: v membrane, ϑ threshold, α decay (τ in the other papers), δ = dL/do,
ε = dL/dv, φ = do/dv. Spikes that a layer sends are o in the equations; the array that holds them is
`s`, as it is the input s of the next layer. I is the current that drives the membrane,
I = g (W s + b) or, after batch normalisation, g times its result. NDSNN has no g (g = 1; only the
preset "lth" uses another).

Arrays are (C, P, T, B): C channels of P neurons (pixels; P = 1 in a fully connected layer).
"""

import numpy as np

from nsnn.surrogate import derivative, spike


def current(x, scale, shift, time_steps):
    """I = scale[c] x + shift[c] at every step: (C, P, T or 1, B) -> (C, P, T, B)."""
    C, P, _, B = x.shape
    I = scale[:, None, None, None] * x + shift[:, None, None, None]
    return np.broadcast_to(I, (C, P, time_steps, B))


def lif_forward(x, scale, shift, decay, threshold, reset_zero, time_steps, fire=spike, held=None):
    """Integrate and fire.

    Parameters
    ----------
    x : ndarray of float, shape (C, P, T or 1, B)
        One step stands for T equal ones.
    scale, shift : ndarray of float, shape (C,)
        The current is I = scale x + shift for each channel: the gain alone (g, 0), or batch
        normalisation and gain in one.
    decay, threshold : float
        α (or τ) and ϑ.
    reset_zero : bool
        True: the membrane is set to 0 after a spike; False: the threshold is subtracted.
    time_steps : int
        T.
    fire : callable, optional
        o = fire(v - threshold); default: the unit step. A smooth one gives the network whose
        gradient the surrogate is, see `nsnn.gradcheck`.
    held : ndarray, shape (C, P, T, B), optional
        Outputs that the reset uses in place of o: a detached reset does not see o change.

    Returns
    -------
    v : ndarray of float, shape (C, P, T, B)
        Membrane before the reset.
    o : ndarray, shape (C, P, T, B)
        uint8 spikes; float when `fire` is given.

    Notes
    -----
    subtract: v[t] = α v[t-1] + I[t] - ϑ o[t-1]
    zero:     v[t] = τ v[t-1] (1 - o[t-1]) + I[t]

    and o[t] = u(v[t] - ϑ), with v[-1] = o[-1] = 0.

    Source: NDSNN Eqs. 1a-1c; ESL Eqs. 7-9; SD-SNN Eqs. 1, 2.
    """
    I = current(x, scale, shift, time_steps)
    v = np.zeros(I.shape, x.dtype)
    o = np.zeros(I.shape, np.uint8 if fire is spike else x.dtype)
    for t in range(time_steps):
        v[:, :, t] = I[:, :, t]
        if t > 0:
            reset = (o if held is None else held)[:, :, t - 1].astype(x.dtype)
            if reset_zero:
                v[:, :, t] += decay * v[:, :, t - 1] * (1 - reset)  # v = τ v (1 - o) + I
            else:
                v[:, :, t] += decay * v[:, :, t - 1] - threshold * reset  # v = α v + I - ϑ o
        o[:, :, t] = fire(v[:, :, t] - threshold)  # o = u(v - ϑ)
    return v, o


def lif_membrane(x, scale, shift, s, decay, threshold, reset_zero):
    """v (C, P, T, B) before the reset, of a forward that gave the spikes s."""
    T = s.shape[2]
    return lif_forward(x, scale, shift, decay, threshold, reset_zero, T, held=s)[0]


def lif_backward(
    delta, x, scale, shift, s, decay, gain, threshold, reset_zero, detached, surrogate, width
):
    """g ε from dL/do, by backpropagation through time.

    Parameters
    ----------
    delta : ndarray of float, shape (C, P, T, B)
        dL/do.
    x, scale, shift, s
        Of the forward.
    decay, gain, threshold : float
    reset_zero, detached : bool
    surrogate : str
    width : float
        Width or slope of the surrogate.

    Returns
    -------
    d : ndarray of float, shape (C, P, T or 1, B)
        g ε, the gradient of the layer before; summed over time if x had one step.

    Notes
    -----
    ε[t] = δ[t] φ[t] + dv[t+1]/dv[t] · ε[t+1], and ε[T] = 0. v[t] acts on v[t+1] in two ways: what
    the decay leaves of it, and through the reset, because o[t] depends on v[t]:

    subtract: dv[t+1]/dv[t] = α - ϑ φ[t]
    zero:     dv[t+1]/dv[t] = τ (1 - o[t] - v[t] φ[t])

    A detached reset drops the terms with φ; for subtract that is the paper's form.

    Source: NDSNN Eq. 2b, corrected: the paper prints ε[t] where ε[t+1] is meant.
    """
    v = lif_membrane(x, scale, shift, s, decay, threshold, reset_zero)
    phi = derivative(surrogate, v - threshold, width)
    epsilon = np.zeros_like(delta)
    later = np.zeros_like(delta[:, :, 0])  # ε[t+1]
    for t in reversed(range(delta.shape[2])):
        if reset_zero:
            through_reset = 0 if detached else v[:, :, t] * phi[:, :, t]
            carry = decay * (1 - s[:, :, t].astype(delta.dtype) - through_reset)
        else:
            carry = decay - (0 if detached else threshold * phi[:, :, t])
        later = epsilon[:, :, t] = delta[:, :, t] * phi[:, :, t] + carry * later
    constant = x.shape[2] != delta.shape[2]
    return gain * (epsilon.sum(axis=2, keepdims=True) if constant else epsilon)
