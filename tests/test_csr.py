"""CSRMatrix and MaskedMatrix: structure, rewiring, and that both do the same."""

import numpy as np
import pytest

from nsnn.csr import CSRMatrix, MaskedMatrix
from nsnn.errors import UserError
from nsnn.reference import rewiring as reference

SHAPES = [(1, 1), (1, 9), (9, 1), (4, 7), (13, 5)]


def draw(seed, shape, density=0.4):
    """Random positions and values; the first is 0, and active all the same."""
    rng = np.random.default_rng(seed)
    size = shape[0] * shape[1]
    positions = np.sort(rng.choice(size, round(density * size), replace=False))
    values = rng.uniform(0.5, 1.5, positions.size)
    values[:1] = 0
    return rng, positions, values


def check_structure(W, positions):
    """Both views are those of a mask of the positions."""
    none = np.empty(0, np.int64)
    columns, starts, _ = reference.rewire(W.shape, none, none > 0, positions)
    views = (W.indices, W.indptr, W.t_indices, W.t_indptr, W.t_perm)
    expected = (columns, starts, *reference.transpose(W.shape, positions))
    for found, wanted in zip(views, expected, strict=True):
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(W.positions(), positions)
    assert W.nnz == W.data.size == positions.size


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("density", [0.0, 0.4, 1.0])
def test_build_and_rewire(shape, density):
    """Against a mask and a dense array, both storages, many seeds and several rounds."""
    for seed in range(10):
        rng, positions, values = draw(seed, shape, density)
        W = CSRMatrix.from_positions(shape, positions, values)
        M = MaskedMatrix(shape, positions, values)
        check_structure(W, positions)
        assert W.positions().dtype == np.int64
        np.testing.assert_array_equal(W.to_dense().flat[positions], values)
        np.testing.assert_array_equal(W.to_dense(), M.data)
        for _ in range(3):
            old, dense = W.positions(), W.to_dense()
            keep = rng.random(W.nnz) < 0.6
            # Anything that is not kept may grow, the just dropped included.
            free = np.setdiff1d(np.arange(dense.size), old[keep])
            new = np.sort(rng.choice(free, int(rng.integers(free.size + 1)), replace=False))
            source = W.rewire(keep, new)
            np.testing.assert_array_equal(M.rewire(keep, new), source)
            np.testing.assert_array_equal(source, reference.rewire(shape, old, keep, new)[2])
            check_structure(W, np.union1d(old[keep], new))
            np.testing.assert_array_equal(M.positions(), W.positions())
            # Kept values stay where they were; grown ones are 0, and active.
            dense.reshape(-1)[np.setdiff1d(old, old[keep])] = 0.0
            np.testing.assert_array_equal(W.to_dense(), dense)
            np.testing.assert_array_equal(M.data, dense)
            np.testing.assert_array_equal(M.gather(M.data), W.data)
            assert M.nnz == W.nnz
            W.data[...] = rng.uniform(0.5, 1.5, W.nnz)
            M.data.reshape(-1)[M.positions()] = W.data


def test_values_are_copied_and_dtype_kept():
    values = np.array([1.0, 2.0], dtype=np.float32)
    for kind in (CSRMatrix.from_positions, MaskedMatrix):
        W = kind((2, 2), [0, 3], values)
        values[0] = 9.0
        assert W.gather(W.data).tolist() == [1.0, 2.0]
        assert W.data.dtype == np.float32
        W.rewire(np.array([True, False]), [1])
        assert W.data.dtype == np.float32
        values[0] = 1.0


def test_index_bytes():
    _, positions, values = draw(0, (13, 5))
    W = CSRMatrix.from_positions((13, 5), positions, values)
    assert W.index_bytes == 4 * (3 * W.nnz + 14 + 6)
    assert MaskedMatrix((13, 5), positions, values).index_bytes == 65


@pytest.mark.parametrize(("positions", "message"), [
    ([3, 1], "sorted"),
    ([1, 1], "unique"),
    ([-1, 2], "lie in"),
    ([2, 6], "lie in"),
    ([[1]], "di"),
])  # fmt: skip
def test_bad_positions(positions, message):
    for kind in (CSRMatrix.from_positions, MaskedMatrix):
        with pytest.raises(UserError, match=message):
            kind((2, 3), positions, np.ones(np.shape(positions)))
        W = kind((2, 3), [0], np.ones(1))
        with pytest.raises(UserError, match=message):
            W.rewire(np.array([True]), positions)


def test_growing_a_kept_position():
    for kind in (CSRMatrix.from_positions, MaskedMatrix):
        W = kind((2, 3), [0, 4], np.ones(2))
        with pytest.raises(UserError, match="exists only once"):
            W.rewire(np.array([True, False]), [0])


def test_number_of_values():
    with pytest.raises(UserError, match="2 positions"):
        CSRMatrix.from_positions((2, 3), [0, 1], np.ones(3))
