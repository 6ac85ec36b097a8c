"""Rewiring of compressed rows in one pass: for methods that change the topology at every step."""

from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def csr_rewire(indices, indptr, keep, new_positions, cols, merged, merged_indptr, source):
    """Merge what is kept with the new positions, row by row.

    keep (nnz,) bool; new_positions (grown,) int64, sorted, `row · cols + col`. Outputs: merged
    (new nnz,) int32 and merged_indptr, the columns and row pointers; source (new nnz,) int64, the
    old slot of each synapse, -1 for a new one.
    """
    slot = new = 0
    for r in range(indptr.size - 1):
        merged_indptr[r] = slot
        first = r * cols
        for i in range(indptr[r], indptr[r + 1]):
            if keep[i]:
                while new < new_positions.size and new_positions[new] < first + indices[i]:
                    merged[slot], source[slot] = new_positions[new] - first, -1
                    slot, new = slot + 1, new + 1
                merged[slot], source[slot] = indices[i], i
                slot += 1
        while new < new_positions.size and new_positions[new] < first + cols:
            merged[slot], source[slot] = new_positions[new] - first, -1
            slot, new = slot + 1, new + 1
    merged_indptr[indptr.size - 1] = slot


@njit(cache=True, nogil=True, error_model="numpy")
def csr_transpose(indices, indptr, t_indices, t_indptr, t_perm):
    """List the entries column by column, by rising row: their rows, column pointers and slots."""
    t_indptr[:] = 0
    for column in indices:
        t_indptr[column + 1] += 1
    for c in range(1, t_indptr.size):
        t_indptr[c] += t_indptr[c - 1]
    for r in range(indptr.size - 1):
        for i in range(indptr[r], indptr[r + 1]):
            c = indices[i]
            t_indices[t_indptr[c]], t_perm[t_indptr[c]] = r, i
            t_indptr[c] += 1  # to the column's end, where the next one starts
    for c in range(t_indptr.size - 1, 0, -1):
        t_indptr[c] = t_indptr[c - 1]
    t_indptr[0] = 0
