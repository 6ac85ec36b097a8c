"""Where a run puts its weights: output channels that lose all of theirs, and what rounds grow.

A channel is a row of a weight matrix: an output channel of a convolution, a neuron of a linear
layer. All of it is read from the topology log of a finished run.
"""

import numpy as np

# Means over the rounds of each tenth of a run: short lists, of runs of any length.
_PARTS = 10


def channels(log, shapes: dict, steps: int) -> dict:
    """Channels without a weight and the shares of what each round grows, by layer of the log.

    `shapes` has (rows, columns) of each layer; `steps` are all optimiser steps of the run.

    "rows": the channels of each layer. "steps": those after which a topology has changed, of all
    layers together. "empty": of each layer that ever has some, the channels without a weight at the
    start and after each of these steps. "largest": of what a round grows in a layer, net of what it
    drops, the share of the channel that gets most; "to_empty": the share of the channels that had
    no weight *before* the round. Both, of layers in which anything grows, are means over the rounds
    in which it does, of each tenth of the run; None where there is none.
    """
    steps_of_events = np.unique(log.counts()["step"])
    rows = {name: shapes[name][0] for name in log.names}
    found = {"rows": rows, "steps": steps_of_events.tolist()}
    found |= {"empty": {}, "largest": {}, "to_empty": {}}
    part = np.minimum(_PARTS * steps_of_events // steps, _PARTS - 1)
    for name in log.names:
        empty, *shares = _trace(log, name, shapes[name], steps_of_events)
        if empty.any():
            found["empty"][name] = empty.tolist()
        for key, share in zip(("largest", "to_empty"), shares, strict=True):
            known = np.isfinite(share)
            if known.any():
                tenths = [share[known & (part == p)] for p in range(_PARTS)]
                found[key][name] = [round(float(t.mean()), 3) if t.size else None for t in tenths]
    return found


def _trace(log, name: str, shape, steps) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Empty channels at the start and after each step; the two shares of what each step grows."""
    rows, columns = shape

    def by_row(positions):
        return np.bincount(positions // columns, minlength=rows)

    held = by_row(log.positions_at(name, -1))  # weights of each channel
    empty = np.full(len(steps) + 1, np.count_nonzero(held == 0))
    largest, to_empty = np.full((2, len(steps)), np.nan)
    for step, dropped, grown in log.changes(name):
        i, new = np.searchsorted(steps, step), by_row(grown)
        if grown.size:
            largest[i], to_empty[i] = new.max() / grown.size, new[held == 0].sum() / grown.size
        held = held + new - by_row(dropped)
        empty[i + 1 :] = np.count_nonzero(held == 0)
    return empty, largest, to_empty
