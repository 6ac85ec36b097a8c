"""Leaky integrate-and-fire neurons over a whole sequence, and backpropagation through time."""

import numpy as np

from nsnn.surrogate import derivative, spike


def lif_forward(I, neuron, fire=spike, held=None):
    """Integrate and fire.

    Parameters
    ----------
    I : ndarray of float, shape (…, T, B)
        The current that drives the membrane, g (W s + b). (g is 1 in all presets but one.)
    neuron : Neuron
    fire : callable, optional
        o = fire(v - ϑ); default: the unit step. A smooth one gives the network whose gradient the
        surrogate is, see `nsnn.gradcheck`.
    held : ndarray, shape (…, T, B), optional
        Outputs that the reset uses in place of o: a detached reset does not see o change.

    Returns
    -------
    v : ndarray of float, shape (…, T, B)
        Membrane before the reset.
    o : ndarray, shape (…, T, B)
        uint8 spikes; float when `fire` is given.

    Notes
    -----
    subtract: v[t] = α v[t-1] + I[t] - ϑ o[t-1]
    zero:     v[t] = τ v[t-1] (1 - o[t-1]) + I[t]

    and o[t] = u(v[t] - ϑ), with v[-1] = o[-1] = 0. α and τ are `neuron.decay`.

    Source: NDSNN Eqs. 1a-1c; ESL Eqs. 7-9; SD-SNN Eqs. 1, 2.
    """
    decay, threshold = neuron.decay, neuron.threshold
    v = np.zeros_like(I)
    o = np.zeros(I.shape, np.uint8 if fire is spike else I.dtype)
    for t in range(I.shape[-2]):
        v[..., t, :] = I[..., t, :]
        if t > 0:
            v_before = v[..., t - 1, :]
            o_before = (o if held is None else held)[..., t - 1, :].astype(I.dtype)
            if neuron.reset == "zero":
                v[..., t, :] += decay * v_before * (1 - o_before)
            else:
                v[..., t, :] += decay * v_before - threshold * o_before
        o[..., t, :] = fire(v[..., t, :] - threshold)
    return v, o


def lif_backward(delta, v, o, neuron):
    """ε = dL/dv from δ = dL/do, by backpropagation through time.

    Parameters
    ----------
    delta : ndarray of float, shape (…, T, B)
        dL/do.
    v, o : ndarray, shape (…, T, B)
        What `lif_forward` returned.
    neuron : Neuron

    Returns
    -------
    epsilon : ndarray of float, shape (…, T, B)
        dL/dv = dL/dI. The current is g times what the layer before sends: that gets g ε.

    Notes
    -----
    ε[t] = δ[t] φ[t] + dv[t+1]/dv[t] · ε[t+1], and ε[T] = 0. v[t] acts on v[t+1] in two ways: what
    the decay leaves of it, and through the reset, because o[t] depends on v[t]:

    subtract: dv[t+1]/dv[t] = α - ϑ φ[t]
    zero:     dv[t+1]/dv[t] = τ (1 - o[t] - v[t] φ[t])

    A detached reset drops the terms with φ; for subtract that is the paper's form.

    Source: NDSNN Eq. 2b, corrected: the paper prints ε[t] where ε[t+1] is meant.
    """
    decay, threshold, detached = neuron.decay, neuron.threshold, neuron.detach_reset
    phi = derivative(neuron.surrogate, v - threshold, neuron.surrogate_width)
    if neuron.reset == "zero":
        carry = decay * (1 - o.astype(v.dtype) - (0 if detached else v * phi))
    else:
        carry = decay - (0 if detached else threshold) * phi
    epsilon = np.zeros_like(delta)
    later = 0  # ε[t+1]
    for t in reversed(range(delta.shape[-2])):
        later = delta[..., t, :] * phi[..., t, :] + carry[..., t, :] * later
        epsilon[..., t, :] = later
    return epsilon
