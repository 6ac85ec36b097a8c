"""A convolution is a matrix product with patches: explicit im2col, then `nsnn.reference.linear`.

W is (out, in·kh·kw), row o the kernel of output channel o in the order (channel, dy, dx). Images
are (C, H, W, K), K = T·B; `geometry` is (kh, kw, stride, padding).
"""

import numpy as np

from nsnn.reference import linear


def output_size(size, kernel, stride, padding):
    """Pixels along one side of a convolution's output."""
    return (size + 2 * padding - kernel) // stride + 1


def im2col(x, kh, kw, stride, padding):
    """Patches of x (C, H, W, K) as a matrix (C·kh·kw, Ho, Wo, K), zeros beyond the border."""
    C, H, W, K = x.shape
    Ho, Wo = output_size(H, kh, stride, padding), output_size(W, kw, stride, padding)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    columns = [
        padded[:, dy : dy + stride * Ho : stride, dx : dx + stride * Wo : stride]
        for dy, dx in np.ndindex(kh, kw)
    ]
    return np.stack(columns, axis=1).reshape(C * kh * kw, Ho, Wo, K)


def col2im(columns, shape, kh, kw, stride, padding):
    """Add patches (C·kh·kw, Ho, Wo, K) back into an image of `shape` (C, H, W, K)."""
    C, H, W, K = shape
    _, Ho, Wo, _ = columns.shape
    patches = columns.reshape(C, kh, kw, Ho, Wo, K)
    padded = np.zeros((C, H + 2 * padding, W + 2 * padding, K), columns.dtype)
    for dy, dx, oy, ox in np.ndindex(kh, kw, Ho, Wo):
        padded[:, oy * stride + dy, ox * stride + dx] += patches[:, dy, dx, oy, ox]
    return padded[:, padding : padding + H, padding : padding + W].copy()


def conv_current(W, s, b, *geometry):
    """W * s + b, (out, Ho, Wo, K), for spikes s (in, H, W, K)."""
    columns = im2col(s, *geometry)
    return linear.current(W, _matrix(columns), b).reshape(-1, *columns.shape[1:])


def conv_input_gradient(W, epsilon, shape, *geometry):
    """δ of the layer before, of `shape` (in, H, W, K), from ε (out, Ho, Wo, K).

    Source: NDSNN Eq. 2a, corrected: the paper omits the transpose.
    """
    columns = linear.input_gradient(W, _matrix(epsilon))
    return col2im(columns.reshape(-1, *epsilon.shape[1:]), shape, *geometry)


def conv_weight_gradient(epsilon, s, *geometry):
    """∂L/∂W (out, in·kh·kw) at every position, active or not. Source: NDSNN Eq. 2c"""
    return linear.weight_gradient(_matrix(epsilon), _matrix(im2col(s, *geometry)))


def column_uses(s, *geometry):
    """Spikes, or nonzero inputs, that each column of W meets in a forward; (in·kh·kw,)."""
    return np.count_nonzero(_matrix(im2col(s, *geometry)), axis=1)


def row_uses(epsilon, shape, *geometry):
    """Nonzero ε of each row of W that reach an input of `shape` (in, H, W, K); (out, kh·kw).

    By offset (dy, dx) in the kernel: at the border of the image some of them lead out of it.
    """
    inside = im2col(np.ones((1, *shape[1:])), *geometry)  # (kh·kw, Ho, Wo, K)
    return np.count_nonzero(epsilon[:, None] * inside, axis=(2, 3, 4))


def _matrix(array):
    """(rows, Ho, Wo, K) as a matrix (rows, Ho·Wo·K)."""
    return array.reshape(array.shape[0], -1)
