"""The three products of a sparse convolution: the twin of `nsnn.kernels.conv`.

Each is the explicit im2col followed by the product of `nsnn.reference.csr`: what the kernels do
without ever making the patches.
"""

from nsnn.reference import csr
from nsnn.reference.im2col import col2im, im2col


def conv_csr_matmul(data, indices, indptr, x, kh, kw, stride, padding):
    """W * x. x (C, H, W, K) -> (O, Ho, Wo, K)."""
    columns = im2col(x, kh, kw, stride, padding)
    out = csr.csr_matmul(data, indices, indptr, columns.reshape(columns.shape[0], -1))
    return out.reshape(-1, *columns.shape[1:])


def conv_csr_transposed_matmul(
    data, t_indices, t_indptr, t_perm, epsilon, shape, kh, kw, stride, padding
):
    """dL/dx of `shape` (C, H, W, K) from epsilon (O, Ho, Wo, K). Source: NDSNN Eq. 2a."""
    flat = epsilon.reshape(epsilon.shape[0], -1)
    columns = csr.csr_transposed_matmul(data, t_indices, t_indptr, t_perm, flat)
    return col2im(columns.reshape(-1, *epsilon.shape[1:]), shape, kh, kw, stride, padding)


def conv_csr_gradient(indices, indptr, epsilon, x, kh, kw, stride, padding):
    """Gradient (nnz,) at the stored positions only. Source: NDSNN Eq. 2c."""
    columns = im2col(x, kh, kw, stride, padding)
    flat = epsilon.reshape(epsilon.shape[0], -1)
    return csr.csr_gradient(indices, indptr, flat, columns.reshape(columns.shape[0], -1))
