"""Synaptic operations of a forward and the work of a training step, counted exactly."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from nsnn import parallel
from nsnn.csr import CSRMatrix
from nsnn.errors import UserError
from nsnn.kernels.count import column_uses
from nsnn.layers import LIF, Conv2d, Linear
from nsnn.layers.base import pixels


@dataclass(frozen=True)
class Operations:
    """Operations of all samples of a forward.

    `static` are those whose input is constant in time, such as pixels: made once for all time
    steps. `real` are those whose input is no spike, the static ones among them.
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


def synaptic_operations(network) -> Operations:
    """Count the operations of the last forward: each nonzero input times its existing synapses.

    A value that is not 0 costs one operation at each synapse that leads on from its neuron, for a
    spike an addition: exact at image borders, for stride and padding, and between a forward and the
    next change of the topology. A stored weight counts also if it is 0; biases, neurons,
    normalisation and pooling count nothing.
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
    scores, layers, static, real = [], Counter(), 0, 0
    for first in range(0, len(images), batch_size):
        scores.append(network.scores(images[first : first + batch_size], batch_size))
        operations = network.measures().operations
        layers.update(operations.layers)
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
    uses, topology = _column_uses(layer), layer.weight.topology
    if topology is None:
        return int(uses.sum()) * layer.weight.stored_shape[0]
    if isinstance(topology, CSRMatrix):
        stored = np.diff(topology.t_indptr)
    else:
        stored = np.count_nonzero(topology.mask, axis=0)
    return int(uses @ stored.astype(np.int64))


def training_work(network, operations: Operations) -> Counter:
    """Multiply-adds of the last forward and backward: the products of all weights, nothing else.

    By "forward", "weight_gradient", "input_gradient" and "growth" (dense gradients for those who
    observe them). "useful/…" are terms with nothing that is known to be 0: nonzero inputs, pixels
    among them, times synapses, for growth times all positions; for the input gradient nonzero ε
    (dL/dI of the layer's output) times synapses. "executed/…" is what the kernels multiply or add:
    every value times synapses, in dense layers times all positions, the margin of zeros around an
    image included. `operations` are those of the forward; without one of a `Linear` or `Conv2d`
    there is no work. To be called before the topology changes.

    The nonzero ε are counted in every backward: up to 7 % of the time of a very sparse step.
    """
    work = Counter()
    for layer in network.layers():
        if not isinstance(layer, Conv2d | Linear) or layer.weight.name not in operations.layers:
            continue
        useful, (executed, dense) = operations.layers[layer.weight.name], _multiplied(layer)
        for product in ("forward", "weight_gradient"):
            work[f"useful/{product}"] += useful
            work[f"executed/{product}"] += executed
        if layer.input_gradient:
            work["executed/input_gradient"] += executed
            work["useful/input_gradient"] += _delivered(layer)
        if layer.dense_gradients:
            everywhere = int(_column_uses(layer).sum()) * layer.weight.stored_shape[0]
            work["useful/growth"] += layer.dense_gradients * everywhere
            work["executed/growth"] += layer.dense_gradients * dense
    return work


def total_work(work, kind: str) -> int:
    """The "useful" or "executed" work of all products together."""
    return sum(count for key, count in work.items() if key.startswith(f"{kind}/"))


def _column_uses(layer) -> np.ndarray:
    """Nonzero inputs of the last forward that meet each column of the weight; int64 (columns,)."""
    x, (kh, kw, stride, padding) = pixels(layer.x), layer.geometry
    columns = layer.weight.stored_shape[1]
    if x.shape[0] * kh * kw != columns:
        raise UserError(
            f"{layer.name}: neurons have been silenced or woken since the last forward; count "
            "operations before that, or after the next forward"
        )
    uses, (_, Ho, Wo) = np.empty(columns, np.int64), layer.output_shape(*x.shape[1:3])
    parallel.launch(  # 8 values at a time
        column_uses, x.shape[0], x.size / 8, x, kh, kw, stride, padding, Ho, Wo, uses
    )
    return uses


def _multiplied(layer) -> tuple[int, int]:
    """Multiply-adds of one product as it is stored, and of one at all positions."""
    kh, kw, stride, padding = layer.geometry
    _, H, W, K = pixels(layer.x).shape
    rows, Ho, Wo = layer.output_shape(H, W)
    dense = rows * layer.weight.stored_shape[1] * Ho * Wo * K
    if not isinstance(layer.weight.topology, CSRMatrix):
        return dense, dense
    # Output pixels of each offset whose input is inside of the image.
    high = [sum(0 <= y * stride + dy - padding < H for y in range(Ho)) for dy in range(kh)]
    wide = [sum(0 <= x * stride + dx - padding < W for x in range(Wo)) for dx in range(kw)]
    synapses = layer.weight.topology.by_offset(kh * kw).sum(axis=0)
    return int(synapses @ np.outer(high, wide).reshape(-1)) * K, dense


def _delivered(layer) -> int:
    """Nonzero ε of the last backward, each times the synapses of its row that it goes back by."""
    topology, offsets = layer.weight.topology, layer.row_uses.shape[1]
    if topology is None:
        return int(layer.row_uses.sum()) * (layer.weight.stored_shape[1] // offsets)
    return int(np.vdot(layer.row_uses, topology.by_offset(offsets)))
