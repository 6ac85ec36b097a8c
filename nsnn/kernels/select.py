"""The k largest scores of a stream of blocks, without ever holding the whole."""

from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def _below(score, position, other_score, other_position):
    """True if the first ranks below the second: a smaller score or, at a tie, a later position."""
    return score < other_score or (score == other_score and position > other_position)


@njit(cache=True, nogil=True, error_model="numpy")
def _sift_down(score, position, count):
    """Restore the heap order after the root was replaced: the root is the lowest-ranked entry."""
    parent = 0
    while True:
        lowest = parent
        for child in (2 * parent + 1, 2 * parent + 2):
            if child < count and _below(
                score[child], position[child], score[lowest], position[lowest]
            ):
                lowest = child
        if lowest == parent:
            return
        score[parent], score[lowest] = score[lowest], score[parent]
        position[parent], position[lowest] = position[lowest], position[parent]
        parent = lowest


@njit(cache=True, nogil=True, error_model="numpy")
def _sift_up(score, position, child):
    """Restore the heap order after an entry was appended at `child`."""
    while child > 0:
        parent = (child - 1) // 2
        if not _below(score[child], position[child], score[parent], position[parent]):
            return
        score[parent], score[child] = score[child], score[parent]
        position[parent], position[child] = position[child], position[parent]
        child = parent


@njit(cache=True, nogil=True, error_model="numpy")
def _first_not_below(values, bound):
    """Index of the first of the sorted `values` that is not below `bound`, by bisection."""
    low, high = 0, values.shape[0]
    while low < high:
        middle = (low + high) // 2
        if values[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def select_largest_update(block, column, cols, excluded, score, position, count):
    """Merge |block| (rows, n), columns `column..column+n` of `cols`, into the best `count[0]`.

    `score` and `position` (k,) are a heap whose root is the worst of the best, so most entries
    cost one comparison. A position is row · cols + column; `excluded` (sorted) do not compete;
    neither does a NaN. O(entries + new log k).
    """
    k = score.shape[0]
    for r in range(block.shape[0]):
        e = _first_not_below(excluded, r * cols + column)
        for i in range(block.shape[1]):
            p = r * cols + column + i
            if e < excluded.shape[0] and excluded[e] == p:
                e += 1
                continue
            g = abs(block[r, i])
            if count[0] < k:
                if g == g:
                    score[count[0]], position[count[0]] = g, p
                    _sift_up(score, position, count[0])
                    count[0] += 1
            elif k > 0 and _below(score[0], position[0], g, p):
                score[0], position[0] = g, p
                _sift_down(score, position, k)
