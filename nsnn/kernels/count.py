"""How often inputs meet the columns of a weight, and ε its rows: the counts of operations."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def column_uses(x, kh, kw, stride, padding, Ho, Wo, uses, start, stop):
    """uses (C·kh·kw,) int64 = nonzero values that each column (c, dy, dx) multiplies in a forward.

    x (C, H, W, K), K = T·B, uint8 or real, is the input of a convolution with outputs (Ho, Wo). A
    neuron of a linear layer is a channel of one pixel. Owns the channels `start:stop`.
    """
    row = np.empty(kw, np.int64)  # what one row of pixels adds for each dx
    for c in range(start, stop):
        for column in range(c * kh * kw, (c + 1) * kh * kw):
            uses[column] = 0
        for iy in range(x.shape[1]):
            row[:] = 0
            for ix in range(x.shape[2]):
                nonzero = np.int32(0)
                for value in x[c, iy, ix]:
                    nonzero += np.int32(value != 0)
                # Pixel ix meets column dx of the kernel where ox·stride + dx − padding = ix.
                for dx in range(kw):
                    ox = ix + padding - dx
                    if ox >= 0 and ox % stride == 0 and ox // stride < Wo:
                        row[dx] += nonzero
            for dy in range(kh):
                oy = iy + padding - dy
                if oy >= 0 and oy % stride == 0 and oy // stride < Ho:
                    for dx in range(kw):
                        uses[(c * kh + dy) * kw + dx] += row[dx]


@njit(cache=True, nogil=True, error_model="numpy")
def row_uses(epsilon, kh, kw, stride, padding, H, W, uses, start, stop):
    """uses (O, kh·kw) int64 = nonzero ε that row o takes back to the input at each offset (dy, dx).

    epsilon (O, Ho, Wo, K), K = T·B, of an input (C, H, W, K): what would lead beyond its border
    does not count. A neuron of a linear layer is a channel of one pixel. Owns rows `start:stop`.
    """
    row = np.empty(kw, np.int64)  # what one row of pixels adds for each dx
    for o in range(start, stop):
        uses[o] = 0
        for oy in range(epsilon.shape[1]):
            row[:] = 0
            for ox in range(epsilon.shape[2]):
                nonzero = np.int32(0)
                for value in epsilon[o, oy, ox]:
                    nonzero += np.int32(value != 0)
                for dx in range(kw):
                    if 0 <= ox * stride + dx - padding < W:
                        row[dx] += nonzero
            for dy in range(kh):
                if 0 <= oy * stride + dy - padding < H:
                    for dx in range(kw):
                        uses[o, dy * kw + dx] += row[dx]
