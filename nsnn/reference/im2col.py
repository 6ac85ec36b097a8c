"""Explicit im2col and its adjoint: the twin of `nsnn.kernels.im2col`."""

import numpy as np


def output_size(size, kernel, stride, padding):
    """Pixels along one side of a convolution's output."""
    return (size + 2 * padding - kernel) // stride + 1


def im2col(x, kh, kw, stride, padding):
    """Patches of x (C, H, W, K) as a matrix (C·kh·kw, Ho, Wo, K), zeros beyond the border."""
    C, H, W, K = x.shape
    Ho, Wo = output_size(H, kh, stride, padding), output_size(W, kw, stride, padding)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    columns = np.zeros((C, kh, kw, Ho, Wo, K), x.dtype)
    for dy in range(kh):
        for dx in range(kw):
            rows = slice(dy, dy + stride * Ho, stride)
            cols = slice(dx, dx + stride * Wo, stride)
            columns[:, dy, dx] = padded[:, rows, cols][:, :Ho, :Wo]
    return columns.reshape(C * kh * kw, Ho, Wo, K)


def col2im(columns, shape, kh, kw, stride, padding):
    """Add patches (C·kh·kw, Ho, Wo, K) back into an image of `shape` (C, H, W, K)."""
    C, H, W, K = shape
    _, Ho, Wo, _ = columns.shape
    patches = columns.reshape(C, kh, kw, Ho, Wo, K)
    padded = np.zeros((C, H + 2 * padding, W + 2 * padding, K), columns.dtype)
    for dy in range(kh):
        for dx in range(kw):
            for oy in range(Ho):
                for ox in range(Wo):
                    padded[:, oy * stride + dy, ox * stride + dx] += patches[:, dy, dx, oy, ox]
    return padded[:, padding : padding + H, padding : padding + W].copy()
