"""Where a run of drop and grow puts its weights: channels that lose all of theirs.

    python tutorials/papers/ndsnn_channels.py runs/rigl

prints for each sparse layer how many of its output channels (rows of the weight matrix) have no
weight after an epoch, and of what its rounds grow, net of what they drop, the share of the largest
channel and the share of channels that had no weight left: means over the rounds after that epoch.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import nsnn
from nsnn.training.checkpoint import load_topology


def main() -> None:
    """Print the table of the run that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--epoch", type=int, default=2, help="epochs before the look (default: 2)")
    options = parser.parse_args()
    log = load_topology(options.run / "topology.npz")
    summary = json.loads((options.run / "summary.json").read_text())
    step = options.epoch * summary["steps"] // summary["epochs"] - 1
    shapes = {p.name: p.shape for p in nsnn.load(options.run).parameters()}
    print(f"after {options.epoch} of {summary['epochs']} epochs, and at the end")
    print("layer          channels  weights a channel  without any  at the end  largest  emptied")
    total = np.zeros(3, dtype=int)  # channels, empty ones then and at the end
    for name in log.names:
        rows = shapes[name][0]
        then, last = (channels(log.positions_at(name, at), shapes[name]) for at in (step, 10**12))
        empty = [np.count_nonzero(each == 0) for each in (then, last)]
        total += (rows, *empty)
        largest, emptied = growth(log, name, shapes[name], step)
        print(
            f"{name:15}{rows:8}{last.sum() / rows:19.1f}{empty[0]:13}{empty[1]:12}"
            f"{100 * largest:7.0f} %{100 * emptied:7.0f} %"
        )
    print(f"{'all':15}{total[0]:8}{'':19}{total[1]:13}{total[2]:12}")


def channels(positions, shape) -> np.ndarray:
    """Weights of each output channel: int64, shape (rows,)."""
    rows, columns = shape
    return np.bincount(positions // columns, minlength=rows)


def growth(log, name, shape, after: int) -> tuple[float, float]:
    """Of what each round after a step grows: the largest channel's share, that of empty ones."""
    counts = log.counts()
    steps = counts["step"][counts["layer"] == name]
    before, shares = log.positions_at(name, after), []
    for step in steps[steps > after]:
        now = log.positions_at(name, step)
        grown = channels(np.setdiff1d(now, before, assume_unique=True), shape)
        kept = channels(np.intersect1d(now, before, assume_unique=True), shape)
        if grown.any():
            shares.append((grown.max() / grown.sum(), grown[kept == 0].sum() / grown.sum()))
        before = now
    return tuple(np.mean(shares, axis=0)) if shares else (np.nan, np.nan)


if __name__ == "__main__":
    main()
