"""Finding the largest gradients outside the topology without ever holding a dense gradient."""

import numpy as np

from nsnn.kernels.select import select_largest_update

BLOCK = 65_536  # gradient entries computed at a time


def largest_gradients(gradient_rows, shape, k, excluded, dtype) -> np.ndarray:
    """The `k` positions with the largest |dL/dw| outside `excluded`.

    Parameters
    ----------
    gradient_rows : callable
        `gradient_rows(first, last, out)` writes the dense gradient of some rows into
        out (last - first, cols).
    shape : tuple of int
        (rows, cols) of the weight matrix.
    k : int
    excluded : ndarray of int64, sorted
    dtype : dtype of the gradient

    Returns
    -------
    positions : ndarray of int64, shape (≤ k,)
        Largest first; ties by smaller position.

    Notes
    -----
    Extra memory: k entries of the running best and one block of rows of about `BLOCK` entries.
    Source: NDSNN Algorithm 1 (ArgGrow).
    """
    rows, cols = shape
    k = min(k, rows * cols)
    score, position = np.zeros(k, dtype), np.zeros(k, np.int64)
    count = np.zeros(1, np.int64)
    block_rows = max(1, BLOCK // cols)
    block = np.empty((min(block_rows, rows), cols), dtype)
    for first in range(0, rows if k else 0, block_rows):
        last = min(rows, first + block_rows)
        part = block[: last - first]
        gradient_rows(first, last, part)
        select_largest_update(part.reshape(-1), first * cols, excluded, score, position, count)
    found = int(count[0])
    order = np.lexsort((position[:found], -score[:found]))
    return position[:found][order]


def full_rows(rows: int, cols: int) -> tuple[np.ndarray, np.ndarray]:
    """Column indices and row pointers of a block of rows in which every position is stored.

    With them the kernels for stored positions compute a dense block, by the same arithmetic.
    """
    indices = np.tile(np.arange(cols, dtype=np.int32), rows)
    indptr = np.arange(rows + 1, dtype=np.int32) * np.int32(cols)
    return indices, indptr
