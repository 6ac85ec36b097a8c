"""The running sums of an epoch, kept so that a checkpoint may fall between any two steps."""

from collections import Counter

import numpy as np

_COUNTERS = {"rates": np.float64, "operations": np.int64, "work": np.int64}


class EpochTotals:
    """What the line of an epoch averages over its steps: sums over them.

    `loss` sums the mean losses of the batches, `density` the densities, which may fall within an
    epoch; `rates` the spikes per neuron and time step of each LIF layer by name, `rate` those of
    all neurons together; `operations` the synaptic operations of the forwards by weight, over all
    samples, `static` those of them with a constant input; `work` what `training_work` counts.
    """

    def __init__(self):
        self.steps = self.samples = self.correct = self.static = 0
        self.loss = self.density = self.rate = 0.0
        self.rates, self.operations, self.work = Counter(), Counter(), Counter()

    def add(self, loss, predictions, labels, density, measures, work) -> None:
        """Count a step: measured before its topology changed, but for the density it leaves."""
        self.steps += 1
        self.samples += labels.size
        self.correct += int(np.sum(predictions == labels))
        self.loss += loss
        self.density += density.density
        self.rate += measures.spike_rate
        self.rates.update(measures.spike_rates)  # a Counter adds
        self.static += measures.operations.static
        self.operations.update(measures.operations.layers)
        self.work.update(work)

    def state(self) -> dict[str, np.ndarray]:
        """The sums as plain arrays."""
        found = {
            "counts": np.array([self.steps, self.samples, self.correct, self.static]),
            "sums": np.array([self.loss, self.density, self.rate]),
        }
        for name, dtype in _COUNTERS.items():
            sums = getattr(self, name)
            found[f"{name.removesuffix('s')}_names"] = np.array(list(sums), dtype=np.str_)
            found[name] = np.array(list(sums.values()), dtype)
        return found

    def restore(self, state) -> None:
        """The inverse of `state`."""
        self.steps, self.samples, self.correct, self.static = state["counts"].tolist()
        self.loss, self.density, self.rate = state["sums"].tolist()
        for name in _COUNTERS:
            names = state[f"{name.removesuffix('s')}_names"].tolist()
            sums = Counter(dict(zip(names, state[name].tolist(), strict=True)))
            setattr(self, name, sums)
