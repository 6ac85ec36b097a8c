"""The products of a sparse weight matrix: the twin of `nsnn.kernels.csr`."""

import numpy as np


def csr_matmul(data, indices, indptr, bias, x):
    """W x + b, one synapse after another. x (cols, K) -> (rows, K)."""
    out = np.repeat(bias[:, None], x.shape[1], axis=1)
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1]):
            out[r] += data[j] * x[indices[j]].astype(data.dtype)
    return out


def csr_gradient(indices, indptr, epsilon, x):
    """(ε xᵀ) at the stored positions only, shape (nnz,). Source: NDSNN Eq. 2c."""
    gradient = np.zeros(indices.size, epsilon.dtype)
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1]):
            gradient[j] = epsilon[r] @ x[indices[j]].astype(epsilon.dtype)
    return gradient


def csr_backward(data, t_indices, t_indptr, t_perm, epsilon, x):
    """Wᵀ ε (cols, K) and the gradient (nnz,), by the transposed view.

    epsilon (rows, K), x (cols, K). Source: NDSNN Eq. 2a, corrected (the paper omits the
    transpose). Source: NDSNN Eq. 2c.
    """
    dx = np.zeros((t_indptr.size - 1, epsilon.shape[1]), data.dtype)
    gradient = np.zeros(data.size, data.dtype)
    for c in range(t_indptr.size - 1):
        for j in range(t_indptr[c], t_indptr[c + 1]):
            slot, e = t_perm[j], epsilon[t_indices[j]]
            dx[c] += data[slot] * e
            gradient[slot] = e @ x[c].astype(data.dtype)
    return dx, gradient
