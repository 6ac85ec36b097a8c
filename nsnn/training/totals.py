"""The running sums of an epoch, kept so that a checkpoint may fall between any two steps."""

import numpy as np


class EpochTotals:
    """What the line of an epoch averages over its steps.

    Attributes
    ----------
    steps, samples, correct : int
    loss : float
        Sum over steps of the mean loss of the batch.
    density : float
        Sum over steps of the density: NDSNN's falls within an epoch.
    rates : dict of str to float
        Sum over steps of each LIF layer's spike rate (spikes per neuron and time step).
    rate : float
        The same of all neurons together: the R of the paper's training cost.
    operations : dict of str to int
        Synaptic operations of the forwards by weight, summed over steps and samples.
    static : int
        Those of them with a constant input, see `Operations`.
    """

    def __init__(self):
        self.steps = self.samples = self.correct = self.static = 0
        self.loss = self.density = self.rate = 0.0
        self.rates = {}
        self.operations = {}

    def add_measures(self, measures) -> None:
        """Count what is measured of a forward, before its topology changes."""
        self.static += measures.operations.static
        for name, count in measures.operations.layers.items():
            self.operations[name] = self.operations.get(name, 0) + count
        self.rate += measures.spike_rate
        for name, rate in measures.spike_rates.items():
            self.rates[name] = self.rates.get(name, 0.0) + rate

    def add(self, loss, predictions, labels, density) -> None:
        """Count one step at its end; the density is what the step leaves behind."""
        self.steps += 1
        self.samples += labels.size
        self.correct += int(np.sum(predictions == labels))
        self.loss += loss
        self.density += density.density

    def means(self) -> dict:
        """Averages over the steps so far, by the names of `metrics.jsonl`."""
        return {
            "train_loss": self.loss / self.steps,
            "train_accuracy": self.correct / self.samples,
            "spike_rate": self.rate / self.steps,
            "mean_density": self.density / self.steps,
            "spike_rates": {name: rate / self.steps for name, rate in self.rates.items()},
            "synaptic_operations": self._operations_per_sample(),
        }

    def _operations_per_sample(self) -> dict:
        """Quotients of whole numbers: exact but for the last rounding."""
        return {
            "total": (sum(self.operations.values()) - self.static) / self.samples,
            "static": self.static / self.samples,
            "layers": {name: count / self.samples for name, count in self.operations.items()},
        }

    def state(self) -> dict[str, np.ndarray]:
        """The sums as plain arrays."""
        return {
            "counts": np.array([self.steps, self.samples, self.correct, self.static]),
            "sums": np.array([self.loss, self.density, self.rate]),
            "rate_names": np.array(list(self.rates), dtype=np.str_),
            "rates": np.array(list(self.rates.values()), dtype=np.float64),
            "operation_names": np.array(list(self.operations), dtype=np.str_),
            "operations": np.array(list(self.operations.values()), dtype=np.int64),
        }

    def restore(self, state) -> None:
        """The inverse of `state`."""
        self.steps, self.samples, self.correct, self.static = state["counts"].tolist()
        self.loss, self.density, self.rate = state["sums"].tolist()
        self.rates = _pairs(state["rate_names"], state["rates"])
        self.operations = _pairs(state["operation_names"], state["operations"])


def _pairs(names, values) -> dict:
    """A dictionary of two arrays."""
    return dict(zip(names.tolist(), values.tolist(), strict=True))
