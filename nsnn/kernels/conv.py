"""The three products of a sparse convolution, by implicit im2col.

The weight is the CSR matrix `(out, in·kh·kw)`. A column of it names an input channel and an offset
(dy, dx) in the kernel, so im2col is an offset per synapse and no patch is ever copied. Images are
`(channels, height, width·K)`, K = T·B: with stride 1 one synapse meets one image row in one
contiguous vector operation; the run is clipped where the kernel reaches over the border.
"""

from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def _run(dx, stride, padding, width, width_out):
    """Output pixels [first, last) whose input pixel ox·stride + dx - padding is in the image."""
    first = max(0, (padding - dx + stride - 1) // stride)
    last = min(width_out, (width - 1 + padding - dx) // stride + 1)
    return first, max(first, last)


@njit(cache=True, nogil=True, error_model="numpy")
def conv_csr_matmul(data, indices, indptr, x, kh, kw, stride, padding, K, out, start, stop):
    """out (O, Ho, Wo·K) = W * x for x (C, H, W·K); owns the output channels `start:stop`."""
    H, W = x.shape[1], x.shape[2] // K
    Ho, Wo = out.shape[1], out.shape[2] // K
    for o in range(start, stop):
        for oy in range(Ho):
            acc = out[o, oy]
            acc[:] = 0
            for j in range(indptr[o], indptr[o + 1]):
                c, offset = divmod(indices[j], kh * kw)
                dy, dx = divmod(offset, kw)
                iy = oy * stride + dy - padding
                if iy < 0 or iy >= H:
                    continue
                first, last = _run(dx, stride, padding, W, Wo)
                w, row = data[j], x[c, iy]
                if stride == 1:
                    source = row[(first + dx - padding) * K : (last + dx - padding) * K]
                    target = acc[first * K : last * K]
                    for i in range(target.shape[0]):
                        target[i] += w * source[i]
                else:
                    for ox in range(first, last):
                        ix = ox * stride + dx - padding
                        source, target = row[ix * K : (ix + 1) * K], acc[ox * K : (ox + 1) * K]
                        for i in range(K):
                            target[i] += w * source[i]


@njit(cache=True, nogil=True, error_model="numpy")
def conv_csr_transposed_matmul(
    data, t_indices, t_indptr, t_perm, epsilon, kh, kw, stride, padding, K, out, start, stop
):
    """out (C, H, W·K) = dL/dx from epsilon (O, Ho, Wo·K); owns the channels `start:stop`.

    Walks the transposed view of the weight; no second, flipped matrix. Source: NDSNN Eq. 2a,
    corrected (the paper omits the transpose).
    """
    H, W = out.shape[1], out.shape[2] // K
    Ho, Wo = epsilon.shape[1], epsilon.shape[2] // K
    for c in range(start, stop):
        for iy in range(H):
            acc = out[c, iy]
            acc[:] = 0
            for offset in range(kh * kw):
                dy, dx = divmod(offset, kw)
                oy, remainder = divmod(iy + padding - dy, stride)
                if remainder != 0 or oy < 0 or oy >= Ho:
                    continue
                first, last = _run(dx, stride, padding, W, Wo)
                column = c * kh * kw + offset
                for j in range(t_indptr[column], t_indptr[column + 1]):
                    w, row = data[t_perm[j]], epsilon[t_indices[j], oy]
                    if stride == 1:
                        source = row[first * K : last * K]
                        target = acc[(first + dx - padding) * K : (last + dx - padding) * K]
                        for i in range(source.shape[0]):
                            target[i] += w * source[i]
                    else:
                        for ox in range(first, last):
                            ix = ox * stride + dx - padding
                            source, target = row[ox * K : (ox + 1) * K], acc[ix * K : (ix + 1) * K]
                            for i in range(K):
                                target[i] += w * source[i]


# A sum of products vectorises only if its terms may be reordered; infinities stay respected.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def conv_csr_gradient(
    indices, indptr, epsilon, x, kh, kw, stride, padding, K, gradient, start, stop
):
    """gradient (nnz,) at the stored positions only; epsilon (O, Ho, Wo·K), x (C, H, W·K).

    Each image row is summed in the arrays' own type, the rows in float64. Source: NDSNN Eq. 2c.
    """
    H, W = x.shape[1], x.shape[2] // K
    Ho, Wo = epsilon.shape[1], epsilon.shape[2] // K
    zero = gradient.dtype.type(0)
    for o in range(start, stop):
        for j in range(indptr[o], indptr[o + 1]):
            c, offset = divmod(indices[j], kh * kw)
            dy, dx = divmod(offset, kw)
            first, last = _run(dx, stride, padding, W, Wo)
            total = 0.0
            for oy in range(Ho):
                iy = oy * stride + dy - padding
                if iy < 0 or iy >= H:
                    continue
                e_row, x_row = epsilon[o, oy], x[c, iy]
                if stride == 1:
                    e = e_row[first * K : last * K]
                    source = x_row[(first + dx - padding) * K : (last + dx - padding) * K]
                    g = zero
                    for i in range(e.shape[0]):
                        g += e[i] * source[i]
                    total += g
                else:
                    for ox in range(first, last):
                        ix = ox * stride + dx - padding
                        e, source = e_row[ox * K : (ox + 1) * K], x_row[ix * K : (ix + 1) * K]
                        g = zero
                        for i in range(K):
                            g += e[i] * source[i]
                        total += g
            gradient[j] = total
