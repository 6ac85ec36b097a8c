"""How a topology changes: sparsity per layer, rewiring rounds, masks, weights, fields."""

import numpy as np
from matplotlib.colors import ListedColormap

from nsnn.plot.style import BLUE, GREY, ORANGE, axes_or_new, colours, new_figure, ridges, titled


def layer_sparsity(steps, sparsity, asked=None, method="", ax=None):
    """Sparsity of each layer against step, with the schedule that was asked behind it.

    By layer: `steps`, int64 (events,), the optimiser steps that changed the topology; `sparsity`,
    the fraction of inactive positions after each, in [0, 1]; `asked`, (steps, sparsity) of the
    curve to draw behind, as `Method.asked_sparsity` gives it. `method` is who asked for it.
    """
    ax = axes_or_new(ax, 7.0, 4.2)
    for name, colour in zip(steps, colours(len(steps)), strict=True):
        if asked is not None and name in asked:
            x, y = asked[name]
            ax.plot(x, 100.0 * y, color=colour, alpha=0.3, linewidth=5, zorder=1)
        x, y = steps[name], 100.0 * sparsity[name]
        # Between two rounds nothing changes, so the line is a staircase.
        style = {"drawstyle": "steps-post", "linewidth": 1.3, "marker": ".", "markersize": 3}
        label = f"{name.removesuffix('.weight')} ({y[-1]:.1f} %)"
        ax.plot(x, y, color=colour, zorder=2, label=label, **style)
    if asked:
        ax.plot([], [], color=GREY, alpha=0.3, linewidth=5, label=f"asked by {method}")
    title = "Sparsity per layer" + (": reached and asked" if asked else "")
    unit, legend = "sparsity (% of positions without a synapse)", "layer (at the end)"
    return titled(ax, title, "optimiser step", unit, whole="x", legend=legend)


def rewiring(counts, ax=None):
    """Synapses grown (upwards) and dropped (downwards) in each round, summed over the layers.

    Net changes, as the log has them: a synapse that a round drops and grows again is in neither, so
    that both may be smaller than NDSNN's D and G of Eqs. 7 and 9. `counts` is as
    `TopologyLog.counts()`: arrays "step", "dropped" and "grown", an entry an event.
    """
    ax = axes_or_new(ax, 7.0, 3.8)
    rounds, which = np.unique(np.asarray(counts["step"]), return_inverse=True)
    grown, dropped = (
        np.bincount(which, weights=counts[key], minlength=rounds.size).astype(np.int64)
        for key in ("grown", "dropped")
    )
    width = 0.8 * float(np.diff(rounds).min()) if rounds.size > 1 else 0.8
    ax.bar(rounds, grown, width, color=BLUE, label=f"grown ({grown.sum():,})")
    ax.bar(rounds, -dropped, width, color=ORANGE, label=f"dropped ({dropped.sum():,})")
    ax.axhline(0, color="black", linewidth=0.8)
    ax.yaxis.set_major_formatter(lambda y, _: f"{abs(y):,.0f}")
    title, unit = f"{rounds.size} rounds of drop and grow", "synapses changed in a round (net)"
    return titled(ax, title, "optimiser step", unit, whole="x", legend="")


def masks(before, after, name="", axes=None):
    """Where the synapses were and where they are, bool (rows, cols), side by side on two `axes`.

    Matrices with more than 150 rows or columns are averaged over blocks: the grey of a pixel is
    then the density of its block. `name` is the layer, for the titles.
    """
    axes, layer = axes_or_new(axes, 8.0, 3.6, columns=2), name.removesuffix(".weight")
    pictures = [block_density(mask) for mask in (before, after)]
    top = max(float(picture.max()) for picture in pictures) or 1.0
    drawn = zip(axes, (before, after), pictures, ("before", "after"), strict=True)
    for ax, mask, picture, when in drawn:
        rows, cols = np.shape(mask)
        extent = (-0.5, cols - 0.5, rows - 0.5, -0.5)
        options = {"vmin": 0.0, "vmax": top, "extent": extent, "aspect": "auto"}
        image = ax.imshow(picture, cmap="Greys", interpolation="nearest", **options)
        active = np.count_nonzero(mask)
        title = f"{layer} {when}: {active:,} synapses ({100 * active / np.size(mask):.1f} %)"
        beside = "output (row)" if when == "before" else ""
        titled(ax, title.strip(), "input (column)", beside, whole="xy", most=5)
    if pictures[0].shape != np.shape(before):
        axes[0].figure.colorbar(image, ax=list(axes), label="density of a block")
    return axes


def block_density(mask, longest=150) -> np.ndarray:
    """Average a mask (rows, cols) over equal blocks: float64, no side longer than `longest`.

    Examples
    --------
    >>> import numpy as np
    >>> block_density(np.array([[True, True, False], [True, False, False]]), longest=2)
    array([[1. , 0. ],
           [0.5, 0. ]])
    """
    rows, cols = (np.arange(0, side, -(-side // longest)) for side in np.shape(mask))
    total = np.add.reduceat(np.add.reduceat(mask, rows, axis=0, dtype=float), cols, axis=1)
    # The last block may be smaller: divide by the size each one has.
    ends = zip((rows, cols), np.shape(mask), strict=True)
    return total / np.outer(*(np.diff(starts, append=side) for starts, side in ends))


def weight_histogram(weights, bins=60, ax=None):
    """Distribution of each layer's active weights: a row a layer, scaled to its highest bin.

    `weights` are `Parameter.values()` by parameter name; all layers share the `bins`.
    """
    ax = axes_or_new(ax, 7.0, 1.4 + 0.55 * len(weights))
    everything = np.concatenate([np.ravel(values) for values in weights.values()] or [np.zeros(1)])
    labels = [f"{name.removesuffix('.weight')}\n{np.size(w):,}" for name, w in weights.items()]
    ridges(ax, weights.values(), np.histogram_bin_edges(everything, bins), labels)
    ax.axvline(0.0, color=GREY, linewidth=0.8, linestyle=":")
    title = f"Active weights per layer ({everything.size:,} in all; each row to its own scale)"
    return titled(ax, title, "weight", "layer and its active weights")


def receptive_fields(masks, weights, rows, moments):
    """A figure of the pixels that a few hidden neurons see, over the epochs, and the weights.

    `masks`, bool (neurons, moments, H, W), say where a synapse is, at the start in the first
    moment; `weights` (neurons, H, W) are those of the end. `rows` are the numbers of the neurons,
    a row of axes each, `moments` the titles of the moments, a column each.
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
