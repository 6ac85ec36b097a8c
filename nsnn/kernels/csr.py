"""The products of a sparse weight matrix, for linear layers.

Activations are `(features, K)`, K = T·B values of one neuron in a row, so one synapse's work is a
vector operation over K. Four synapses share each pass, which saves three of four trips over the
accumulator; uint8 inputs are spikes and need no multiplication; input and weight gradient are
found in one pass over epsilon. Inputs may be uint8 spikes or real.
"""

import numpy as np
from numba import njit, types
from numba.extending import overload

SPAN = 2048  # values of a row handled at a time: 8 KB of float32


def _passed(w, x, zero):
    """What a synapse of weight w passes on of x. A uint8 is a spike: it passes w or nothing."""


@overload(_passed)
def _passed_by_type(w, x, zero):
    # Chosen when a kernel is compiled, by the type of its input.
    if isinstance(x, types.Integer):
        return lambda w, x, zero: w if x else zero
    return lambda w, x, zero: w * x


@njit(cache=True, nogil=True, error_model="numpy")
def csr_matmul(data, indices, indptr, bias, x, out, start, stop):
    """out (rows, K) = W x + bias for x (cols, K); owns the rows `start:stop`."""
    K = x.shape[1]
    zero = out.dtype.type(0)
    for k in range(0, K, SPAN):
        span = slice(k, min(K, k + SPAN))
        for r in range(start, stop):
            acc = out[r, span]
            acc[:] = bias[r]
            j, end = indptr[r], indptr[r + 1]
            while j + 4 <= end:
                w0, w1, w2, w3 = data[j], data[j + 1], data[j + 2], data[j + 3]
                x0, x1 = x[indices[j], span], x[indices[j + 1], span]
                x2, x3 = x[indices[j + 2], span], x[indices[j + 3], span]
                for i in range(acc.size):
                    acc[i] += (_passed(w0, x0[i], zero) + _passed(w1, x1[i], zero)) + (
                        _passed(w2, x2[i], zero) + _passed(w3, x3[i], zero)
                    )
                j += 4
            while j < end:
                w0, x0 = data[j], x[indices[j], span]
                for i in range(acc.size):
                    acc[i] += _passed(w0, x0[i], zero)
                j += 1


# A sum of products vectorises only if its terms may be reordered; infinities stay respected.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def csr_gradient(indices, indptr, epsilon, x, gradient, start, stop):
    """gradient (nnz,) = (epsilon x^T) at the stored positions only; owns the rows `start:stop`.

    epsilon (rows, K), x (cols, K). Source: NDSNN Eq. 2c.
    """
    zero = gradient.dtype.type(0)
    for r in range(start, stop):
        e = epsilon[r]
        j, end = indptr[r], indptr[r + 1]
        while j + 4 <= end:
            x0, x1 = x[indices[j]], x[indices[j + 1]]
            x2, x3 = x[indices[j + 2]], x[indices[j + 3]]
            g0, g1, g2, g3 = zero, zero, zero, zero
            for i in range(e.size):
                g0 += _passed(e[i], x0[i], zero)
                g1 += _passed(e[i], x1[i], zero)
                g2 += _passed(e[i], x2[i], zero)
                g3 += _passed(e[i], x3[i], zero)
            gradient[j], gradient[j + 1], gradient[j + 2], gradient[j + 3] = g0, g1, g2, g3
            j += 4
        while j < end:
            x0, g0 = x[indices[j]], zero
            for i in range(e.size):
                g0 += _passed(e[i], x0[i], zero)
            gradient[j] = g0
            j += 1


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def csr_backward(data, t_indices, t_indptr, t_perm, epsilon, x, dx, gradient, start, stop):
    """dx (cols, K) = W^T epsilon and gradient (nnz,) = (epsilon x^T) at the stored positions.

    epsilon (rows, K), x (cols, K). Walks the transposed view; owns the columns `start:stop` and
    their synapses. Source: NDSNN Eq. 2a, corrected (the paper omits the transpose). Source: NDSNN
    Eq. 2c.
    """
    K = x.shape[1]
    zero = dx.dtype.type(0)
    # Summed here, column by column, and put in their slots at the end: in `gradient` neighbours
    # belong to other threads, which would pass its cache lines to and fro.
    low, high = t_indptr[start], t_indptr[stop]
    own = np.zeros(high - low, gradient.dtype)
    for k in range(0, K, SPAN):
        span = slice(k, min(K, k + SPAN))
        for c in range(start, stop):
            acc, s = dx[c, span], x[c, span]
            acc[:] = zero
            j, end = t_indptr[c], t_indptr[c + 1]
            while j + 2 <= end:
                w0, w1 = data[t_perm[j]], data[t_perm[j + 1]]
                e0, e1 = epsilon[t_indices[j], span], epsilon[t_indices[j + 1], span]
                g0, g1 = zero, zero
                for i in range(acc.size):
                    acc[i] += w0 * e0[i] + w1 * e1[i]
                    g0 += _passed(e0[i], s[i], zero)
                    g1 += _passed(e1[i], s[i], zero)
                own[j - low] += g0
                own[j + 1 - low] += g1
                j += 2
            if j < end:
                w0, e0, g0 = data[t_perm[j]], epsilon[t_indices[j], span], zero
                for i in range(acc.size):
                    acc[i] += w0 * e0[i]
                    g0 += _passed(e0[i], s[i], zero)
                own[j - low] += g0
    for j in range(low, high):
        gradient[t_perm[j]] = own[j - low]
