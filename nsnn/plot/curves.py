"""Curves over epochs: loss, accuracy and spike rates of one run, and several runs together."""

import itertools

import numpy as np

from nsnn.metrics import straight_line
from nsnn.plot.style import (
    BLUE,
    ORANGE,
    RED,
    axes_or_new,
    colours,
    from_zero,
    legend_beside,
    new_figure,
    titled,
    whole_numbers,
)

# What `comparison` draws beside accuracies: the key in metrics.jsonl, how a title calls it, label
# of the y axis.
_COMPARED = {
    "train_loss": ("Training loss", "loss (nats)"),
    "density": ("Density", "active weights (%)"),
    "spike_rate": ("Spike rate", "spikes per neuron and time step"),
}
# Runs may lie on each other: where one line is broken, the one below shows.
STYLES = ("-", "--", "-.", ":")
_IN_PERCENT = {"train_accuracy", "validation_accuracy", "density"}


def loss(records, ax=None):
    """Training loss (nats) against epoch, from "epoch" and "train_loss" of `records`."""
    ax = axes_or_new(ax)
    epochs, losses = _series(records, "train_loss")
    ax.plot(epochs, losses, "o-", color=BLUE, markersize=3, label="train")
    from_zero(ax)
    shown = f": {losses[0]:.3f} → {losses[-1]:.3f}" if losses else ""
    return _over_epochs(ax, f"Training loss{shown}", "loss (nats)")


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
    if ax.lines:
        ax.set_ylim(top=min(ax.get_ylim()[1], 100.5))  # no room above 100 %
        legend_beside(ax)
    title = "Accuracy" + (": " + ", ".join(shown) if shown else "")
    return _over_epochs(ax, title, "accuracy (%)")


def spike_rates(records, ax=None, unit="spikes per neuron and time step"):
    """Spike rate of each spiking layer, epoch by epoch.

    "spike_rates" of `records` maps a layer to its rate in `unit`.
    """
    ax = axes_or_new(ax)
    epochs, means = _series(records, "spike_rate")
    layers = list(records[-1]["spike_rates"]) if records else []
    for layer, colour in zip(layers, colours(len(layers)), strict=True):
        rates = [record["spike_rates"][layer] for record in records]
        ax.plot(epochs, rates, "o-", color=colour, markersize=3, label=layer)
    from_zero(ax)
    title = "Spike rate per layer"
    if layers:
        legend_beside(ax)
        title += f": mean {means[0]:.3f} → {means[-1]:.3f}"
    return _over_epochs(ax, title, unit)


def comparison(runs, tests=None):
    """A figure of loss, accuracy, density and spike rate of several runs, one legend below.

    Parameters
    ----------
    runs : dict of str to list of dict
        Records by the run's name.
    tests : dict of str to float, optional
        Test accuracy in [0, 1] of the runs that have one.
    """
    tests = tests or {}
    figure = new_figure(9.0, 6.0)
    first, second, *others = figure.subplots(2, 2).flat
    _accuracies(runs, tests, second)
    for ax, (key, (what, unit)) in zip((first, *others), _COMPARED.items(), strict=True):
        for name, style in _styles(runs):
            ax.plot(*_series(runs[name], key), marker=".", **style)
        from_zero(ax)
        _over_epochs(ax, f"{what} of {len(runs)} runs", unit)
    names = [f"{name} (test {100 * tests[name]:.2f} %)" if name in tests else name for name in runs]
    style = {"loc": "outside lower center", "ncols": min(len(runs), 3), "frameon": False}
    figure.legend(first.lines, names, **style)
    return figure


def _accuracies(runs, tests, ax):
    """All accuracies of all runs: a run is a colour, training is pale, the test a star."""
    validated = False
    for name, style in _styles(runs):
        ax.plot(*_series(runs[name], "train_accuracy"), marker=".", alpha=0.35, **style)
        epochs, values = _series(runs[name], "validation_accuracy")
        ax.plot(epochs, values, marker=".", **style)
        validated = validated or bool(values)
        if name in tests:
            _star(ax, runs[name], tests[name], style["color"])
    ax.set_ylim(top=min(ax.get_ylim()[1], 100.5))
    kinds = ["training (pale)", *["validation"] * validated, *["test (★)"] * bool(tests)]
    return _over_epochs(ax, f"Accuracy: {', '.join(kinds)}", "accuracy (%)")


def _styles(runs):
    """Each run's name with the colour and style of its line."""
    for name, colour, style in zip(runs, colours(len(runs)), itertools.cycle(STYLES), strict=False):
        yield name, {"color": colour, "linestyle": style}


def _star(ax, records, test, colour, **options) -> None:
    """The test accuracy, which only the end of a run has."""
    ax.plot(records[-1]["epoch"] + 1, 100 * test, "*", color=colour, markersize=11,
            markeredgecolor="white", **options)  # fmt: skip


def _over_epochs(ax, title, ylabel):
    """Title and labels of a curve over epochs, which are whole numbers."""
    whole_numbers(ax.xaxis)
    return titled(ax, title, "epoch", ylabel)


def _series(records, key) -> tuple[list, list]:
    """Epochs and values of `key`, without the epochs that have none; fractions in percent."""
    # Records count epochs from 0; the terminal and readers of a plot count from 1.
    pairs = [(record["epoch"] + 1, record[key]) for record in records if record[key] is not None]
    scale = 100.0 if key in _IN_PERCENT else 1.0
    return [epoch for epoch, _ in pairs], [value * scale for _, value in pairs]


def seconds_of_density(measured, ax=None):
    """Seconds of an epoch against density (%), with the straight line through each series.

    `measured`: a dictionary of name to (densities, seconds, what the line says).
    """
    ax = axes_or_new(ax)
    for (name, (x, y, line)), colour in zip(measured.items(), (BLUE, ORANGE), strict=False):
        a, b, _ = straight_line(x, y)
        ends = np.array([0.0, max(x)])
        ax.plot(x, y, "o", color=colour, markersize=5)
        ax.plot(ends, a + b * ends, color=colour, linewidth=1, label=f"{name}: {line}")
    ax.legend(frameon=False, fontsize=8)
    from_zero(ax)
    ax.set_xlim(left=0)
    return titled(ax, "Time grows with the connections", "density (%)", "one epoch (s)")
