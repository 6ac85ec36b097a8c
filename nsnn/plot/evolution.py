"""How a structure evolves over the epochs: connections, exploration, receptive fields."""

import numpy as np
from matplotlib.colors import ListedColormap

from nsnn.plot.style import (
    BLUE,
    ORANGE,
    axes_or_new,
    colours,
    from_zero,
    legend_beside,
    new_figure,
    short,
    titled,
    whole_numbers,
)


def connections(records, axes=None):
    """Connections of each layer, and their density, against epoch (ESL Fig. 3b).

    Parameters
    ----------
    records : list of dict
        Lines of `metrics.jsonl`; "layers" maps a weight to its "active" and its "size".
    axes : pair of matplotlib.axes.Axes, optional
    """
    axes = np.asarray(new_figure(10.0, 3.8).subplots(1, 2) if axes is None else axes)
    layers = list(records[-1]["layers"])
    epochs = [record["epoch"] + 1 for record in records]
    for name, colour in zip(layers, colours(len(layers)), strict=True):
        active, size = (
            np.array([r["layers"][name][key] for r in records]) for key in ("active", "size")
        )
        style = {"marker": "o", "markersize": 3, "color": colour}
        axes[0].plot(epochs, active, **style)
        density = 100 * active / size
        axes[1].plot(epochs, density, label=f"{short(name)} ({density[-1]:.1f} %)", **style)
    legend_beside(axes[1], title="layer (at the end)", title_fontsize=8)
    for ax in axes:
        from_zero(ax)
        whole_numbers(ax.xaxis)
    axes[0].yaxis.set_major_formatter("{x:,.0f}")
    total = sum(layer["active"] for layer in records[-1]["layers"].values())
    titled(axes[0], f"Connections per layer: {total:,} in all", "epoch", "connections")
    titled(axes[1], "Density per layer", "epoch", "density (% of positions)")
    return axes


def exploration(records, ax=None):
    """ITOP's R_s against epoch: the share of positions that have ever had a synapse.

    Parameters
    ----------
    records : list of dict
        Lines of `metrics.jsonl`; "method" has "exploration" of all layers that evolve, and
        "exploration/<weight>" of each.
    """
    ax = axes_or_new(ax)
    epochs = [record["epoch"] + 1 for record in records]
    names = [name for name in records[-1]["method"] if name.partition("/")[0] == "exploration"]
    names = names if len(names) > 2 else names[:1]  # a layer alone is all of them
    for name, colour in zip(names, ["black", *colours(len(names) - 1)], strict=True):
        values = [100 * record["method"][name] for record in records]
        layer = short(name.partition("/")[2]) or "all that evolve"
        width = 1.2 if "/" in name else 2.5
        label = f"{layer} ({values[-1]:.1f} %)"
        ax.plot(epochs, values, "o-", color=colour, markersize=3, linewidth=width, label=label)
    from_zero(ax)
    ax.set_ylim(top=min(ax.get_ylim()[1], 103.0))
    legend_beside(ax, title="layer (at the end)", title_fontsize=8)
    whole_numbers(ax.xaxis)
    return titled(ax, "Exploration R_s", "epoch", "positions ever active (%)")


def receptive_fields(masks, weights, rows, moments):
    """Which pixels a few hidden neurons see, over the epochs; at the right with what weights.

    Parameters
    ----------
    masks : ndarray of bool, (neurons, moments, H, W)
        Where a synapse is; the first moment is the start.
    weights : ndarray of float, (neurons, H, W)
        At the end.
    rows : sequence of int
        Numbers of the neurons.
    moments : sequence of str
        Titles of the moments.

    Returns
    -------
    matplotlib.figure.Figure
        A row of axes for each neuron, a column for each moment, one for the weights.
    """
    count, columns = masks.shape[:2]
    figure = new_figure(1.3 * (columns + 1), 1.35 * count + 0.5)
    axes = figure.subplots(count, columns + 1, squeeze=False)
    kinds = ListedColormap(["#FFFFFF", BLUE, ORANGE])
    largest = max(float(np.abs(weights).max(initial=0.0)), 1e-12)
    for i, line in enumerate(axes):
        for ax, mask in zip(line, masks[i], strict=False):
            # 1: since the start, 2: grown.
            ax.imshow(mask * (2 - masks[i, 0]), cmap=kinds, vmin=0, vmax=2)
        line[-1].imshow(weights[i], cmap="RdBu", vmin=-largest, vmax=largest)
        line[0].set_ylabel(f"neuron {rows[i]}", fontsize=8)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_color("#CCCCCC")
    for ax, name in zip(axes[0], [*moments, "weights"], strict=True):
        ax.set_title(name, fontsize=8)
    text = (
        "Synapses of the neurons with the most grown ones\n"
        "blue: from the start, orange: grown; weights: blue above 0, red below"
    )
    figure.suptitle(text, x=0.01, ha="left", fontsize=9)
    return figure
