"""Rewiring a sparse matrix, on a dense mask."""

import numpy as np


def rewire(shape, active, keep, new_positions):
    """Columns and row pointers after a rewiring, and the old slot of each synapse, -1 if new.

    Flat positions `active` and `new_positions`, sorted; keep (active,) bool.
    """
    slot = np.full(shape, -1)
    slot.flat[active[keep]] = np.flatnonzero(keep)
    mask = slot >= 0
    mask.flat[new_positions] = True
    return np.nonzero(mask)[1], np.append(0, np.cumsum(mask.sum(axis=1))), slot[mask]


def transpose(shape, active):
    """The active positions column by column: their rows, column pointers and slots."""
    slot = np.full(shape, -1)
    slot.flat[active] = np.arange(len(active))
    mask = slot.T >= 0
    return np.nonzero(mask)[1], np.append(0, np.cumsum(mask.sum(axis=1))), slot.T[mask]
