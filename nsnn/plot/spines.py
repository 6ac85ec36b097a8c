"""What SD-SNN does with synapses and neurons: bounds over time, importance and inputs."""

import numpy as np

from nsnn.plot.style import BLUE, GREEN, GREY, ORANGE, axes_or_new, titled


def bounds(records, ax=None):
    """The bounds of one synapse, and its weight inside them, against epoch (SD-SNN Fig. 2).

    "method" of `records` has "synapse/<position>/weight", "…/upper" and "…/lower" of a few
    synapses, as long as they exist. Drawn is that whose bounds move most.
    """
    names = {name.rpartition("/")[0]: None for record in records for name in record["method"]}
    tables = {}  # of each synapse: weight, upper, lower at each epoch, NaN where it does not exist
    for place in (name for name in names if name.startswith("synapse/")):
        tables[place] = np.array([
            [record["method"].get(f"{place}/{key}", np.nan) for record in records]
            for key in ("weight", "upper", "lower")
        ])  # fmt: skip

    # How far the bounds move; of equal ones the synapse that exists longest.
    def way(place):
        return np.nansum(np.abs(np.diff(tables[place][1:]))), -np.isnan(tables[place]).sum()

    place = max(tables, key=way)
    weight, upper, lower = tables[place]
    epochs = np.array([record["epoch"] + 1 for record in records])
    ax = axes_or_new(ax)
    ax.fill_between(epochs, lower, upper, color=BLUE, alpha=0.15, linewidth=0)
    ax.plot(epochs, upper, color=BLUE, label="upper bound R⁺")
    ax.plot(epochs, lower, color=BLUE, linestyle="--", label="lower bound R⁻")
    ax.plot(epochs, weight, "o-", color=ORANGE, markersize=3, label="weight")
    ax.axhline(0, color=GREY, linewidth=0.8)
    gone = np.isnan(weight[1:]) & ~np.isnan(weight[:-1])
    for epoch in epochs[1:][gone]:  # one at most: what has grown back stays
        ax.axvline(epoch, color=GREY, linestyle=":", label="pruned")
    title = f"The synapse at position {place.partition('/')[2]}, held between its bounds"
    return titled(ax, title, "epoch", "weight", whole="x", legend="")


def importance(measured, axes=None):
    """Importance of each neuron, and its synapses: kept, pruned, regenerated (SD-SNN Fig. 8).

    `measured` is "final_measures" of a run's summary: the name of a "layer", and of its neurons "D"
    (Σ_j (R⁺ − R⁻) of Eq. 5 when the first neurons were pruned), "now" (the same over the synapses
    that each has now), "synapses" (their number) and "pruned" (bool: once; those of them that have
    synapses are regenerated).
    """
    D, now, synapses, pruned = (np.array(measured[k]) for k in ("D", "now", "synapses", "pruned"))
    axes = axes_or_new(axes, 11.0, 3.8, columns=2)
    order = np.argsort(-D, kind="stable")
    back = pruned & (synapses > 0)
    grown = f"regenerated: {back.sum()}\n({synapses[back].sum():,} synapses)"
    fates = {
        f"kept: {(~pruned).sum()}": (BLUE, ~pruned),
        f"pruned: {(pruned & ~back).sum()}": (ORANGE, pruned & ~back),
        grown: (GREEN, back),
    }
    for label, (colour, members) in fates.items():
        at = np.flatnonzero(members[order])
        for ax, heights in zip(axes, (D, synapses), strict=True):
            ax.bar(at, heights[order][at], 1.0, color=colour)
        axes[1].plot([], [], "s", color=colour, label=label)
    axes[0].plot(now[order], "k.", markersize=3)
    axes[1].plot([], [], "k.", markersize=3, label="D now; bars: when\npruning began")
    share = f"{pruned.sum()} of {D.size} neurons pruned ({100 * pruned.mean():.0f} %)"
    texts = (
        ("Dendritic spines of each neuron", "by D when pruning began", "D = Σ (R⁺ − R⁻)"),
        (share, "in the same order", "input synapses"),
    )
    for ax, (title, order, height) in zip(axes, texts, strict=True):
        ax.set_xlim(-0.5, D.size - 0.5)
        below = f"neuron of {measured['layer']}, {order}"
        titled(ax, title, below, height, whole="x", zero=True, legend="neurons")
    return axes
