"""The spiking layer: leaky integrate-and-fire neurons."""

import numpy as np

from nsnn import parallel, surrogate
from nsnn.kernels.lif import lif_backward, lif_forward
from nsnn.layers.base import Layer
from nsnn.neuron import Neuron


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
    v : ndarray of float, (…, T, B)
        Membrane before the reset, of the last forward.
    s : ndarray of uint8, (…, T, B)
        Spikes of the last forward.

    Notes
    -----
    An input with one time step is constant: it drives all T steps, and its gradient is the sum
    over them. Source: NDSNN Eqs. 1a-1c, 2b; ESL Eqs. 7-9; SD-SNN Eqs. 1-3.
    """

    def __init__(self, neuron: Neuron, dtype=np.float32, name="lif"):
        super().__init__()
        self.neuron, self.dtype, self.name = neuron, np.dtype(dtype), name

    def forward(self, x, training=False):
        """Current x (…, T or 1, B) float -> spikes (…, T, B) uint8."""
        self._require("time steps", x.shape[-2], 1, self.neuron.time_steps)
        self._input_steps = x.shape[-2]
        shape = (*x.shape[:-2], self.neuron.time_steps, x.shape[-1])
        self.v = self._buffer("v", shape, self.dtype)
        self.s = self._buffer("s", shape, np.uint8)
        current, v = as_neurons(x), as_neurons(self.v)
        parallel.run(
            lif_forward, v.shape[0], 4 * v.size,
            current, *self._constants(), v, as_neurons(self.s),
        )  # fmt: skip
        return self.s

    def backward(self, dy):
        """δ = dL/do (…, T, B) -> dL/dI (…, T or 1, B). Source: NDSNN Eq. 2b, corrected."""
        shape = (*self.v.shape[:-2], self._input_steps, self.v.shape[-1])
        dx = self._buffer("dx", shape, self.dtype)
        v = as_neurons(self.v)
        decay, gain, threshold, reset_zero = self._constants()
        parallel.run(
            lif_backward, v.shape[0], 8 * v.size,
            as_neurons(dy), v, as_neurons(self.s), decay, gain, threshold, reset_zero,
            self.neuron.detach_reset, surrogate.code(self.neuron.surrogate),
            self.dtype.type(self.neuron.surrogate_scale), as_neurons(dx),
        )  # fmt: skip
        return dx

    def rate(self) -> float:
        """Spikes per neuron and step in the last forward."""
        return float(np.count_nonzero(self.s) / self.s.size)

    def _constants(self):
        """(decay, gain, threshold, reset_zero) in the layer's own type: no float64 slips in."""
        n, number = self.neuron, self.dtype.type
        return number(n.decay), number(n.gain), number(n.threshold), n.reset == "zero"


def as_neurons(array):
    """(…, T, B) seen as (N, T, B): what the kernels take."""
    return array.reshape(-1, *array.shape[-2:])
