"""Rewiring compressed rows and their transposed view, against a dense mask."""

import numpy as np
import pytest

from nsnn.csr import CSRMatrix
from nsnn.kernels import topology
from nsnn.reference import rewiring as reference

SHAPES = [(1, 1), (1, 9), (9, 1), (4, 7), (13, 5)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("density", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("stays", [0.0, 0.6, 1.0])
def test_rewiring_and_transposing_equal_those_of_a_mask(shape, density, stays):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        size = shape[0] * shape[1]
        active = np.flatnonzero(rng.random(size) < density)
        keep = rng.random(active.size) < stays
        free = np.setdiff1d(np.arange(size), active[keep])
        new = free[rng.random(free.size) < 0.5]
        W = CSRMatrix.from_positions(shape, active, np.zeros(active.size))

        count = np.count_nonzero(keep) + new.size
        merged, source = np.full(count, -7, np.int32), np.full(count, -7)
        starts = np.full(shape[0] + 1, -7, np.int32)
        topology.csr_rewire(W.indices, W.indptr, keep, new, shape[1], merged, starts, source)
        expected = reference.rewire(shape, active, keep, new)
        np.testing.assert_equal((merged, starts, source), expected)

        rows, slots = np.full(count, -7, np.int32), np.full(count, -7, np.int32)
        columns = np.full(shape[1] + 1, -7, np.int32)
        topology.csr_transpose(merged, starts, rows, columns, slots)
        expected = reference.transpose(shape, np.union1d(active[keep], new))
        np.testing.assert_equal((rows, columns, slots), expected)
