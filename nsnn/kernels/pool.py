"""Average and max pooling over k × k windows that do not overlap.

Images are `(C, H, W, K)`, K = T·B; outputs `(C, H // k, W // k, K)`: rows and columns that do not
fill a window are left out, as in PyTorch.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def average_pool_forward(x, k, y, start, stop):
    """y = mean of each window of x (uint8 or real); owns the channels `start:stop`."""
    K = x.shape[3]
    area = y.dtype.type(k * k)
    for c in range(start, stop):
        for oy in range(y.shape[1]):
            for ox in range(y.shape[2]):
                acc = y[c, oy, ox]
                acc[:] = 0
                for p in range(k * k):
                    pixel = x[c, oy * k + p // k, ox * k + p % k]
                    for i in range(K):
                        acc[i] += pixel[i]
                for i in range(K):
                    acc[i] /= area


@njit(cache=True, nogil=True, error_model="numpy")
def average_pool_backward(dy, k, dx, start, stop):
    """dx = dy / k² at every pixel of its window, 0 where no window reaches."""
    K = dx.shape[3]
    area = dy.dtype.type(k * k)
    for c in range(start, stop):
        for iy in range(dx.shape[1]):
            for ix in range(dx.shape[2]):
                pixel = dx[c, iy, ix]
                if iy // k >= dy.shape[1] or ix // k >= dy.shape[2]:
                    pixel[:] = 0
                    continue
                window = dy[c, iy // k, ix // k]
                for i in range(K):
                    pixel[i] = window[i] / area


@njit(cache=True, nogil=True, error_model="numpy")
def max_pool_forward(x, k, y, start, stop):
    """y = maximum of each window of x (uint8 or real, y alike); owns channels `start:stop`."""
    K = x.shape[3]
    for c in range(start, stop):
        for oy in range(y.shape[1]):
            for ox in range(y.shape[2]):
                best = y[c, oy, ox]
                best[:] = x[c, oy * k, ox * k]
                for p in range(1, k * k):
                    pixel = x[c, oy * k + p // k, ox * k + p % k]
                    for i in range(K):
                        best[i] = max(best[i], pixel[i])


@njit(cache=True, nogil=True, error_model="numpy")
def max_pool_backward(dy, x, y, k, dx, start, stop):
    """dy goes to the first maximum of each window in row-major order; ties are common on spikes.

    Finds it again from x and y, so the forward stores no index.
    """
    K = dx.shape[3]
    zero = dx.dtype.type(0)
    open_ = np.empty(K, np.bool_)  # True until the window's first maximum has been met
    for c in range(start, stop):
        dx[c] = zero
        for oy in range(y.shape[1]):
            for ox in range(y.shape[2]):
                best, window = y[c, oy, ox], dy[c, oy, ox]
                open_[:] = True
                for p in range(k * k):
                    iy, ix = oy * k + p // k, ox * k + p % k
                    pixel, target = x[c, iy, ix], dx[c, iy, ix]
                    for i in range(K):
                        first = open_[i] and pixel[i] == best[i]
                        target[i] = window[i] if first else zero
                        open_[i] = open_[i] and not first
