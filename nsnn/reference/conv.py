"""The products of a sparse convolution: the twin of `nsnn.kernels.conv`.

Each is the explicit im2col followed by the product of `nsnn.reference.csr`: what the kernels do
without ever making the patches.
"""

from nsnn.reference import csr
from nsnn.reference.im2col import col2im, im2col


def conv_csr_matmul(data, indices, indptr, bias, x, kh, kw, stride, padding):
    """W * x + b. x (C, H, W, K) -> (O, Ho, Wo, K)."""
    columns = im2col(x, kh, kw, stride, padding)
    out = csr.csr_matmul(data, indices, indptr, bias, columns.reshape(columns.shape[0], -1))
    return out.reshape(-1, *columns.shape[1:])


def conv_csr_gradient(indices, indptr, epsilon, x, kh, kw, stride, padding):
    """Gradient (nnz,) at the stored positions only. Source: NDSNN Eq. 2c."""
    columns = im2col(x, kh, kw, stride, padding)
    flat = epsilon.reshape(epsilon.shape[0], -1)
    return csr.csr_gradient(indices, indptr, flat, columns.reshape(columns.shape[0], -1))


def conv_csr_backward(data, t_indices, t_indptr, t_perm, epsilon, x, kh, kw, stride, padding):
    """dL/dx (C, H, W, K) and the gradient (nnz,). Source: NDSNN Eqs. 2a, 2c."""
    columns = im2col(x, kh, kw, stride, padding)
    d_columns, gradient = csr.csr_backward(
        data, t_indices, t_indptr, t_perm,
        epsilon.reshape(epsilon.shape[0], -1), columns.reshape(columns.shape[0], -1),
    )  # fmt: skip
    dx = col2im(d_columns.reshape(-1, *epsilon.shape[1:]), x.shape, kh, kw, stride, padding)
    return dx, gradient
