"""Explicit im2col and its adjoint, for dense convolutions and as the picture of the implicit one.

Images are `(C, H, W·K)`, K = T·B. A row of the patch matrix is (channel, dy, dx), a column
(output row, output pixel, k). Both work on a band of output rows, so that the patches of a large
image need never be in memory at once.
"""

from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def im2col(x, kh, kw, stride, padding, K, first_row, columns, start, stop):
    """Copy the patches of a band of output rows into `columns` (C·kh·kw, rows·Wo·K).

    The band starts at output row `first_row`; its height is that of `columns` (C·kh·kw, rows,
    Wo·K). Owns the rows `start:stop` of `columns`; x may be uint8 or real.
    """
    H, W = x.shape[1], x.shape[2] // K
    rows, Wo = columns.shape[1], columns.shape[2] // K
    for r in range(start, stop):
        c, offset = divmod(r, kh * kw)
        dy, dx = divmod(offset, kw)
        for row in range(rows):
            iy = (first_row + row) * stride + dy - padding
            target = columns[r, row]
            if iy < 0 or iy >= H:
                target[:] = 0
                continue
            for ox in range(Wo):
                ix = ox * stride + dx - padding
                pixel = target[ox * K : (ox + 1) * K]
                if ix < 0 or ix >= W:
                    pixel[:] = 0
                else:
                    source = x[c, iy, ix * K : (ix + 1) * K]
                    for i in range(K):
                        pixel[i] = source[i]


@njit(cache=True, nogil=True, error_model="numpy")
def col2im(columns, kh, kw, stride, padding, K, first_row, x, start, stop):
    """Add the patches of a band of output rows back to x (C, H, W·K): the adjoint of `im2col`.

    `columns` ((stop - start)·kh·kw, rows, Wo·K) holds the channels `start:stop` only, which the
    call owns. x is added to, not cleared.
    """
    H, W = x.shape[1], x.shape[2] // K
    rows, Wo = columns.shape[1], columns.shape[2] // K
    for c in range(start, stop):
        for offset in range(kh * kw):
            dy, dx = divmod(offset, kw)
            for row in range(rows):
                iy = (first_row + row) * stride + dy - padding
                if iy < 0 or iy >= H:
                    continue
                source = columns[(c - start) * kh * kw + offset, row]
                for ox in range(Wo):
                    ix = ox * stride + dx - padding
                    if ix < 0 or ix >= W:
                        continue
                    pixel, target = source[ox * K : (ox + 1) * K], x[c, iy, ix * K : (ix + 1) * K]
                    for i in range(K):
                        target[i] += pixel[i]
