"""The count of a weight's uses against explicit patches."""

import numpy as np
import pytest

from nsnn.kernels import count
from nsnn.reference import conv as reference

# kernel's height and width, stride, padding
GEOMETRIES = [(1, 1, 1, 0), (3, 3, 1, 1), (3, 3, 2, 1), (3, 2, 2, 0), (5, 5, 3, 2)]


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("spikes", [False, True])
def test_column_uses_equal_those_of_patches(geometry, spikes):
    rng = np.random.default_rng(3)
    kh, kw, stride, padding = geometry
    x = rng.normal(size=(4, 7, 6, 5)) * (rng.random((4, 7, 6, 5)) < 0.3)
    if spikes:
        x = (x != 0).astype(np.uint8)
    Ho, Wo = (7 + 2 * padding - kh) // stride + 1, (6 + 2 * padding - kw) // stride + 1
    uses = np.full(4 * kh * kw, -1)
    count.column_uses(x, *geometry, Ho, Wo, uses, 1, 3)
    assert (uses.reshape(4, -1)[[0, 3]] == -1).all()  # owned by others
    for span in ((0, 1), (3, 4)):
        count.column_uses(x, *geometry, Ho, Wo, uses, *span)
    np.testing.assert_array_equal(reference.column_uses(x, *geometry), uses)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_row_uses_equal_those_of_patches(geometry):
    """A walk along every synapse: tests/test_operations.py."""
    rng = np.random.default_rng(4)
    kh, kw, stride, padding = geometry
    Ho, Wo = (7 + 2 * padding - kh) // stride + 1, (6 + 2 * padding - kw) // stride + 1
    epsilon = rng.normal(size=(4, Ho, Wo, 5)) * (rng.random((4, Ho, Wo, 5)) < 0.6)
    uses = np.full((4, kh * kw), -1)
    count.row_uses(epsilon, *geometry, 7, 6, uses, 1, 3)
    assert (uses[[0, 3]] == -1).all()  # owned by others
    for span in ((0, 1), (3, 4)):
        count.row_uses(epsilon, *geometry, 7, 6, uses, *span)
    np.testing.assert_array_equal(reference.row_uses(epsilon, (3, 7, 6, 5), *geometry), uses)
