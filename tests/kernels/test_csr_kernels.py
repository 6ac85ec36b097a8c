"""CSR products against the equations on dense arrays."""

import numpy as np
import pytest

from nsnn.csr import CSRMatrix
from nsnn.kernels import csr as kernels
from nsnn.reference import linear as reference

CASES = [  # rows, cols, density, K
    (6, 9, 0.4, 11), (6, 9, 0.0, 11), (6, 9, 1.0, 11), (1, 1, 1.0, 1), (5, 7, 0.1, 1),
    (3, 40, 0.9, 8), (4, 6, 0.6, 5000),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("spikes", [False, True])
def test_products_equal_those_of_dense_matrices(case, spikes):
    rng = np.random.default_rng(5)
    rows, cols, density, K = case
    positions = np.flatnonzero(rng.random(rows * cols) < density)
    W = CSRMatrix.from_positions((rows, cols), positions, rng.normal(size=positions.size))
    dense = W.to_dense()
    s = rng.normal(size=(cols, K))
    if spikes:
        s = (s > 0).astype(np.uint8)
    epsilon = rng.normal(size=(rows, K))
    tolerance = {"rtol": 1e-12, "atol": 1e-12}

    out, bias = np.full((rows, K), np.nan), rng.normal(size=rows)
    kernels.csr_matmul(W.data, W.indices, W.indptr, bias, s, out, 0, rows)
    np.testing.assert_allclose(out, reference.current(dense, s, bias), **tolerance)

    expected = reference.weight_gradient(epsilon, s).ravel()[W.positions()]
    gradient = np.full(W.nnz, np.nan)
    kernels.csr_gradient(W.indices, W.indptr, epsilon, s, gradient, 0, rows)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-11)

    ds, gradient = np.full((cols, K), np.nan), np.full(W.nnz, np.nan)
    view = (W.data, W.t_indices, W.t_indptr, W.t_perm)
    kernels.csr_backward(*view, epsilon, s, ds, gradient, 0, cols)
    np.testing.assert_allclose(ds, reference.input_gradient(dense, epsilon), **tolerance)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-11)


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
