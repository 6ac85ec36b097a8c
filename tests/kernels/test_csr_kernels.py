"""CSR products add up in the type of their arrays."""

import numpy as np
import pytest

from nsnn.csr import CSRMatrix
from nsnn.kernels import csr as kernels

# The products at every density and length of run: tests/layers/test_linear.py.


def test_sums_over_synapses_stay_float32():
    """2⁻²⁵ - 1 is -1 in float32: promoted products or sums would leave 2⁻²⁵ of these four."""
    values, ones = np.array([1, 0, 2**-25, -1], np.float32), np.ones((4, 5), np.uint8)
    W = CSRMatrix.from_positions((1, 4), range(4), values)
    out, none = np.full((1, 5), np.nan, np.float32), np.zeros(1, np.float32)
    kernels.csr_matmul(W.data, W.indices, W.indptr, none, ones, out, 0, 1)
    np.testing.assert_array_equal(out, 0)

    W = CSRMatrix.from_positions((4, 1), range(4), values)
    ds, gradient = np.full((1, 5), np.nan, np.float32), np.full(4, np.nan, np.float32)
    view = (W.data, W.t_indices, W.t_indptr, W.t_perm)
    kernels.csr_backward(*view, np.ones((4, 5), np.float32), ones[:1], ds, gradient, 0, 1)
    np.testing.assert_array_equal(ds, 0)


@pytest.mark.parametrize("spikes", [False, True])
def test_sums_over_time_stay_float32(spikes):
    """2,000 terms, one run: summed in float64 and rounded once, every row would be exact."""
    epsilon = np.random.default_rng(8).random((20, 2_000)).astype(np.float32)
    s = np.ones((1, 2_000), np.uint8 if spikes else np.float32)
    exact = epsilon.sum(axis=1, dtype=np.float64).astype(np.float32)
    W = CSRMatrix.from_positions((20, 1), range(20), np.ones(20, np.float32))
    gradient, ds = np.zeros(20, np.float32), np.zeros((1, 2_000), np.float32)

    def assert_float32():
        np.testing.assert_allclose(gradient, exact, rtol=1e-5)
        assert (gradient != exact).any()

    kernels.csr_gradient(W.indices, W.indptr, epsilon, s, gradient, 0, 20)
    assert_float32()
    view = (W.data, W.t_indices, W.t_indptr, W.t_perm)
    kernels.csr_backward(*view, epsilon, s, ds, gradient, 0, 1)
    assert_float32()
