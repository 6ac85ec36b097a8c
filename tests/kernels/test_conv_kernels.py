"""Sparse convolution and im2col kernels: equal to explicit im2col."""

import numpy as np
import pytest

from nsnn.csr import CSRMatrix
from nsnn.kernels import conv as kernels
from nsnn.kernels import im2col as patches
from nsnn.reference import conv as reference

CASES = [  # C, O, H, W, kernel, stride, padding, K, density
    (3, 4, 6, 5, 3, 1, 1, 4, 0.3), (3, 4, 6, 5, 3, 2, 1, 4, 0.3), (2, 3, 7, 7, 5, 1, 0, 3, 0.5),
    (1, 1, 1, 1, 1, 1, 0, 1, 1.0), (2, 5, 5, 8, 1, 2, 0, 2, 0.6), (2, 3, 4, 4, 3, 1, 1, 2, 0.0),
    (2, 3, 4, 4, 3, 1, 1, 2, 1.0), (2, 2, 3, 3, 5, 1, 2, 2, 0.7), (2, 2, 5, 4, 3, 3, 2, 1, 0.8),
    (2, 2, 2, 2, 5, 1, 2, 2, 0.9),
    # Runs of several pixels, of a piece of one, and 4 pixels and a rest.
    (2, 3, 4, 9, 3, 1, 1, 300, 0.5), (2, 2, 3, 4, 3, 1, 1, 2500, 0.5),
    (1, 2, 3, 8, 3, 2, 1, 700, 1.0),
]  # fmt: skip


def problem(case, spikes):
    C, O, H, W, k, stride, padding, K, density = case
    rng = np.random.default_rng(7)
    positions = np.flatnonzero(rng.random(O * C * k * k) < density)
    weight = CSRMatrix.from_positions((O, C * k * k), positions, rng.normal(size=positions.size))
    x = rng.normal(size=(C, H, W, K))
    if spikes:
        x = (x > 0).astype(np.uint8)
    Ho = reference.output_size(H, k, stride, padding)
    Wo = reference.output_size(W, k, stride, padding)
    epsilon = rng.normal(size=(O, Ho, Wo, K))
    return weight, x, epsilon, (k, k, stride, padding), K


def rows(image):
    return image.reshape(*image.shape[:2], -1)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("spikes", [False, True])
def test_implicit_equals_explicit_im2col(case, spikes):
    W, x, epsilon, geometry, K = problem(case, spikes)
    dense = W.to_dense()

    out, bias = np.full(epsilon.shape, np.nan), np.linspace(-1, 1, epsilon.shape[0])
    kernels.conv_csr_matmul(
        W.data, W.indices, W.indptr, bias, rows(x), *geometry, K, rows(out), 0, out.shape[0]
    )
    expected = reference.conv_current(dense, x, bias, *geometry)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)

    expected = reference.conv_weight_gradient(epsilon, x, *geometry).ravel()[W.positions()]
    gradient = np.full(W.nnz, np.nan)
    kernels.conv_csr_gradient(
        W.indices, W.indptr, rows(epsilon), rows(x), *geometry, K, gradient, 0, out.shape[0]
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-11)

    dx, gradient = np.full(x.shape, np.nan), np.full(W.nnz, np.nan)
    view = (W.data, W.t_indices, W.t_indptr, W.t_perm)
    kernels.conv_csr_backward(
        *view, rows(epsilon), rows(x), *geometry, K, rows(dx), gradient, 0, x.shape[0]
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-11)
    expected = reference.conv_input_gradient(dense, epsilon, x.shape, *geometry)
    np.testing.assert_allclose(dx, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("band", [1, 2, 100])
def test_im2col_and_col2im_equal_the_explicit_ones_in_bands(case, band):
    _, x, epsilon, geometry, K = problem(case, False)
    C, patch = x.shape[0], x.shape[0] * geometry[0] * geometry[1]
    Ho, Wo = epsilon.shape[1:3]
    expected = reference.im2col(x, *geometry)
    columns = np.random.default_rng(8).normal(size=expected.shape)
    image = np.zeros(x.shape)
    for first in range(0, Ho, band):
        last = min(Ho, first + band)
        part = np.full((patch, last - first, Wo * K), np.nan)
        patches.im2col(rows(x), *geometry, K, first, part, 0, patch)
        np.testing.assert_array_equal(part, rows(expected[:, first:last]))
        part = np.ascontiguousarray(rows(columns[:, first:last]))
        patches.col2im(part, *geometry, K, first, rows(image), 0, C)
    expected = reference.col2im(columns, x.shape, *geometry)
    np.testing.assert_allclose(image, expected, rtol=1e-12, atol=1e-12)
