"""The running top-k against sorting everything at once."""

import numpy as np
import pytest

from nsnn.kernels.select import select_largest_update
from nsnn.reference import ndsnn as reference


def stream(values, k, excluded, block):
    score, position, count = np.zeros(k), np.zeros(k, np.int64), np.zeros(1, np.int64)
    for first in range(0, values.size, block):
        part = values[None, first : first + block]
        select_largest_update(part, first, values.size, excluded, score, position, count)
    order = np.lexsort((position[: count[0]], -score[: count[0]]))
    return position[order]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("block", [1, 7, 100])
def test_equals_a_full_sort(seed, block):
    rng = np.random.default_rng(seed)
    values = rng.integers(-5, 6, 90) / 4  # many ties
    excluded = np.flatnonzero(rng.random(90) < 0.3)
    k = int(rng.integers(0, 70))
    mask = np.isin(np.arange(90), excluded)
    found = stream(values, k, excluded, block)
    np.testing.assert_array_equal(found, reference.arg_grow(values, mask, k))


@pytest.mark.parametrize("seed", range(4))
def test_blocks_of_columns(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-9, 10, (7, 20)) / 4
    excluded = np.flatnonzero(rng.random(140) < 0.3)
    score, position, count = np.zeros(25), np.zeros(25, np.int64), np.zeros(1, np.int64)
    for first in (12, 0, 5):  # in any order
        last = {0: 5, 5: 12, 12: 20}[first]
        part = np.ascontiguousarray(matrix[:, first:last])
        select_largest_update(part, first, 20, excluded, score, position, count)
    order = np.lexsort((position, -score))
    mask = np.isin(np.arange(140), excluded)
    np.testing.assert_array_equal(position[order], reference.arg_grow(matrix, mask, 25))


def test_a_nan_is_never_chosen():
    values = np.array([np.nan, 1.0, np.nan, 3.0, 2.0])
    none = np.zeros(0, np.int64)
    np.testing.assert_array_equal(stream(values, 5, none, 2), [3, 4, 1])
    np.testing.assert_array_equal(stream(values, 2, none, 2), [3, 4])
