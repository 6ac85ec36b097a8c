"""Where a run puts its weights: output channels that lose all of theirs, and what rounds grow.

A channel is a row of a weight matrix: an output channel of a convolution, a neuron of a linear
layer. All of it is read from the topology log of a finished run.
"""

import numpy as np

# Means over the rounds of each tenth of a run: short lists, of runs of any length.
_PARTS = 10


def channels(log, shapes: dict, steps: int) -> dict:
    """Channels without a weight and the shares of what each round grows, by layer.

    Parameters
    ----------
    log : TopologyLog
    shapes : dict of str to tuple of int
        (rows, columns) of each layer of the log.
    steps : int
        Optimiser steps of the run.

    Returns
    -------
    dict
        "rows": the channels of each layer. "steps": those after which a topology has changed, of
        all layers together. "empty": of each layer that ever has some, the channels without a
        weight at the start and after each of these steps. "largest": of what a round grows in a
        layer, net of what it drops, the share of the channel that gets most; "to_empty": the share
        of the channels that had no weight *before* the round. Both, of layers in which anything
        grows, are means over the rounds in which it does, of each tenth of the run; None where
        there is none.
    """
    steps_of_events = np.unique(log.counts()["step"])
    found = {
        "rows": {name: shapes[name][0] for name in log.names},
        "steps": steps_of_events.tolist(),
        "empty": {},
        "largest": {},
        "to_empty": {},
    }
    part = np.minimum(_PARTS * steps_of_events // steps, _PARTS - 1)
    for name in log.names:
        empty, *shares = _follow(log, name, shapes[name], steps_of_events)
        if empty.any():
            found["empty"][name] = empty.tolist()
        for key, share in zip(("largest", "to_empty"), shares, strict=True):
            if np.isfinite(share).any():
                found[key][name] = [_mean(share[part == p]) for p in range(_PARTS)]
    return found


def _follow(log, name: str, shape, steps) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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


def _mean(shares) -> float | None:
    """The mean of those that are there, to three digits after the point."""
    there = shares[np.isfinite(shares)]
    return round(float(there.mean()), 3) if there.size else None
