"""The products of a sparse convolution, by implicit im2col.

The weight is the CSR matrix `(out, in·kh·kw)`. A column of it names an input channel and an offset
(dy, dx) in the kernel, so im2col is an address for each synapse and no patch is ever copied. Images
are `(channels, height, width·K)`, K = T·B.

All walk the image span by span. A *span* is a piece of at most `SPAN` values of neighbouring pixels
that the same synapses reach; where the kernel reaches over the border, and with stride 2, it is at
most one pixel. For each span and channel the synapses that reach it are listed with the address of
their source, then worked off four at a time, in one pass over the span.

What that gains: what all output channels need of a span stays in the L2 cache, and four synapses
share each pass over the accumulator; uint8 inputs are spikes and need no multiplication; input and
weight gradient in one pass read epsilon once. `nsnn bench kernels` shows the rates.
"""

import numpy as np
from numba import njit, types
from numba.extending import overload

SPAN = 2048


def _passed(w, x, zero):
    """What a synapse of weight w passes on of x. A uint8 is a spike: it passes w or nothing."""


@overload(_passed)
def _passed_by_type(w, x, zero):
    # Chosen when a kernel is compiled, by the type of its input.
    if isinstance(x, types.Integer):
        return lambda w, x, zero: w if x else zero
    return lambda w, x, zero: w * x


@njit(cache=True, nogil=True, error_model="numpy")
def _span_length(at, width, first, last, stride, K):
    """Length of the span at value `at` of an image row of `width` pixels.

    A few whole pixels, if all lie in `first:last`, where the kernel stays inside the image; else
    (the rest of) one.
    """
    pixel, part = at // K, at % K
    if part > 0 or 2 * K > SPAN or stride > 1 or pixel < first or pixel >= last:
        return min(SPAN, K - part)
    return K * min(SPAN // K, last - pixel)


@njit(cache=True, nogil=True, error_model="numpy")
def _sources(oy, at, kh, kw, stride, padding, C, H, W, K, source):
    """For each weight column, the address of its input at value `at` of output row `oy`.

    -1 where the kernel reaches over the border of the (C, H, W·K) image.
    """
    ox, part = at // K, at % K
    for column in range(C * kh * kw):
        c, offset = divmod(column, kh * kw)
        iy = oy * stride + offset // kw - padding
        ix = ox * stride + offset % kw - padding
        inside = 0 <= iy < H and 0 <= ix < W
        source[column] = ((c * H + iy) * W + ix) * K + part if inside else -1


@njit(cache=True, nogil=True, error_model="numpy")
def conv_csr_matmul(data, indices, indptr, bias, x, kh, kw, stride, padding, K, out, start, stop):
    """out (O, Ho, Wo·K) = W * x + bias for x (C, H, W·K); owns output channels `start:stop`."""
    C, H, W = x.shape[0], x.shape[1], x.shape[2] // K
    Ho, Wo = out.shape[1], out.shape[2] // K
    flat = x.reshape(-1)
    source = np.empty(C * kh * kw, np.int64)
    begin, weight = np.empty(source.size, np.int64), np.empty(source.size, data.dtype)
    for oy in range(Ho):
        at = 0
        while at < Wo * K:
            m = _span_length(at, Wo, padding, W - kw + padding + 1, stride, K)
            _sources(oy, at, kh, kw, stride, padding, C, H, W, K, source)
            for o in range(start, stop):
                n = 0
                for j in range(indptr[o], indptr[o + 1]):
                    if source[indices[j]] >= 0:
                        begin[n], weight[n] = source[indices[j]], data[j]
                        n += 1
                acc = out[o, oy, at : at + m]
                acc[:] = bias[o]
                _add_weighted(weight, begin, n, flat, acc)
            at += m


@njit(cache=True, nogil=True, error_model="numpy")
def _add_weighted(weight, begin, n, x, acc):
    """acc += Σ_q weight[q] · x[begin[q]:][:acc.size], four terms in each pass."""
    m = acc.size
    zero = acc.dtype.type(0)
    for q in range(0, n - 3, 4):
        w0, w1, w2, w3 = weight[q], weight[q + 1], weight[q + 2], weight[q + 3]
        x0, x1 = x[begin[q] : begin[q] + m], x[begin[q + 1] : begin[q + 1] + m]
        x2, x3 = x[begin[q + 2] : begin[q + 2] + m], x[begin[q + 3] : begin[q + 3] + m]
        for i in range(m):
            acc[i] += (_passed(w0, x0[i], zero) + _passed(w1, x1[i], zero)) + (
                _passed(w2, x2[i], zero) + _passed(w3, x3[i], zero)
            )
    for q in range(n - n % 4, n):
        w0, x0 = weight[q], x[begin[q] : begin[q] + m]
        for i in range(m):
            acc[i] += _passed(w0, x0[i], zero)


@njit(cache=True, nogil=True, error_model="numpy")
def conv_csr_gradient(
    indices, indptr, epsilon, x, kh, kw, stride, padding, K, gradient, start, stop
):
    """gradient (nnz,) at the stored positions only; epsilon (O, Ho, Wo·K), x (C, H, W·K).

    Owns the rows `start:stop` of the weight. Source: NDSNN Eq. 2c.
    """
    C, H, W = x.shape[0], x.shape[1], x.shape[2] // K
    Ho, Wo = epsilon.shape[1], epsilon.shape[2] // K
    flat = x.reshape(-1)
    source = np.empty(C * kh * kw, np.int64)
    begin, slot = np.empty(source.size, np.int64), np.empty(source.size, np.int64)
    gradient[indptr[start] : indptr[stop]] = 0
    for oy in range(Ho):
        at = 0
        while at < Wo * K:
            m = _span_length(at, Wo, padding, W - kw + padding + 1, stride, K)
            _sources(oy, at, kh, kw, stride, padding, C, H, W, K, source)
            for o in range(start, stop):
                n = 0
                for j in range(indptr[o], indptr[o + 1]):
                    if source[indices[j]] >= 0:
                        begin[n], slot[n] = source[indices[j]], j
                        n += 1
                _add_products(epsilon[o, oy, at : at + m], flat, begin, slot, n, gradient)
            at += m


# A sum of products vectorises only if its terms may be reordered; infinities stay respected.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _add_products(e, x, begin, slot, n, gradient):
    """gradient[slot[q]] += e · x[begin[q]:][:e.size], four products in each pass over e."""
    m = e.size
    zero = e.dtype.type(0)
    for q in range(0, n - 3, 4):
        x0, x1 = x[begin[q] : begin[q] + m], x[begin[q + 1] : begin[q + 1] + m]
        x2, x3 = x[begin[q + 2] : begin[q + 2] + m], x[begin[q + 3] : begin[q + 3] + m]
        g0, g1, g2, g3 = zero, zero, zero, zero
        for i in range(m):
            g0 += _passed(e[i], x0[i], zero)
            g1 += _passed(e[i], x1[i], zero)
            g2 += _passed(e[i], x2[i], zero)
            g3 += _passed(e[i], x3[i], zero)
        gradient[slot[q]] += g0
        gradient[slot[q + 1]] += g1
        gradient[slot[q + 2]] += g2
        gradient[slot[q + 3]] += g3
    for q in range(n - n % 4, n):
        x0, g0 = x[begin[q] : begin[q] + m], zero
        for i in range(m):
            g0 += _passed(e[i], x0[i], zero)
        gradient[slot[q]] += g0


@njit(cache=True, nogil=True, error_model="numpy")
def conv_csr_backward(
    data, t_indices, t_indptr, t_perm, epsilon, x, kh, kw, stride, padding, K, dx, gradient,
    start, stop,
):  # fmt: skip
    """dx (C, H, W·K) = dL/dx and gradient (nnz,) = dL/dW in one pass over epsilon (O, Ho, Wo·K).

    Walks the transposed view of the weight; owns the input channels `start:stop` and the synapses
    that leave them. Source: NDSNN Eq. 2a, corrected (the paper omits the transpose). Source: NDSNN
    Eq. 2c.
    """
    H, W = x.shape[1], x.shape[2] // K
    O, Ho, Wo = epsilon.shape[0], epsilon.shape[1], epsilon.shape[2] // K
    flat = epsilon.reshape(-1)
    size = O * kh * kw
    begin, slot = np.empty(size, np.int64), np.empty(size, np.int64)
    weight = np.empty(size, data.dtype)
    # Summed here, column by column, and put in their slots at the end: in `gradient` neighbours
    # belong to other threads, which would pass its cache lines to and fro.
    low, high = t_indptr[start * kh * kw], t_indptr[stop * kh * kw]
    own = np.zeros(high - low, gradient.dtype)
    for iy in range(H):
        at = 0
        while at < W * K:
            ix, part = at // K, at % K
            m = _span_length(at, W, kw - 1 - padding, min(W, Wo - padding), stride, K)
            for c in range(start, stop):
                n = 0
                for offset in range(kh * kw):
                    # The output pixel that sees (iy, ix) at this offset of its kernel, if any.
                    oy, y_rest = divmod(iy + padding - offset // kw, stride)
                    ox, x_rest = divmod(ix + padding - offset % kw, stride)
                    if y_rest or x_rest or oy < 0 or oy >= Ho or ox < 0 or ox >= Wo:
                        continue
                    column = c * kh * kw + offset
                    for j in range(t_indptr[column], t_indptr[column + 1]):
                        begin[n] = ((t_indices[j] * Ho + oy) * Wo + ox) * K + part
                        slot[n], weight[n] = j - low, data[t_perm[j]]
                        n += 1
                span = slice(at, at + m)
                _add_both(weight, begin, slot, n, flat, x[c, iy, span], dx[c, iy, span], own)
            at += m
    for j in range(low, high):
        gradient[t_perm[j]] = own[j - low]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _add_both(weight, begin, slot, n, epsilon, x, acc, gradient):
    """acc = Σ_q weight[q] e_q, gradient[slot[q]] += e_q · x; e_q = epsilon[begin[q]:][:x.size]."""
    m = acc.size
    zero = acc.dtype.type(0)
    acc[:] = zero
    for q in range(0, n - 3, 4):
        w0, w1, w2, w3 = weight[q], weight[q + 1], weight[q + 2], weight[q + 3]
        e0, e1 = epsilon[begin[q] : begin[q] + m], epsilon[begin[q + 1] : begin[q + 1] + m]
        e2, e3 = epsilon[begin[q + 2] : begin[q + 2] + m], epsilon[begin[q + 3] : begin[q + 3] + m]
        g0, g1, g2, g3 = zero, zero, zero, zero
        for i in range(m):
            acc[i] += (w0 * e0[i] + w1 * e1[i]) + (w2 * e2[i] + w3 * e3[i])
            g0 += _passed(e0[i], x[i], zero)
            g1 += _passed(e1[i], x[i], zero)
            g2 += _passed(e2[i], x[i], zero)
            g3 += _passed(e3[i], x[i], zero)
        gradient[slot[q]] += g0
        gradient[slot[q + 1]] += g1
        gradient[slot[q + 2]] += g2
        gradient[slot[q + 3]] += g3
    for q in range(n - n % 4, n):
        w0, e0, g0 = weight[q], epsilon[begin[q] : begin[q] + m], zero
        for i in range(m):
            acc[i] += w0 * e0[i]
            g0 += _passed(e0[i], x[i], zero)
        gradient[slot[q]] += g0
