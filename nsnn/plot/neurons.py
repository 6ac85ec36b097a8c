"""What single neurons do: membrane traces, spike rasters, spike rates."""

import numpy as np

from nsnn.errors import UserError
from nsnn.plot.style import (
    GREY,
    axes_or_new,
    colours,
    dress,
    from_zero,
    legend_beside,
    short,
    whole_numbers,
)


def membrane_trace(v, s, threshold=1.0, neurons=None, ax=None):
    """Membrane of a few neurons against time, with the threshold and their spikes.

    Parameters
    ----------
    v : ndarray of float, shape (N, T)
        Membrane *before* the reset, for one sample; the reset shows one step later.
    s : ndarray of uint8, shape (N, T)
        Spikes of the same neurons.
    threshold : float
        In the unit of `v`.
    neurons : sequence of int, optional
        Which rows to draw. Default: `most_telling(s)`.
    ax : matplotlib.axes.Axes, optional
        Default: the axes of a new figure (`ax.figure`).

    Returns
    -------
    matplotlib.axes.Axes
    """
    v, s = _traces(v, s)
    neurons = most_telling(s) if neurons is None else np.asarray(neurons)
    ax = axes_or_new(ax)
    time = np.arange(v.shape[1])
    ax.axhline(threshold, color=GREY, linestyle="--", linewidth=1, label="threshold", zorder=1)
    for neuron, colour in zip(neurons, colours(len(neurons)), strict=True):
        ax.plot(time, v[neuron], "-", color=colour, linewidth=1.4, label=f"neuron {neuron}")
        fired = np.flatnonzero(s[neuron])
        ax.plot(fired, v[neuron, fired], "^", color=colour, markersize=7, markeredgecolor="white")
    ax.plot([], [], "^", color=GREY, label="spike")
    legend_beside(ax)
    whole_numbers(ax.xaxis)
    fires = int(np.count_nonzero(s[neurons]))
    title = f"Membrane of {len(neurons)} neurons: {fires} spikes"
    return dress(ax, title, "time step", "membrane v before the reset")


def raster(s, neurons=None, ax=None):
    """One tick a spike: rows of chosen neurons upwards, time to the right.

    Parameters
    ----------
    s : ndarray of uint8, shape (N, T)
        Spikes of one sample.
    neurons : sequence of int, optional
        Which rows to draw, from the bottom up. Default: all.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    s = np.asarray(s)
    if s.ndim != 2:
        raise UserError(f"raster: s must be (neurons, time steps), got shape {s.shape}")
    neurons = np.arange(s.shape[0]) if neurons is None else np.asarray(neurons)
    ax = axes_or_new(ax)
    row, time = np.nonzero(s[neurons])
    # In points: a tick fills its neuron's row, and with few time steps gets wide enough to see.
    height = float(np.clip(200.0 / max(len(neurons), 1), 2.0, 14.0))
    width = float(np.clip(60.0 / max(s.shape[1], 1), 1.5, 12.0))
    ax.plot(time, row, "|", color="black", markersize=height, markeredgewidth=width)
    ax.set_xlim(-0.5, s.shape[1] - 0.5)
    ax.set_ylim(-0.8, len(neurons) - 0.2)
    whole_numbers(ax.xaxis)
    whole_numbers(ax.yaxis)
    rate = s[neurons].mean() if len(neurons) else 0.0
    title = f"{row.size} spikes of {len(neurons)} neurons: {rate:.3f} per neuron and time step"
    return dress(ax, title, "time step", "neuron (row)")


def most_telling(s, count=4) -> np.ndarray:
    """Rows worth a trace: spread from the most active neuron to the least active that fires.

    Parameters
    ----------
    s : ndarray of uint8, shape (N, T)
    count : int

    Returns
    -------
    ndarray of int64, shape (≤ count,), sorted
        Where none fires, the first rows.
    """
    spikes = np.asarray(s).sum(axis=1, dtype=np.int64)
    order = np.argsort(-spikes, kind="stable")
    firing = order[spikes[order] > 0]
    pool = firing if firing.size >= count else order[:count]
    picks = np.linspace(0, pool.size - 1, min(count, pool.size)).round().astype(np.int64)
    return np.sort(pool[picks])


def spike_rates(records, ax=None):
    """Spike rate of each spiking layer, epoch by epoch.

    Parameters
    ----------
    records : list of dict
        Lines of `metrics.jsonl`; "spike_rates" maps a layer to spikes per neuron and time step.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes_or_new(ax)
    # Records count epochs from 0; the terminal and readers of a plot count from 1.
    epochs = [record["epoch"] + 1 for record in records]
    layers = list(records[-1]["spike_rates"]) if records else []
    for layer, colour in zip(layers, colours(len(layers)), strict=True):
        rates = [record["spike_rates"][layer] for record in records]
        ax.plot(epochs, rates, "o-", color=colour, markersize=3, label=short(layer))
    from_zero(ax)
    whole_numbers(ax.xaxis)
    if layers:
        legend_beside(ax)
    title = "Spike rate per layer"
    if records:
        first, last = records[0]["spike_rate"], records[-1]["spike_rate"]
        title += f": mean {first:.3f} → {last:.3f}"
    return dress(ax, title, "epoch", "spikes per neuron and time step")


def _traces(v, s) -> tuple[np.ndarray, np.ndarray]:
    """`v` and `s` as arrays, verified to be two tables of one shape."""
    v, s = np.asarray(v), np.asarray(s)
    if v.ndim != 2 or v.shape != s.shape:
        raise UserError(
            f"membrane_trace: v and s must both be (neurons, time steps) of one sample, "
            f"got {v.shape} and {s.shape}"
        )
    return v, s
