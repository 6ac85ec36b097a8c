"""im2col and col2im, a band of rows at a time, against those of whole images."""

import numpy as np
import pytest

from nsnn.kernels import im2col as patches
from nsnn.reference import conv as reference

# C, H, W, kernel, stride, padding, K; the sparse kernels: tests/layers/test_conv.py.
CASES = [
    (3, 6, 5, 3, 1, 1, 4), (3, 6, 5, 3, 2, 1, 4), (2, 7, 7, 5, 1, 0, 3), (1, 1, 1, 1, 1, 0, 1),
    (2, 5, 8, 1, 2, 0, 2), (2, 3, 3, 5, 1, 2, 2), (2, 5, 4, 3, 3, 2, 1), (2, 2, 2, 5, 1, 2, 2),
]  # fmt: skip


def rows(image):
    return image.reshape(*image.shape[:2], -1)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("band", [1, 2, 100])
def test_im2col_and_col2im_equal_the_explicit_ones_in_bands(case, band):
    C, H, W, k, stride, padding, K = case
    x, geometry = np.random.default_rng(7).normal(size=(C, H, W, K)), (k, k, stride, padding)
    Ho, Wo = (reference.output_size(side, k, stride, padding) for side in (H, W))
    patch = C * k * k
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
