"""Finding the largest gradients outside the topology without ever holding a dense gradient."""

import numpy as np

from nsnn.kernels.select import select_largest_update

BLOCK = 65_536  # gradient entries computed at a time


def largest_gradients(gradient_of, shape, inputs, k, excluded, dtype) -> np.ndarray:
    """The `k` positions with the largest |dL/dw| outside `excluded`.

    Parameters
    ----------
    gradient_of : callable
        `gradient_of(first, last, out)` writes the dense gradient of the synapses that leave the
        inputs `first:last` into out (rows, (last - first) · cols / inputs).
    shape : tuple of int
        (rows, cols) of the weight matrix.
    inputs : int
        Input neurons or channels; each has cols / inputs columns.
    k : int
    excluded : ndarray of int64, sorted
    dtype : dtype of the gradient

    Returns
    -------
    positions : ndarray of int64, shape (≤ k,)
        Largest first; ties by smaller position.

    Notes
    -----
    Extra memory: k entries of the running best and blocks of about `BLOCK` entries. By inputs and
    not by rows, because then each patch of the input is made once, for all rows.
    Source: NDSNN Algorithm 1 (ArgGrow).
    """
    rows, cols = shape
    k = min(k, rows * cols)
    score, position = np.zeros(k, dtype), np.zeros(k, np.int64)
    count = np.zeros(1, np.int64)
    each = cols // inputs
    step = max(1, BLOCK // (rows * each))
    for first in range(0, inputs if k else 0, step):
        last = min(inputs, first + step)
        block = np.empty((rows, (last - first) * each), dtype)
        gradient_of(first, last, block)
        select_largest_update(block, first * each, cols, excluded, score, position, count)
    found = int(count[0])
    order = np.lexsort((position[:found], -score[:found]))
    return position[:found][order]
