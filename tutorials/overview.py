"""The picture at the top of the README: where synapses go, and what they are worth.

    python tutorials/overview.py

trains 784-100-10 networks on the embedded digits into runs/overview, those that are not there yet,
and writes tutorials/overview.png: the mask of NDSNN's first layer while it learns, and the test
accuracy of each method against the memory that its run holds at the end.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import nsnn
from nsnn.training.checkpoint import load_topology
from nsnn.training.session import FinishedRun

RUNS, PICTURE = Path("runs/overview"), Path(__file__).with_suffix(".png")
METHODS = {"static": "static: a random mask", "rigl": "RigL", "ndsnn": "NDSNN", "dense": "dense"}
SPARSITIES, SEEDS = (0.9, 0.97, 0.99), (0, 1, 2)
MOMENTS = (0, 40, 160, 558)  # optimiser steps; the run has 558
TICKS = (25, 50, 100, 200, 400, 800)


def main() -> None:
    """Train what is missing and draw the picture."""
    figure = plt.figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(0.85, 1), wspace=0.03)
    draw_masks(left, trained("ndsnn", 0.97, 0).folder)
    draw_accuracy(right.subplots())
    figure.savefig(PICTURE, dpi=100, metadata={"Software": None})
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} KB")


def trained(method: str, sparsity: float, seed: int) -> FinishedRun:
    """The run of a method, from its folder or trained now."""
    folder = RUNS / f"{method}-{sparsity}-{seed}"
    if (folder / "summary.json").exists():
        return FinishedRun(folder)
    options = {"model.name": "custom", "model.layers": "100", "train.epochs": 6}
    options |= {"method.name": method, "train.seed": seed}
    if method != "dense":
        options["method.final_sparsity"] = sparsity
    return nsnn.train(options, folder, overwrite=True)


def draw_masks(figure, folder: Path) -> None:
    """How many of the 100 neurons see each pixel, against the mean pixel, at moments of a run."""
    log = load_topology(folder / "topology.npz")
    axes = figure.subplots(2, 2)
    for ax, step in zip(axes.flat, MOMENTS, strict=True):
        mask = np.zeros((100, 784))
        mask.flat[log.positions_at("linear1.weight", step)] = 1
        seen = mask.sum(axis=0).reshape(28, 28)
        picture = ax.imshow(seen / seen.mean(), cmap="Blues", vmin=0, vmax=3)
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"step {step}: {mask.sum():,.0f} synapses", fontsize=9)
    figure.colorbar(picture, ax=axes, label="synapses at a pixel / mean of all pixels")
    figure.suptitle("NDSNN's synapses go where digits differ …", fontsize="large")


def draw_accuracy(ax) -> None:
    """Test accuracy against the bytes held at the end; a dotted line leads to the run's peak."""
    for i, (method, label) in enumerate(METHODS.items()):
        points = []
        for sparsity in SPARSITIES if method != "dense" else (0.0,):
            summaries = [trained(method, sparsity, seed).summary for seed in SEEDS]
            accuracy = [100 * s["test_accuracy"] for s in summaries]
            mean, deviation = np.mean(accuracy), np.std(accuracy, ddof=1)
            held = np.mean([s["bytes_held"] for s in summaries]) / 1024
            peak = np.mean([s["bytes_held_peak"] for s in summaries]) / 1024
            points.append((held, mean, deviation))
            ax.plot([held, peak], [mean, mean], ":", color=f"C{i}", linewidth=1)
            cost = f"{held:.0f} KiB, {peak:.0f} KiB at the peak"
            print(f"{method} {sparsity}: {mean:.1f} ± {deviation:.1f} %, {cost}")
        x, y, error = zip(*points, strict=True)
        ax.errorbar(x, y, error, marker="o", capsize=3, color=f"C{i}", label=label)
        if method == "static":
            for (held, mean, _), sparsity in zip(points, SPARSITIES, strict=True):
                text = f"{100 * sparsity:.0f} % sparse"
                ax.annotate(text, (held, mean), (6, -16), textcoords="offset points", fontsize=9)
    ax.set_xscale("log")
    ax.set_xticks(TICKS, map(str, TICKS))
    ax.minorticks_off()
    ax.set_xlabel("KiB of weights, gradients, momentum, indices\nat the end (dotted: to the peak)")
    ax.set_ylabel("test accuracy (%), ± σ of 3 seeds")
    ax.set_title("… and are worth about three times as many that stay", fontsize="large")
    ax.legend(loc="lower right")


if __name__ == "__main__":
    main()
