"""CSR products against their NumPy twins and against the dense product."""

import re

import numpy as np
import pytest
from numba import njit

from nsnn.csr import CSRMatrix
from nsnn.kernels import csr as kernels
from nsnn.reference import csr as reference

CASES = [  # rows, cols, density, K
    (6, 9, 0.4, 11), (6, 9, 0.0, 11), (6, 9, 1.0, 11), (1, 1, 1.0, 1), (5, 7, 0.1, 1),
    (3, 40, 0.9, 8), (4, 6, 0.6, 5000),
]  # fmt: skip


def matrix(rows, cols, density, rng):
    positions = np.flatnonzero(rng.random(rows * cols) < density)
    return CSRMatrix.from_positions((rows, cols), positions, rng.normal(size=positions.size))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("spikes", [False, True])
def test_products_equal_their_twins_and_the_dense_ones(case, spikes):
    rng = np.random.default_rng(5)
    rows, cols, density, K = case
    W = matrix(rows, cols, density, rng)
    x = rng.normal(size=(cols, K))
    if spikes:
        x = (x > 0).astype(np.uint8)
    epsilon = rng.normal(size=(rows, K))
    dense = W.to_dense()
    tolerance = {"rtol": 1e-12, "atol": 1e-12}

    out, bias = np.full((rows, K), np.nan), rng.normal(size=rows)
    kernels.csr_matmul(W.data, W.indices, W.indptr, bias, x, out, 0, rows)
    np.testing.assert_allclose(out, dense @ x + bias[:, None], **tolerance)
    twin = reference.csr_matmul(W.data, W.indices, W.indptr, bias, x)
    np.testing.assert_allclose(out, twin, **tolerance)

    gradient = np.full(W.nnz, np.nan)
    kernels.csr_gradient(W.indices, W.indptr, epsilon, x, gradient, 0, rows)
    expected = (epsilon @ x.T.astype(float)).reshape(-1)[W.positions()]
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-11)
    twin = reference.csr_gradient(W.indices, W.indptr, epsilon, x)
    np.testing.assert_allclose(gradient, twin, rtol=1e-12, atol=1e-11)

    dx, gradient = np.full((cols, K), np.nan), np.full(W.nnz, np.nan)
    view = (W.data, W.t_indices, W.t_indptr, W.t_perm)
    kernels.csr_backward(*view, epsilon, x, dx, gradient, 0, cols)
    np.testing.assert_allclose(dx, dense.T @ epsilon, **tolerance)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-11)
    twin_dx, twin_gradient = reference.csr_backward(*view, epsilon, x)
    np.testing.assert_allclose(dx, twin_dx, **tolerance)
    np.testing.assert_allclose(gradient, twin_gradient, rtol=1e-12, atol=1e-11)


def test_float32_stays_float32():
    """A tie-rich product: sums of eighths are exact in float32, so equality is exact."""
    rng = np.random.default_rng(6)
    W = matrix(8, 12, 0.5, rng)
    W.data = (rng.integers(-8, 8, W.nnz) / 8).astype(np.float32)
    x = rng.integers(0, 2, (12, 30)).astype(np.uint8)
    out = np.zeros((8, 30), np.float32)
    kernels.csr_matmul(W.data, W.indices, W.indptr, np.zeros(8, np.float32), x, out, 0, 8)
    np.testing.assert_array_equal(out, W.to_dense() @ x.astype(np.float32))


@pytest.mark.parametrize("name", ["csr_matmul", "csr_backward", "csr_gradient"])
def test_no_float64_arithmetic_in_float32_kernels(name):
    """The compiled float32 versions hold no multiplication of doubles."""
    f, i, u = np.zeros((2, 4), np.float32), np.zeros(3, np.int32), np.zeros((2, 4), np.uint8)
    data = np.zeros(0, np.float32)
    none = np.zeros(0, np.int32)
    # Compiled anew: a kernel from the cache does not show its code.
    kernel = njit(error_model="numpy")(getattr(kernels, name).py_func)
    arguments = {
        "csr_matmul": (data, none, i, f[0], u, f),
        "csr_backward": (data, none, i, none, f, u, f, data),
        "csr_gradient": (none, i, f, u, data),
    }[name]
    kernel(*arguments, 0, 2)
    (code,) = kernel.inspect_llvm().values()
    assert "float" in code
    for operation in ("fmul", "fadd"):
        assert not re.search(rf"{operation} [a-z ]*double", code)
