"""The three products of a dense convolution: im2col of bands of output rows, then BLAS.

A band is small enough that its patches stay near the cache, and BLAS takes one image row of it at a
time, which needs no copy of the other operand. How the image is cut into bands depends on shapes
only, so results do not depend on the number of threads.
Images are `(channels, height, width·K)`, K = T·B; weights `(O, C·kh·kw)`.
"""

import threading

import numpy as np

from nsnn import parallel
from nsnn.kernels.im2col import col2im, im2col

BAND_BYTES = 4_000_000  # patches of one band

_scratch = threading.local()


def _columns(rows, height, width, dtype):
    """This thread's scratch of shape (rows, height, width); contents undefined."""
    size = rows * height * width
    array = getattr(_scratch, "array", None)
    if array is None or array.size < size or array.dtype != dtype:
        array = _scratch.array = np.empty(size, dtype)
    return array[:size].reshape(rows, height, width)


def _bands(height, row_bytes) -> list[tuple[int, int]]:
    """Output rows cut into bands of about `BAND_BYTES` of patches."""
    rows = max(1, BAND_BYTES // max(1, row_bytes))
    return [(first, min(height, first + rows)) for first in range(0, height, rows)]


def conv_matmul(W, x, geometry, K, out) -> None:
    """out (O, Ho, Wo·K) = W * x for x (C, H, W·K); geometry = (kh, kw, stride, padding)."""
    parallel.single_threaded_blas()
    _, Ho, width = out.shape
    patch = W.shape[1]

    def band(rows):
        top, bottom = rows
        columns = _columns(patch, bottom - top, width, W.dtype)
        im2col(x, *geometry, K, top, columns, 0, patch)
        for y in range(top, bottom):
            np.matmul(W, columns[:, y - top], out=out[:, y])

    parallel.tasks(band, _bands(Ho, patch * width * W.itemsize))


def conv_gradient(epsilon, x, geometry, K, gradient) -> None:
    """gradient (O, C·kh·kw) from epsilon (O, Ho, Wo·K) and x (C, H, W·K).

    Source: NDSNN Eq. 2c. Bands are dealt to `CHUNKS` partial sums, which are added in order.
    """
    parallel.single_threaded_blas()
    _, Ho, width = epsilon.shape
    patch = gradient.shape[1]
    bands = _bands(Ho, patch * width * epsilon.itemsize)

    def partial(first):
        total = np.zeros(gradient.shape, epsilon.dtype)
        for top, bottom in bands[first :: parallel.CHUNKS]:
            columns = _columns(patch, bottom - top, width, epsilon.dtype)
            im2col(x, *geometry, K, top, columns, 0, patch)
            for y in range(top, bottom):
                total += epsilon[:, y] @ columns[:, y - top].T
        return total

    partials = parallel.tasks(partial, range(min(parallel.CHUNKS, len(bands))))
    gradient[...] = sum(partials[1:], start=partials[0])


def conv_transposed_matmul(W, epsilon, geometry, K, out) -> None:
    """out (C, H, W·K) = dL/dx from epsilon (O, Ho, Wo·K). Source: NDSNN Eq. 2a, corrected.

    A chunk owns a range of input channels, so overlapping patches are added by one thread.
    """
    parallel.single_threaded_blas()
    _, Ho, width = epsilon.shape
    kh, kw = geometry[:2]

    def channels(span):
        first, last = span
        part = W[:, first * kh * kw : last * kh * kw].T
        out[first:last] = 0
        for top, bottom in _bands(Ho, part.shape[0] * width * W.itemsize):
            columns = _columns(part.shape[0], bottom - top, width, W.dtype)
            for y in range(top, bottom):
                np.matmul(part, epsilon[:, y], out=columns[:, y - top])
            col2im(columns, *geometry, K, top, out, first, last)

    parallel.tasks(channels, parallel.bounds(out.shape[0], parallel.CHUNKS))
