"""Leaky integrate-and-fire neurons over a whole sequence: the twin of `nsnn.kernels.lif`."""

import numpy as np

from nsnn.surrogate import derivative


def lif_forward(current, decay, gain, threshold, reset_zero, time_steps, fire=None, held=None):
    """Integrate and fire.

    Parameters
    ----------
    current : ndarray of float, shape (N, T or 1, B)
        I[t] = W s[t]; one step stands for T equal ones.
    decay, gain, threshold : float
    reset_zero : bool
        True: the membrane is set to 0 after a spike; False: the threshold is subtracted.
    time_steps : int
        T.
    fire : callable, optional
        o = fire(v - threshold); default: the unit step. A smooth one gives the network whose
        gradient the surrogate is, see `nsnn.gradcheck`.
    held : ndarray, shape (N, T, B), optional
        Outputs that the reset uses in place of o: a detached reset does not see o change.

    Returns
    -------
    v : ndarray of float, shape (N, T, B)
        Membrane before the reset.
    o : ndarray, shape (N, T, B)
        uint8 spikes; float when `fire` is given.

    Notes
    -----
    Source: NDSNN Eqs. 1a-1c; ESL Eqs. 7-9; SD-SNN Eqs. 1, 2.
    """
    N, _, B = current.shape
    current = np.broadcast_to(current, (N, time_steps, B))
    v = np.zeros((N, time_steps, B), current.dtype)
    o = np.zeros((N, time_steps, B), np.uint8 if fire is None else current.dtype)
    for t in range(time_steps):
        v[:, t] = gain * current[:, t]
        if t > 0:
            reset = (o if held is None else held)[:, t - 1].astype(current.dtype)
            if reset_zero:
                v[:, t] += decay * v[:, t - 1] * (1 - reset)  # v = τ v (1 - o) + g I
            else:
                v[:, t] += decay * v[:, t - 1] - threshold * reset  # v = α v + g I - ϑ o
        x = v[:, t] - threshold
        o[:, t] = (v[:, t] >= threshold) if fire is None else fire(x)
    return v, o


def lif_backward(
    delta, v, o, decay, gain, threshold, reset_zero, detached, surrogate, scale, constant=False
):
    """dL/dI from dL/do, by backpropagation through time.

    Parameters
    ----------
    delta : ndarray of float, shape (N, T, B)
        dL/do.
    v, o : ndarray, shape (N, T, B)
        What the forward returned.
    surrogate : str
    scale : float
        Width or slope of the surrogate.
    constant : bool
        True: the input was the same at all T steps; its gradient is the sum over them.

    Returns
    -------
    d_current : ndarray of float, shape (N, T or 1, B)

    Notes
    -----
    Source: NDSNN Eq. 2b, corrected: the paper prints ε[t] where ε[t+1] is meant.
    """
    phi = derivative(surrogate, v - threshold, scale)
    epsilon = np.zeros_like(delta)
    later = np.zeros_like(delta[:, 0])  # ε[t+1]
    for t in reversed(range(delta.shape[1])):
        if reset_zero:
            through_reset = 0 if detached else v[:, t] * phi[:, t]
            carry = decay * (1 - o[:, t].astype(delta.dtype) - through_reset)
        else:
            carry = decay - (0 if detached else threshold * phi[:, t])
        later = epsilon[:, t] = delta[:, t] * phi[:, t] + carry * later
    d_current = gain * epsilon
    return d_current.sum(axis=1, keepdims=True) if constant else d_current
