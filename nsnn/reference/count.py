"""How often inputs meet each column of a weight: the twin of `nsnn.kernels.count`."""

import numpy as np


def column_uses(x, kh, kw, stride, padding, Ho, Wo):
    """Nonzero values of x (C, H, W, K) that each column (c, dy, dx) multiplies; (C·kh·kw,)."""
    nonzero = np.count_nonzero(x, axis=3)
    padded = np.pad(nonzero, ((0, 0), (padding, padding), (padding, padding)))
    uses = np.zeros((x.shape[0], kh, kw), dtype=np.int64)
    for dy in range(kh):
        for dx in range(kw):
            rows = slice(dy, dy + stride * (Ho - 1) + 1, stride)
            cols = slice(dx, dx + stride * (Wo - 1) + 1, stride)
            uses[:, dy, dx] = padded[:, rows, cols].sum(axis=(1, 2))
    return uses.reshape(-1)
