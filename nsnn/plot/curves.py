"""Curves over epochs: loss and accuracy of one run, and several runs over each other."""

import itertools

from nsnn.errors import UserError
from nsnn.plot.style import (
    BLUE,
    ORANGE,
    axes_or_new,
    colours,
    dress,
    from_zero,
    legend_beside,
    new_figure,
    whole_numbers,
)

# What `compare` can draw: the key in metrics.jsonl, how a title calls it, label of the y axis.
COMPARABLE = {
    "train_loss": ("Training loss", "loss (nats)"),
    "train_accuracy": ("Training accuracy", "accuracy (%)"),
    "validation_accuracy": ("Validation accuracy", "accuracy (%)"),
    "density": ("Density", "active weights (%)"),
    "spike_rate": ("Spike rate", "spikes per neuron and time step"),
    "relative_cost": ("Training cost", "cost relative to dense"),
}
# Runs may lie on each other: where one line is broken, the one below shows.
STYLES = ("-", "--", "-.", ":")
_IN_PERCENT = {"train_accuracy", "validation_accuracy", "density"}


def loss(records, ax=None):
    """Training loss against epoch.

    Parameters
    ----------
    records : list of dict
        Lines of `metrics.jsonl`, with "epoch" and "train_loss" (nats).
    ax : matplotlib.axes.Axes, optional
        Default: the axes of a new figure (`ax.figure`).

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax)
    epochs, losses = _series(records, "train_loss")
    ax.plot(epochs, losses, "o-", color=BLUE, markersize=3, label="train")
    from_zero(ax)
    whole_numbers(ax.xaxis)
    title = "Training loss"
    if losses:
        title += f": {losses[0]:.3f} → {losses[-1]:.3f}"
    return dress(ax, title, "epoch", "loss (nats)")


def accuracy(records, ax=None):
    """Training accuracy, and validation accuracy where a run has it, against epoch.

    Parameters
    ----------
    records : list of dict
        Lines of `metrics.jsonl`, with "epoch", "train_accuracy", "validation_accuracy" in [0, 1]
        (None without a validation split).
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax)
    title = "Accuracy"
    for kind, colour, style in (("train", BLUE, "o-"), ("validation", ORANGE, "s--")):
        epochs, values = _series(records, f"{kind}_accuracy")
        if values:
            ax.plot(epochs, values, style, color=colour, markersize=3, label=kind)
            title += f"{':' if title == 'Accuracy' else ','} {kind} {values[-1]:.2f} %"
    whole_numbers(ax.xaxis)
    if ax.lines:
        ax.set_ylim(top=min(ax.get_ylim()[1], 100.5))  # no room above 100 %
        legend_beside(ax)
    return dress(ax, title, "epoch", "accuracy (%)")


def compare(runs, key, ax=None):
    """One quantity of several runs over each other.

    Parameters
    ----------
    runs : dict of str to list of dict
        Lines of `metrics.jsonl` by the run's name.
    key : str
        One of `COMPARABLE`: "train_loss", "train_accuracy", "validation_accuracy", "density",
        "spike_rate", "relative_cost".
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    UserError
        When `key` is not one of them.
    """
    if key not in COMPARABLE:
        raise UserError(f"compare: no quantity {key!r}; choose one of {', '.join(COMPARABLE)}")
    ax = axes_or_new(ax)
    names = zip(runs, colours(len(runs)), itertools.cycle(STYLES), strict=False)
    for name, colour, style in names:
        epochs, values = _series(runs[name], key)
        ax.plot(epochs, values, color=colour, linestyle=style, marker=".", label=name)
    what, unit = COMPARABLE[key]
    if key in ("train_loss", "density", "spike_rate", "relative_cost"):
        from_zero(ax)
    whole_numbers(ax.xaxis)
    legend_beside(ax)
    return dress(ax, f"{what} of {len(runs)} runs", "epoch", unit)


def comparison(runs):
    """Loss, accuracy, density and spike rate of several runs, with one legend below.

    Parameters
    ----------
    runs : dict of str to list of dict
        Lines of `metrics.jsonl` by the run's name.

    Returns
    -------
    matplotlib.figure.Figure
        Four axes: training loss, accuracy (validation where every run has it, else training),
        density, spike rate.
    """
    validated = all(_series(records, "validation_accuracy")[1] for records in runs.values())
    figure = new_figure(9.0, 6.0)
    seen = "validation_accuracy" if validated else "train_accuracy"
    for ax, key in zip(
        figure.subplots(2, 2).flat, ("train_loss", seen, "density", "spike_rate"), strict=True
    ):
        compare(runs, key, ax=ax)
        ax.get_legend().remove()
        handles, names = ax.get_legend_handles_labels()
    columns = 3 if len(runs) > 2 else len(runs)
    figure.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False)
    return figure


def _series(records, key) -> tuple[list, list]:
    """Epochs and values of `key`, without the epochs that have none; fractions in percent."""
    # Records count epochs from 0; the terminal and readers of a plot count from 1.
    pairs = [(record["epoch"] + 1, record[key]) for record in records if record[key] is not None]
    scale = 100.0 if key in _IN_PERCENT else 1.0
    return [epoch for epoch, _ in pairs], [value * scale for _, value in pairs]
