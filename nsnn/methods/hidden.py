"""A hidden layer whose neurons SD-SNN prunes, and what it has to know of it."""

import math
import warnings

import numpy as np

from nsnn.layers.groups import NeuronGroup
from nsnn.layers.parameter import Parameter
from nsnn.sparsity import spines
from nsnn.sparsity.spines import Streaks

# A neuron is alive that has so many inputs, or all that its layer has.
ENOUGH, ENOUGH_CHANNEL = 50, 20


class Hidden:
    """Neurons, or channels, that lose all their inputs, and get some of them back.

    Parameters
    ----------
    group : NeuronGroup
        A prunable one: a single weight feeds it. Every synapse of that has "upper", "lower",
        "excess", "previous", "beyond" and "decays" attached, see `nsnn.sparsity.spines.constrain`.
    rate : float
        ρ^l at first, in percent; the attribute is that of today.

    Attributes
    ----------
    weights, target : Parameter
        Its inputs, and the weight that it feeds.
    listed : ndarray of bool, (neurons,)
        Pruned once; stays so when synapses grow back.
    D : ndarray of float64, (neurons,)
        Importance when the first neurons were pruned, for pictures.
    kept : list of ndarray, each (neurons,)
        Bias and norm parameters of the pruned ones, as they were.
    streaks : Streaks
        Of positions without a synapse in the admitted group.
    scores : ndarray of float, (neurons, inputs), or None
        Σ_t δ[t] s[t]ᵀ over the batches of the window so far.
    """

    def __init__(self, group: NeuronGroup, rate: float):
        self.group, self.rate = group, rate
        self.weights, self.target = group.incoming[0], group.outgoing[0][0]
        self.listed, self.D = np.zeros(group.size, bool), np.zeros(group.size)
        self.kept = [np.zeros_like(vector.data) for vector in group.vectors]
        self.streaks = Streaks(np.empty(0, np.int32), np.empty(0, np.int16))
        self.scores = None

    def silent(self) -> np.ndarray:
        """Neurons without inputs: bool, (neurons,)."""
        return inputs(self.weights) == 0

    def ratio(self, live: bool) -> float:
        """N^l/N^{l+1} of Eq. 6, by the neurons that are alive or by all."""
        if live:
            return alive(self.weights) / alive(self.target)
        return self.weights.shape[0] / self.target.shape[0]

    def importance(self) -> np.ndarray:
        """D_i of each neuron, by the synapses that it has now: float64, (neurons,)."""
        p = self.weights
        return spines.importance(p.positions(), p.attached["upper"], p.attached["lower"], p.shape)

    def fates(self) -> dict:
        """What `nsnn.plot.importance` draws of the neurons, as plain lists."""
        arrays = {"D": self.D.round(4), "now": self.importance().round(4)}
        arrays |= {"synapses": inputs(self.weights), "pruned": self.listed}
        return {name: array.tolist() for name, array in arrays.items()}

    def prune(self) -> np.ndarray:
        """Take the inputs of the least important neurons, and what else could make them fire.

        Source: SD-SNN Eqs. 4, 5; SD-SNN Algorithm 2

        Returns the positions of the synapses that went, int64.
        """
        p, size = self.weights, self.group.size
        D = self.importance()
        if not self.listed.any():
            self.D = D
        new = spines.least_important(D, self.rate, self.listed)
        if math.floor(size * self.rate / 100) >= size:
            warnings.warn(
                f"{self.group.name}: the pruning rate would take all {size} neurons; one of them "
                "stays: lower method.linear_rate, channel_rate or alpha",
                RuntimeWarning,
                stacklevel=2,
            )
        if not new.any():
            return np.empty(0, np.int64)
        self.listed |= new
        ((_, into),) = self.group.inputs_of(new)
        gone = p.positions()[into]
        p.rewire(~into, [])
        for vector, kept in zip(self.group.vectors, self.kept, strict=True):
            kept[new] = vector.data[new]
            for array in (vector.data, *vector.slots.values()):
                array[new] = 0
        return gone

    def add(self, columns, block) -> None:
        """Add a block of Σ_t δ[t] s[t]ᵀ of a batch to the scores."""
        if self.scores is None:
            self.scores = np.zeros(self.weights.shape, block.dtype)
        self.scores[:, columns] += block

    def regenerate(self, percent: float, t_num: int, regrown: str) -> np.ndarray:
        """Let synapses grow back whose score was admitted for more than `t_num` epochs running.

        Source: SD-SNN Algorithm 2

        Scores above a percentile of the layer's are admitted. New weights are the mean |w| of the
        layer against the sign of the score ("mean"), or 0 ("zero"). Returns the new positions.
        """
        p, signed, self.scores = self.weights, self.scores.reshape(-1), None
        self.streaks.extend(spines.admitted(np.abs(signed), p.positions(), percent))
        grown = self.streaks.end(t_num).astype(np.int64)
        if not grown.size:
            return grown
        values, without = np.zeros(grown.size, p.data.dtype), self.silent()
        if regrown == "mean":
            values -= np.sign(signed[grown]) * np.abs(p.values()).mean()
        p.rewire(np.ones(p.active, bool), grown, values)
        new, largest = np.searchsorted(p.positions(), grown), np.abs(p.values()).max()
        p.attached["upper"][new], p.attached["lower"][new] = largest, -largest
        p.attached["previous"][new] = np.abs(values)
        back = without & ~self.silent()
        for vector, kept in zip(self.group.vectors, self.kept, strict=True):
            vector.data[back] = kept[back]
        return grown

    def state(self) -> dict[str, np.ndarray]:
        """What belongs into a checkpoint, as plain arrays."""
        state = {"rate": np.array(self.rate), "listed": self.listed, "D": self.D}
        state |= {"positions": self.streaks.positions, "epochs": self.streaks.epochs}
        state |= {f"kept{i}": array for i, array in enumerate(self.kept)}
        return state if self.scores is None else state | {"scores": self.scores}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` returned."""
        self.rate, self.listed, self.D = state["rate"].item(), state["listed"], state["D"]
        self.streaks = Streaks(state["positions"], state["epochs"])
        self.kept = [state[f"kept{i}"] for i in range(len(self.kept))]
        self.scores = state.get("scores")


def inputs(p: Parameter) -> np.ndarray:
    """Synapses in each row of a weight: int64, (rows,)."""
    return np.bincount(p.positions() // p.shape[1], minlength=p.shape[0])


def alive(p: Parameter) -> int:
    """N_alive: how many neurons, or channels, of a layer have enough inputs left."""
    enough = ENOUGH_CHANNEL if len(p.dims) == 4 else ENOUGH
    return int(np.count_nonzero(inputs(p) >= min(enough, p.shape[1])))
