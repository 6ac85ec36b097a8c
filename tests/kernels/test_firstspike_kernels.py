"""First-spike kernels against Eqs. 3-6, silent neurons and negative weights included."""

import numpy as np
import pytest

from nsnn.csr import CSRMatrix
from nsnn.kernels import firstspike as kernels
from nsnn.reference import firstspike as reference


def draw(seed, density=0.6, inputs=11, outputs=9, B=7, ties=False):
    """Weights of both signs; a neuron that cannot fire, one without synapses, a silent input."""
    rng = np.random.default_rng([90, seed])
    W = rng.normal(0.35, 0.6, (outputs, inputs))
    W[rng.random(W.shape) >= density] = 0
    W[0] = -np.abs(W[0])
    W[1] = 0
    z = (
        np.where(rng.random((inputs, B)) < 0.5, 1.0, 6.0)
        if ties
        else np.exp(rng.random((inputs, B)))
    )
    z[3, ::2] = np.inf
    return W, z, rng


def layer(W, z, dense):
    """z_out and margin of the kernels."""
    order = np.argsort(z.T, axis=1, kind="stable").astype(np.int32)
    z_out, margin = np.empty((2, W.shape[0], z.shape[1]), z.dtype)
    if dense:
        common = (order, z, z_out, margin, 0, z.shape[1])
        kernels.first_spikes_dense(np.ascontiguousarray(W.T), *common)
    else:
        M = CSRMatrix.from_positions(W.shape, np.flatnonzero(W), W[W != 0])
        by_column = (M.data[M.t_perm], M.t_indices, M.t_indptr)
        kernels.first_spikes(*by_column, order, z, z_out, margin, 0, z.shape[1])
    return z_out, margin


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("density", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(6))
def test_spike_times(seed, density, ties, dense):
    W, z, _ = draw(seed, density, ties=ties)
    z_out, margin = layer(W, z, dense)
    wanted = reference.spike_times(W, z)
    np.testing.assert_allclose(z_out, wanted, rtol=1e-12)
    causal = reference.causal(z, wanted)
    sums = np.einsum("oi,oib->ob", W, causal)
    fired = np.isfinite(wanted)
    np.testing.assert_allclose(margin, np.where(fired, sums - 1, 0), rtol=1e-9, atol=1e-12)
    M = CSRMatrix.from_positions(W.shape, np.flatnonzero(W), W[W != 0])
    pairs = np.zeros(W.shape[0], np.int64)
    kernels.causal_pairs(M.indices, M.indptr, z, wanted, pairs, 0, W.shape[0])
    np.testing.assert_array_equal(pairs, ((W != 0)[:, :, None] & causal).sum(axis=(1, 2)))
    if density:
        assert fired.any()
        assert not fired[:2].any()


def test_the_membrane_crosses_the_threshold_there_and_not_before():
    """Eq. 3 itself: V(t) < 1 before ln z_j and 1 at it."""
    W, z, _ = draw(1)
    t_in = np.log(z)
    for j, b in zip(*np.nonzero(np.isfinite(reference.spike_times(W, z))), strict=True):
        t = np.log(reference.spike_time(W[j], z[:, b]))
        before = np.linspace(0, t, 400)[:-1]
        assert reference.potential(t, W[j], t_in[:, b]) == pytest.approx(1, abs=1e-9)
        assert max(reference.potential(s, W[j], t_in[:, b]) for s in before) < 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("B", [1, 7, 40])
@pytest.mark.parametrize("seed", range(3))
def test_gradients(seed, B, dtype):
    W, z, rng = draw(seed, B=B)
    z_out = reference.spike_times(W, z)
    dz = rng.normal(size=z_out.shape)
    slope = reference.slope(dz, W, z, z_out)
    M = CSRMatrix.from_positions(W.shape, np.flatnonzero(W), W[W != 0])
    finite = np.where(np.isfinite(z_out), z_out, 0)
    args = [array.astype(dtype) for array in (z, finite, slope)]
    sparse, full = np.empty(M.nnz, dtype), np.empty(W.shape, dtype)
    kernels.first_spike_gradient(M.indices, M.indptr, *args, sparse, 0, W.shape[0])
    kernels.first_spike_gradient_dense(*args, full, 0, W.shape[0])
    d_in = np.empty(z.shape, dtype)
    by_column = (M.data[M.t_perm].astype(dtype), M.t_indices, M.t_indptr)
    kernels.first_spike_input_gradient(*by_column, *args, d_in, 0, z.shape[0])
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    wanted = reference.weight_gradient(dz, W, z, z_out)
    np.testing.assert_allclose(full, wanted, rtol=tolerance, atol=10 * tolerance)
    np.testing.assert_allclose(sparse, wanted[W != 0], rtol=tolerance, atol=10 * tolerance)
    wanted = reference.input_gradient(dz, W, z, z_out)
    np.testing.assert_allclose(d_in, wanted, rtol=tolerance, atol=10 * tolerance)


def test_the_sum_of_weights_at_the_threshold():
    """Σw = 1 never fires; barely above, z is large but finite."""
    z = np.array([[1.0], [2.0]])
    for extra, fires in ((0.0, False), (1e-9, False), (1e-3, True)):
        z_out, margin = layer(np.array([[0.5, 0.5 + extra]]), z, dense=False)
        assert np.isfinite(z_out[0, 0]) == fires
        assert (margin[0, 0] > 0) == fires
