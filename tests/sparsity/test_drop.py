"""Dropping: exact counts, ties by index, against a sort in Python."""

import math

import numpy as np
import pytest

from nsnn.sparsity.drop import smallest_magnitude, smallest_per_sign


def expected(values, count):
    order = sorted(range(values.size), key=lambda i: (abs(values[i]), i))
    dropped = np.zeros(values.size, dtype=bool)
    dropped[order[:count]] = True
    return dropped


@pytest.mark.parametrize("seed", range(30))
def test_against_sort(seed):
    rng = np.random.default_rng(seed)
    # Few different magnitudes, so that most cuts fall among ties.
    values = rng.integers(-4, 5, size=int(rng.integers(0, 60))).astype(np.float32)
    for count in range(values.size + 1):
        np.testing.assert_array_equal(smallest_magnitude(values, count), expected(values, count))


@pytest.mark.parametrize("seed", range(30))
def test_each_sign_by_itself(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(-6, 4, size=int(rng.integers(0, 60))).astype(np.float32)
    for fraction in (0.0, 0.2, 0.3, 0.5, 1.0):
        wanted = np.zeros(values.size, dtype=bool)
        for sign in (np.flatnonzero(values >= 0), np.flatnonzero(values < 0)):
            wanted[sign] = expected(values[sign], math.floor(fraction * sign.size))
        np.testing.assert_array_equal(smallest_per_sign(values, fraction), wanted)


def test_a_zero_is_positive():
    values = np.array([0.0, -0.0, 1.0, 2.0, -1.0, -2.0])
    assert smallest_per_sign(values, 0.5).tolist() == [True, True, False, False, True, False]
