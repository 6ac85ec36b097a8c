"""The gradient of a bias."""

import numpy as np
from numba import njit


# A sum vectorises only if its terms may be reordered; infinities stay respected.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def bias_gradient(epsilon, gradient, start, stop):
    """gradient (O,) = sums of the rows of epsilon (O, M), in float64. Source: NDSNN Eq. 2c."""
    for o in range(start, stop):
        row = epsilon[o]
        total = 0.0
        for i in range(row.size):
            total += np.float64(row[i])
        gradient[o] = total
