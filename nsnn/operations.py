"""Synaptic operations of a forward, counted exactly."""

from dataclasses import dataclass

import numpy as np

from nsnn import parallel
from nsnn.csr import CSRMatrix
from nsnn.errors import UserError
from nsnn.kernels.count import column_uses
from nsnn.layers import LIF, Conv2d, Linear


@dataclass(frozen=True)
class Operations:
    """Operations of all samples of a forward.

    `static` are those whose input is constant in time: multiply-accumulates with real numbers, such
    as pixels, made once for all time steps. `real` are those whose input is no spike, the static
    ones among them: multiply-adds of pixels, or of averages of spikes.
    """

    layers: dict  # of int by weight, such as "conv1.weight"; the readout counts too
    static: int
    real: int = 0

    @property
    def total(self) -> int:
        """Operations that the time steps cause: all but the static ones."""
        return sum(self.layers.values()) - self.static


@dataclass(frozen=True)
class Measures:
    """What is measured of a forward.

    Rates are spikes per neuron and time step. In the mean over all neurons a large layer counts for
    more; it is 0 for a network without spiking layers.
    """

    spike_rate: float
    spike_rates: dict  # of each spiking layer by name
    operations: Operations


def measure(network) -> Measures:
    """Spike rates and operations of the last forward of a time-stepped network."""
    rates = network.spike_rates()
    neurons = {layer.name: layer.capacity for layer in network.layers() if layer.name in rates}
    spikes = sum(rate * neurons[name] for name, rate in rates.items())
    return Measures(spikes / max(1, sum(neurons.values())), rates, synaptic_operations(network))


def synaptic_operations(network) -> Operations:
    """Count the operations of the last forward: each nonzero input times its existing synapses.

    A value that is not 0 costs one operation at each synapse that leads on from its neuron: for a
    spike an addition. Exact at image borders, where a neuron has fewer of them, and for stride and
    padding. A weight that is stored counts also if its value is 0. Inputs that are not spikes, of a
    layer after average pooling, count where they are not 0; biases, neurons, normalisation and
    pooling count nothing.

    Parameters
    ----------
    network : Network
        Between a forward and the next change of its topology.
    """
    layers, static, real, spiking = {}, 0, 0, False
    for layer in network.layers():
        spiking = spiking or isinstance(layer, LIF)
        if isinstance(layer, Conv2d | Linear):
            count = layer_operations(layer)
            layers[layer.weight.name] = count
            if not spiking and layer.x.shape[-2] == 1:
                static += count
            if layer.x.dtype != np.uint8:  # the type of spikes
                real += count
    return Operations(layers, static, real)


def counted(network, images, batch_size=128) -> tuple[np.ndarray, Operations]:
    """As `Network.scores`, and the operations of all these inferences together."""
    scores, layers, static, real = [], {}, 0, 0
    for first in range(0, len(images), batch_size):
        scores.append(network.scores(images[first : first + batch_size], batch_size))
        operations = network.measures().operations
        for name, count in operations.layers.items():
            layers[name] = layers.get(name, 0) + count
        static, real = static + operations.static, real + operations.real
    return np.concatenate(scores), Operations(layers, static, real)


def layer_operations(layer) -> int:
    """Operations of a `Linear` or `Conv2d` in its last forward, all samples together.

    Raises
    ------
    UserError
        If neurons have been left out or brought back after it.

    Notes
    -----
    Σ over the columns (c, dy, dx) of the weight: nonzero inputs that meet the column, over all
    output pixels, times the weights that the column has. Linear: one pixel, kernel 1 x 1.
    """
    x = np.ascontiguousarray(layer.x)
    if isinstance(layer, Conv2d):
        geometry = (*layer.geometry, *layer.output_shape(*x.shape[1:3])[1:])
        x = x.reshape(*x.shape[:3], -1)
    else:
        geometry = (1, 1, 1, 0, 1, 1)
        x = x.reshape(x.shape[0], 1, 1, -1)
    rows, columns = layer.weight.stored_shape
    if x.shape[0] * geometry[0] * geometry[1] != columns:
        raise UserError(
            f"{layer.name}: neurons have been silenced or woken since the last forward; count "
            "operations before that, or after the next forward"
        )
    uses = np.empty(columns, np.int64)
    parallel.launch(column_uses, x.shape[0], x.size / 8, x, *geometry, uses)  # 8 values at a time
    topology = layer.weight.topology
    if topology is None:
        return int(uses.sum()) * rows
    if isinstance(topology, CSRMatrix):
        stored = np.diff(topology.t_indptr)
    else:
        stored = np.count_nonzero(topology.mask, axis=0)
    return int(uses @ stored.astype(np.int64))
