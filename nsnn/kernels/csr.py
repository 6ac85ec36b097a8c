"""The three products of a sparse weight matrix, for linear layers.

Activations are `(features, K)`, K = T·B values of one neuron in a row, so one synapse's work is a
vector operation over K. Four synapses share each pass over the accumulator, which halves the
memory traffic. Inputs may be uint8 spikes or real; a thread owns the rows `start:stop` of the
output.
"""

from numba import njit

RUN = 4096  # values of a row handled at a time: 16 KB of float32, half of an L1 cache


@njit(cache=True, nogil=True, error_model="numpy")
def csr_matmul(data, indices, indptr, x, out, start, stop):
    """out (rows, K) = W x for x (cols, K)."""
    K = x.shape[1]
    for r in range(start, stop):
        for k in range(0, K, RUN):
            m = min(RUN, K - k)
            acc = out[r, k : k + m]
            acc[:] = 0
            j, end = indptr[r], indptr[r + 1]
            while j + 4 <= end:
                w0, w1, w2, w3 = data[j], data[j + 1], data[j + 2], data[j + 3]
                x0, x1 = x[indices[j], k : k + m], x[indices[j + 1], k : k + m]
                x2, x3 = x[indices[j + 2], k : k + m], x[indices[j + 3], k : k + m]
                for i in range(m):
                    acc[i] += w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
                j += 4
            while j < end:
                w0, x0 = data[j], x[indices[j], k : k + m]
                for i in range(m):
                    acc[i] += w0 * x0[i]
                j += 1


@njit(cache=True, nogil=True, error_model="numpy")
def csr_transposed_matmul(data, t_indices, t_indptr, t_perm, epsilon, out, start, stop):
    """out (cols, K) = W^T epsilon for epsilon (rows, K), by the transposed view.

    Source: NDSNN Eq. 2a, corrected (the paper omits the transpose).
    """
    K = epsilon.shape[1]
    for c in range(start, stop):
        for k in range(0, K, RUN):
            m = min(RUN, K - k)
            acc = out[c, k : k + m]
            acc[:] = 0
            j, end = t_indptr[c], t_indptr[c + 1]
            while j + 4 <= end:
                w0, w1 = data[t_perm[j]], data[t_perm[j + 1]]
                w2, w3 = data[t_perm[j + 2]], data[t_perm[j + 3]]
                e0, e1 = epsilon[t_indices[j], k : k + m], epsilon[t_indices[j + 1], k : k + m]
                e2, e3 = epsilon[t_indices[j + 2], k : k + m], epsilon[t_indices[j + 3], k : k + m]
                for i in range(m):
                    acc[i] += w0 * e0[i] + w1 * e1[i] + w2 * e2[i] + w3 * e3[i]
                j += 4
            while j < end:
                w0, e0 = data[t_perm[j]], epsilon[t_indices[j], k : k + m]
                for i in range(m):
                    acc[i] += w0 * e0[i]
                j += 1


# A sum of products vectorises only if its terms may be reordered; infinities stay respected.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def csr_gradient(indices, indptr, epsilon, x, gradient, start, stop):
    """gradient (nnz,) = (epsilon x^T) at the stored positions only.

    epsilon (rows, K), x (cols, K). Source: NDSNN Eq. 2c.
    """
    K = x.shape[1]
    zero = gradient.dtype.type(0)
    for r in range(start, stop):
        e = epsilon[r]
        j, end = indptr[r], indptr[r + 1]
        while j + 4 <= end:
            x0, x1 = x[indices[j]], x[indices[j + 1]]
            x2, x3 = x[indices[j + 2]], x[indices[j + 3]]
            g0, g1, g2, g3 = zero, zero, zero, zero
            for i in range(K):
                g0 += e[i] * x0[i]
                g1 += e[i] * x1[i]
                g2 += e[i] * x2[i]
                g3 += e[i] * x3[i]
            gradient[j], gradient[j + 1], gradient[j + 2], gradient[j + 3] = g0, g1, g2, g3
            j += 4
        while j < end:
            x0 = x[indices[j]]
            g0 = zero
            for i in range(K):
                g0 += e[i] * x0[i]
            gradient[j] = g0
            j += 1
