"""Plots: arrays or records in, axes out. Nothing is shown, nothing global is changed.

Without `ax` a function draws on a figure of its own: `ax.figure.savefig(...)`, or in a notebook
`ax.figure` as the last line of a cell, which shows it. With `fig, ax = plt.subplots()` it draws on
yours. `records` are the lines of a run's `metrics.jsonl`: dictionaries.
"""

from nsnn.plot.curves import accuracy, comparison, connections, exploration, loss, spike_rates
from nsnn.plot.events import event_strip
from nsnn.plot.mistakes import confusion_matrix, worst_mistakes
from nsnn.plot.neurons import membrane_trace, most_telling, race, raster, spike_times, surrogates
from nsnn.plot.run import plot_comparison, plot_run
from nsnn.plot.spines import bounds, importance
from nsnn.plot.topology import layer_sparsity, masks, receptive_fields, rewiring, weight_histogram

__all__ = [
    "accuracy", "bounds", "comparison", "confusion_matrix", "connections", "event_strip",
    "exploration", "importance", "layer_sparsity", "loss", "masks", "membrane_trace",
    "most_telling", "plot_comparison", "plot_run", "race", "raster", "receptive_fields",
    "rewiring", "spike_rates", "spike_times", "surrogates", "weight_histogram",
    "worst_mistakes",
]  # fmt: skip
