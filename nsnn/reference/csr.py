"""The three products of a sparse weight matrix: the twin of `nsnn.kernels.csr`."""

import numpy as np


def csr_matmul(data, indices, indptr, x):
    """W x, one synapse after another. x (cols, K) -> (rows, K)."""
    out = np.zeros((indptr.size - 1, x.shape[1]), data.dtype)
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1]):
            out[r] += data[j] * x[indices[j]].astype(data.dtype)
    return out


def csr_transposed_matmul(data, t_indices, t_indptr, t_perm, epsilon):
    """Wᵀ ε by the transposed view. epsilon (rows, K) -> (cols, K). Source: NDSNN Eq. 2a."""
    out = np.zeros((t_indptr.size - 1, epsilon.shape[1]), data.dtype)
    for c in range(t_indptr.size - 1):
        for j in range(t_indptr[c], t_indptr[c + 1]):
            out[c] += data[t_perm[j]] * epsilon[t_indices[j]]
    return out


def csr_gradient(indices, indptr, epsilon, x):
    """(ε xᵀ) at the stored positions only, shape (nnz,). Source: NDSNN Eq. 2c."""
    gradient = np.zeros(indices.size, epsilon.dtype)
    for r in range(indptr.size - 1):
        for j in range(indptr[r], indptr[r + 1]):
            gradient[j] = epsilon[r] @ x[indices[j]].astype(epsilon.dtype)
    return gradient
