"""Curves over epochs: loss, accuracy, spike rates, connections; several runs together."""

import itertools

import numpy as np

from nsnn.plot.style import BLUE, ORANGE, RED, axes_or_new, colours, new_figure, titled

# What `comparison` draws: title, label of the y axis, keys of metrics.jsonl.
_PANELS = (
    ("Training loss", "loss (nats)", ("train_loss",)),
    ("Accuracy: training (pale), validation, test (★)", "accuracy (%)",
     ("train_accuracy", "validation_accuracy")),
    ("Density", "active weights (%)", ("density",)),
    ("Spike rate", "spikes per neuron and time step", ("spike_rate",)),
)  # fmt: skip
# Runs may lie on each other: where one line is broken, the one below shows.
_DASHES = ("-", "--", "-.", ":")
_IN_PERCENT = {"train_accuracy", "validation_accuracy", "density"}


def loss(records, ax=None):
    """Training loss (nats) against epoch, from "epoch" and "train_loss" of `records`."""
    ax = axes_or_new(ax)
    epochs, losses = _series(records, "train_loss")
    ax.plot(epochs, losses, "o-", color=BLUE, markersize=3, label="train")
    shown = f": {losses[0]:.3f} → {losses[-1]:.3f}" if losses else ""
    return titled(ax, f"Training loss{shown}", "epoch", "loss (nats)", whole="x", zero=True)


def accuracy(records, test=None, ax=None):
    """Training accuracy against epoch, with validation and test accuracy where a run has them.

    "train_accuracy" and "validation_accuracy" of `records` (None without a validation split) and
    `test`, that of the run's end, are in [0, 1].
    """
    ax = axes_or_new(ax)
    shown = []
    for kind, colour, style in (("train", BLUE, "o-"), ("validation", ORANGE, "s--")):
        epochs, values = _series(records, f"{kind}_accuracy")
        if values:
            ax.plot(epochs, values, style, color=colour, markersize=3, label=kind)
            shown.append(f"{kind} {values[-1]:.2f} %")
    if test is not None and records:
        _star(ax, records, test, RED, label="test, at the end")
        shown.append(f"test {100 * test:.2f} %")
    ax.set_ylim(top=min(ax.get_ylim()[1], 100.5))  # no room above 100 %
    title = "Accuracy" + (": " + ", ".join(shown) if shown else "")
    return titled(ax, title, "epoch", "accuracy (%)", whole="x", legend="")


def spike_rates(records, ax=None, unit="spikes per neuron and time step"):
    """Spike rate of each spiking layer, epoch by epoch.

    "spike_rates" of `records` maps a layer to its rate in `unit`.
    """
    layers = records[-1]["spike_rates"] if records else ()
    rates = {name: [record["spike_rates"][name] for record in records] for name in layers}
    return _layers(axes_or_new(ax), records, rates, "{:.3f}", "Spike rate per layer", unit)


def connections(records, axes=None):
    """Connections of each layer, and their density, against epoch on two axes (ESL Fig. 3b).

    "layers" of `records` maps a weight to its "active" and its "size".
    """
    left, right = axes_or_new(axes, 11.0, 3.8, columns=2)
    layers = records[-1]["layers"]
    active = {name: [record["layers"][name]["active"] for record in records] for name in layers}
    title = f"Connections per layer: {sum(counts[-1] for counts in active.values()):,} in all"
    _layers(left, records, active, "{:,}", title, "connections")
    left.yaxis.set_major_formatter("{x:,.0f}")
    density = {n: 100 / layers[n]["size"] * np.array(counts) for n, counts in active.items()}
    unit = "density (% of positions)"
    _layers(right, records, density, "{:.1f} %", "Density per layer", unit)
    return left, right


def exploration(records, ax=None):
    """ITOP's R_s against epoch: the share of positions that have ever had a synapse.

    "method" of `records` has "exploration" of all layers that evolve, "exploration/<weight>" of
    each.
    """
    layers = [name for name in records[-1]["method"] if name.startswith("exploration/")]
    names = {"exploration": "all that evolve"}
    if len(layers) > 1:  # a layer alone is all of them
        names |= {name: name.removeprefix("exploration/") for name in layers}
    own = [record["method"] for record in records]
    shares = {said: [100 * each[name] for each in own] for name, said in names.items()}
    unit = "positions ever active (%)"
    ax = _layers(axes_or_new(ax), records, shares, "{:.1f} %", "Exploration R_s", unit)
    ax.set_ylim(top=min(ax.get_ylim()[1], 103.0))
    return ax


def comparison(runs, tests=None):
    """A figure of loss, accuracy, density and spike rate of several runs, one legend below.

    `runs` has records by the run's name; `tests` the test accuracy, in [0, 1], of runs with one.
    """
    tests, figure = tests or {}, new_figure(9.0, 6.0)
    looks = list(zip(runs, colours(len(runs)), itertools.cycle(_DASHES), strict=False))
    loss, accuracy, *_ = axes = [*figure.subplots(2, 2).flat]
    for ax, (title, unit, keys) in zip(axes, _PANELS, strict=True):
        for (name, colour, dash), key in itertools.product(looks, keys):
            pale = 0.35 if key == "train_accuracy" else None
            ax.plot(*_series(runs[name], key), dash, marker=".", color=colour, alpha=pale)
        titled(ax, title, "epoch", unit, whole="x", zero=ax is not accuracy)
    for name, colour, _ in looks:
        if name in tests:
            _star(accuracy, runs[name], tests[name], colour)
    accuracy.set_ylim(top=min(accuracy.get_ylim()[1], 100.5))
    names = [f"{name} (test {100 * tests[name]:.2f} %)" if name in tests else name for name in runs]
    style = {"loc": "outside lower center", "ncols": min(len(runs), 3), "frameon": False}
    figure.legend(loss.lines, names, **style)
    return figure


def _layers(ax, records, values, ending, title, unit):
    """A line a layer over the epochs, named after it and, in the form `ending`, its last value."""
    epochs = [record["epoch"] + 1 for record in records]
    for (name, column), colour in zip(values.items(), colours(len(values)), strict=True):
        label = f"{name.removesuffix('.weight')} ({ending.format(column[-1])})"
        ax.plot(epochs, column, "o-", color=colour, markersize=3, label=label)
    legend = "layer (at the end)"
    return titled(ax, title, "epoch", unit, whole="x", zero=True, legend=legend)


def _star(ax, records, test, colour, **options) -> None:
    """The test accuracy, which only the end of a run has."""
    ax.plot(records[-1]["epoch"] + 1, 100 * test, "*", color=colour, markersize=11,
            markeredgecolor="white", **options)  # fmt: skip


def _series(records, key) -> tuple[list, list]:
    """Epochs and values of `key`, without the epochs that have none; fractions in percent."""
    # Records count epochs from 0; the terminal and readers of a plot count from 1.
    found = [record for record in records if record[key] is not None]
    scale = 100.0 if key in _IN_PERCENT else 1.0
    return [each["epoch"] + 1 for each in found], [each[key] * scale for each in found]


def seconds_of_density(densities, seconds, ax=None):
    """Seconds of an epoch against density, by name, with the straight line through each series."""
    ax, x = axes_or_new(ax), 100 * np.array(densities)
    for (name, y), colour in zip(seconds.items(), colours(len(seconds)), strict=True):
        b, a = np.polyfit(x, y, 1)
        r_squared = np.corrcoef(x, y)[0, 1] ** 2
        line = f"{name}: {a:.2f} s + {b:.3f} s for each % of density, R² = {r_squared:.3f}"
        ends = np.array([0.0, max(x)])
        ax.plot(x, y, "o", color=colour, markersize=5)
        ax.plot(ends, a + b * ends, color=colour, linewidth=1, label=line)
    ax.legend(frameon=False, fontsize=8)
    ax.set_xlim(left=0)
    title = "Time grows with the connections"
    return titled(ax, title, "density (%)", "one epoch (s)", zero=True)
