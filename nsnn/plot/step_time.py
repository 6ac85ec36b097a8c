"""Step time against density, with the dense step and the paper's cost model."""

import numpy as np

from nsnn.metrics import relative_cost
from nsnn.plot.style import BLUE, GREY, ORANGE, RED, axes_or_new, from_zero, legend_beside, titled


def step_time(results, ax=None):
    """Draw results of `nsnn.bench.child.compare`: one of them dense, all of equal threads.

    Source: NDSNN IV-C. The model says ``R_s·density/R_d`` of the dense step, R the spike rates.
    """
    ax = axes_or_new(ax)
    sparse = [result for result in results if result["job"]["density"] < 1]
    sparse.sort(key=lambda result: result["ours"]["density"])
    density = [100 * result["ours"]["density"] for result in sparse]
    keys = ("low", "median", "high")
    steps = [[1e3 * found["ours"]["seconds"]["step"][key] for key in keys] for found in sparse]
    low, median, high = np.array(steps).reshape(-1, 3).T
    bars = {"yerr": (median - low, high - median), "capsize": 3}
    ax.errorbar(density, median, fmt="o-", color=BLUE, label="measured", **bars)
    dense = next(result["ours"] for result in results if result["job"]["density"] == 1)
    whole, R_d = 1e3 * dense["seconds"]["step"]["median"], dense["spike_rate"]
    ax.axhline(whole, color=ORANGE, linestyle="--", label="dense, measured")
    model = [
        whole * relative_cost(result["ours"]["spike_rate"], result["ours"]["density"], R_d)
        for result in sparse
    ]
    label = "paper's model: $R_s$ · density / $R_d$ · dense"
    ax.plot(density, model, "s:", color=RED, markersize=4, label=label)
    peers = [result["theirs"]["seconds"]["step"] for result in sparse if "theirs" in result]
    if peers:
        label = f"{sparse[0]['against']}, dense with masks"
        seconds = [1e3 * spread["median"] for spread in peers]
        ax.plot(density, seconds, "^-.", color=GREY, markersize=4, label=label)
    ax.set_xscale("log")
    ax.set_xticks(density, [f"{d:.3g}" for d in density], minor=False)
    ax.minorticks_off()
    from_zero(ax)
    legend_beside(ax)
    job = sparse[0]["job"]
    title = f"{job['model']}, {job['distribution']}, B = {job['batch']}, T = {job['time_steps']}"
    return titled(ax, title, "active weights (%)", "training step (ms)")
