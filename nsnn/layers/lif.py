"""The spiking layer: leaky integrate-and-fire neurons."""

import dataclasses

import numpy as np

from nsnn import parallel, surrogate
from nsnn.errors import UserError
from nsnn.kernels.lif import lif_backward, lif_forward, lif_membrane
from nsnn.layers.base import Layer
from nsnn.neuron import Neuron, from_preset


class LIF(Layer):
    """Integrates its input current, fires, resets; backpropagates through time.

    Parameters
    ----------
    neuron : Neuron
        Decay, gain, threshold, reset, surrogate and number of time steps T.
    dtype : float32 or float64
    name : str

    Attributes
    ----------
    s : ndarray of uint8, (…, T, B)
        Spikes of the last forward.
    fire : callable or None
        None: the unit step, by the kernel. Anything else gives the outputs `fire(current)`, float,
        and leaves the backward as it is: how gradient checks put a smooth step in its place.
    delta : ndarray of float, (…, T, B)
        δ = dL/do of the last backward, until the layer before has written its input gradient.

    Notes
    -----
    An input with one time step is constant: it drives all T steps, and its gradient is the sum
    over them. Source: NDSNN Eqs. 1a-1c, 2b; ESL Eqs. 7-9; SD-SNN Eqs. 1-3.
    """

    def __init__(self, neuron: Neuron, dtype=np.float32, name="lif"):
        super().__init__()
        self.neuron, self.dtype, self.name = neuron, np.dtype(dtype), name
        self.fire = None
        self.delta = None
        self._channels = None

    def forward(self, x, training=False, affine=None):
        """Current x (…, T or 1, B) float -> spikes (…, T, B) uint8.

        `affine` = (scale, shift), each (C,) with C the first dimension of x: the current is
        scale x + shift, as a batch normalisation before this layer wants it.
        """
        T = self.neuron.time_steps
        self._require("time steps", x.shape[-2], 1, T)
        self._x, self._affine = x, self._scaled(x.shape[0], affine)
        if self.fire is not None:
            self.s = self.fire(self.current)
            return self.s
        self.s = self._buffer("s", (*x.shape[:-2], T, x.shape[-1]), np.uint8)
        decay, _, threshold, reset_zero = self.constants()
        parallel.launch(
            lif_forward, x.shape[0], 4 * self.s.size,
            by_channel(x), *self._affine, decay, threshold, reset_zero, by_channel(self.s),
        )  # fmt: skip
        return self.s

    def backward(self, dy):
        """δ = dL/do (…, T, B) -> g ε (…, T or 1, B). Source: NDSNN Eq. 2b, corrected."""
        self.delta = dy
        d = self._gradient(dy, self._x.shape, self.dtype)
        decay, gain, threshold, reset_zero = self.constants()
        parallel.launch(
            lif_backward, d.shape[0], 8 * dy.size,
            by_channel(dy), by_channel(self._x), *self._affine, by_channel(self.s),
            decay, gain, threshold, reset_zero, self.neuron.detach_reset,
            surrogate.code(self.neuron.surrogate), self.dtype.type(self.neuron.surrogate_width),
            by_channel(d),
        )  # fmt: skip
        return d

    @property
    def current(self) -> np.ndarray:
        """I, the current that drove the membrane in the last forward, (…, T, B); on demand."""
        x = self._x
        scale, shift = (a.reshape(-1, *[1] * (x.ndim - 1)) for a in self._affine)
        shape = (*x.shape[:-2], self.neuron.time_steps, x.shape[-1])
        return np.broadcast_to(scale * x + shift, shape)

    @property
    def v(self) -> np.ndarray:
        """Membrane before the reset in the last forward, (…, T, B) float; computed on demand."""
        v = np.empty(self.s.shape, self.dtype)
        decay, _, threshold, reset_zero = self.constants()
        parallel.launch(
            lif_membrane, v.shape[0], 4 * v.size, by_channel(self._x), *self._affine,
            by_channel(self.s), decay, threshold, reset_zero, by_channel(v),
        )  # fmt: skip
        return v

    @property
    def capacity(self) -> int:
        """Spikes if each neuron, also a silent one, had fired at each step of the last forward."""
        live = self.s.shape[0]
        return self.s.size // live * (self._channels or live)

    def rate(self) -> float:
        """Spikes per neuron and step in the last forward."""
        return float(np.count_nonzero(self.s) / self.capacity)

    def shrink(self, live) -> None:
        """Work without some channels: live (C,) bool, False for those that are left out."""
        self._channels = live.size

    def constants(self):
        """(decay, gain, threshold, reset_zero) in the layer's own type: no float64 slips in."""
        n, number = self.neuron, self.dtype.type
        return number(n.decay), number(n.gain), number(n.threshold), n.reset == "zero"

    def _scaled(self, channels, affine):
        """(scale, shift) of the current, the gain included."""
        gain = self.dtype.type(self.neuron.gain)
        if affine is None:
            return np.full(channels, gain), np.zeros(channels, self.dtype)
        return gain * affine[0], gain * affine[1]


def by_channel(array):
    """(C, H, W, T, B) or (C, T, B) seen as (C, P, T, B): what the kernels take, in C order."""
    return np.ascontiguousarray(array).reshape(array.shape[0], -1, *array.shape[-2:])


def simulate(current, neuron: Neuron | str) -> tuple[np.ndarray, np.ndarray]:
    """Membrane and spikes of one neuron, or of many, that each receive a current.

    Parameters
    ----------
    current : array_like, (T,) or (…, T)
        Input of each neuron at each time step, before the neuron's gain.
    neuron : Neuron or str
        Or the name of a preset. T is the length of `current`, whatever `neuron.time_steps` says.

    Returns
    -------
    v : ndarray of float64, shape of `current`
        Membrane before the reset.
    o : ndarray of int64, shape of `current`
        Spikes, 0 or 1, of a type that can be summed and subtracted without a surprise.

    Examples
    --------
    >>> v, o = simulate([0.75, 0.75, 0.75], Neuron(decay=0.5))
    >>> v, o
    (array([0.75  , 1.125 , 0.3125]), array([0, 1, 0]))
    """
    current = np.asarray(current, np.float64)
    if current.size == 0 or current.ndim == 0:
        raise UserError(
            f"current of shape {current.shape}: give (T,) or (neurons, T), T at least 1"
        )
    if not np.isfinite(current).all():
        raise UserError("current: nan or inf among its values")
    neuron, T = from_preset(neuron) if isinstance(neuron, str) else neuron, current.shape[-1]
    layer = LIF(dataclasses.replace(neuron, time_steps=T), np.float64)
    o = layer.forward(current.reshape(-1, T, 1))
    return layer.v.reshape(current.shape), o.reshape(current.shape).astype(np.int64)
