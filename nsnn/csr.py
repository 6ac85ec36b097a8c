"""Sparse weight matrices: compressed sparse rows with a transposed view, and a masked twin."""

import numpy as np

from nsnn.errors import UserError
from nsnn.kernels.topology import csr_rewire, csr_transpose

TWICE = "a new position is among those that are kept: a synapse exists only once"


def _checked_positions(positions, size: int) -> np.ndarray:
    """`positions` as int64, verified to be sorted, unique and inside `[0, size)`."""
    positions = np.asarray(positions, dtype=np.int64)
    if positions.ndim != 1:
        raise UserError(f"positions must be one-dimensional, not {positions.ndim}-dimensional")
    if positions.size and (positions[0] < 0 or positions[-1] >= size):
        raise UserError(f"positions must lie in [0, {size}), got {positions[0]}..{positions[-1]}")
    if np.any(np.diff(positions) <= 0):
        raise UserError("positions must be sorted and unique")
    return positions


def _checked_keep(keep, nnz: int) -> np.ndarray:
    """`keep`, verified to be a bool for each active synapse."""
    keep = np.asarray(keep)
    if keep.dtype != bool or keep.shape != (nnz,):
        raise UserError(
            f"keep must be bool of shape {(nnz,)}, one for each active synapse, not "
            f"{keep.dtype} of shape {keep.shape}"
        )
    return keep


def follow(array: np.ndarray, source: np.ndarray, new=0) -> np.ndarray:
    """Carry a per-synapse array through a rewiring: old values move, new synapses get `new`.

    Parameters
    ----------
    array : ndarray, shape (old nnz,)
    source : ndarray of int64, shape (new nnz,)
        The map that `CSRMatrix.rewire` returned.
    new : number or ndarray, shape (grown,)
        In the order of the new positions.
    """
    if not array.size:
        return np.full(source.size, new, dtype=array.dtype)
    moved = np.take(array, source, mode="wrap")  # any, where there is none
    moved[source < 0] = new
    return moved


class CSRMatrix:
    """A sparse matrix `(rows, cols)` in compressed rows, with its transposed view.

    A stored entry is an *active* synapse, also when its value is 0: a weight that has just grown
    starts at 0 and is active. The transposed view lists the same entries column by column; it
    holds no values, but for each entry the slot `perm` of its value in `data`.

    Attributes
    ----------
    shape : tuple of int
        (rows, cols); for a convolution (out, in·kh·kw).
    data : ndarray of float, shape (nnz,)
        Values, row by row, by rising column within a row.
    indices : ndarray of int32, shape (nnz,)
        Column of each entry.
    indptr : ndarray of int32, shape (rows + 1,)
        Row r is the slice `indptr[r]:indptr[r + 1]`.
    t_indices : ndarray of int32, shape (nnz,)
        Row of each entry, column by column.
    t_indptr : ndarray of int32, shape (cols + 1,)
        Column c is the slice `t_indptr[c]:t_indptr[c + 1]` of `t_indices` and `t_perm`.
    t_perm : ndarray of int32, shape (nnz,)
        Slot in `data` of each entry of the transposed view.

    Notes
    -----
    With a gradient and a momentum in float32 a synapse costs 24 bytes: three values, its column,
    its row in the transposed view and its slot.

    Examples
    --------
    >>> import numpy as np
    >>> W = CSRMatrix.from_positions((2, 3), [0, 4], np.array([1.0, 2.0]))
    >>> W.to_dense()
    array([[1., 0., 0.],
           [0., 2., 0.]])
    >>> W.rewire(keep=np.array([False, True]), new_positions=[2])  # position 0 -> position 2
    array([-1,  1])
    >>> W.to_dense()
    array([[0., 0., 0.],
           [0., 2., 0.]])
    >>> W.positions()
    array([2, 4])
    """

    def __init__(self, shape, data, indices, indptr):
        self.shape = (int(shape[0]), int(shape[1]))
        self.data = data
        self.indices = indices
        self.indptr = indptr
        self._index_columns()

    @classmethod
    def from_positions(cls, shape, positions, values) -> "CSRMatrix":
        """Build from flat positions `row · cols + col`, sorted and unique, and their values."""
        rows, cols = shape
        positions = _checked_positions(positions, rows * cols)
        if np.shape(values) != positions.shape:
            raise UserError(f"{positions.size} positions, but values of shape {np.shape(values)}")
        row, col = np.divmod(positions, cols)
        indptr = np.zeros(rows + 1, dtype=np.int32)
        np.cumsum(np.bincount(row, minlength=rows), out=indptr[1:])
        return cls(shape, np.array(values), col.astype(np.int32), indptr)

    @property
    def nnz(self) -> int:
        """Number of active synapses."""
        return self.indices.size

    @property
    def index_bytes(self) -> int:
        """Bytes of all index arrays, the transposed view included."""
        arrays = (self.indices, self.indptr, self.t_indices, self.t_indptr, self.t_perm)
        return sum(array.nbytes for array in arrays)

    def positions(self) -> np.ndarray:
        """Flat positions `row · cols + col` of the active synapses, sorted; int64, shape (nnz,)."""
        return self.rows() * self.shape[1] + self.indices

    def rows(self) -> np.ndarray:
        """Row of each active synapse, in the order of `positions`; int64, shape (nnz,)."""
        return np.repeat(np.arange(self.shape[0], dtype=np.int64), np.diff(self.indptr))

    def gather(self, array) -> np.ndarray:
        """The active entries (nnz,) of an array that is stored like `data`: the array itself."""
        return array

    def scatter(self, values) -> np.ndarray:
        """The inverse of `gather`: a new array stored like `data`."""
        return np.array(values)

    def by_offset(self, offsets: int) -> np.ndarray:
        """Synapses of each row by column modulo `offsets`, in a convolution by place in the kernel.

        int64 (rows, offsets), kept until the topology changes.
        """
        if self._by_offset is None or self._by_offset.shape[1] != offsets:
            place = self.rows() * offsets + self.indices % offsets
            found = np.bincount(place, minlength=self.shape[0] * offsets)
            self._by_offset = found.reshape(-1, offsets)
        return self._by_offset

    def to_dense(self) -> np.ndarray:
        """The matrix as an ndarray of shape `shape`."""
        dense = np.zeros(self.shape, dtype=self.data.dtype)
        dense.reshape(-1)[self.positions()] = self.data
        return dense

    def rewire(self, keep, new_positions, values=0) -> np.ndarray:
        """Change the topology: drop what is not kept, grow the new positions.

        Parameters
        ----------
        keep : ndarray of bool, shape (nnz,)
        new_positions : ndarray of int64, shape (grown,)
            Sorted, unique, none of them kept. One dropped by the same call is a new synapse.
        values : number or ndarray of float, shape (grown,)
            Initial values of the new synapses.

        Returns
        -------
        source : ndarray of int64, shape (new nnz,)
            Old slot of each synapse, -1 for a grown one; see `follow`.

        Notes
        -----
        The only way a topology changes. A merge of two sorted lists, then a counting sort for the
        transposed view: O(nnz + rows + cols) time.
        """
        keep, cols = _checked_keep(keep, self.nnz), self.shape[1]
        new_positions = _checked_positions(new_positions, self.shape[0] * cols)
        count = np.count_nonzero(keep) + new_positions.size
        merged, source = np.empty(count, np.int32), np.empty(count, np.int64)
        starts = np.empty_like(self.indptr)
        csr_rewire(self.indices, self.indptr, keep, new_positions, cols, merged, starts, source)
        grown = np.flatnonzero(source < 0)
        after = grown[grown > starts[new_positions // cols]]  # of another synapse in the row
        if np.any(merged[after] == merged[after - 1]):
            raise UserError(TWICE)
        self.data = follow(self.data, source, values)
        self.indices, self.indptr = merged, starts
        self._index_columns()
        return source

    def _index_columns(self) -> None:
        """Build the transposed view from `indices` and `indptr`."""
        self._by_offset = None
        self.t_indices, self.t_perm = np.empty_like(self.indices), np.empty_like(self.indices)
        self.t_indptr = np.empty(self.shape[1] + 1, np.int32)
        csr_transpose(self.indices, self.indptr, self.t_indices, self.t_indptr, self.t_perm)


class MaskedMatrix:
    """A dense matrix of which only some positions are active: the twin of `CSRMatrix`.

    It stores every zero and multiplies by it, as mask-based code does. It is here to compare with:
    the same topology, the same training, none of the savings.

    Attributes
    ----------
    data : ndarray of float, shape (rows, cols)
        Zero wherever `mask` is False.
    mask : ndarray of bool, shape (rows, cols)
    """

    def __init__(self, shape, positions, values):
        self.shape = (int(shape[0]), int(shape[1]))
        self.mask = np.zeros(self.shape, dtype=bool)
        self.mask.reshape(-1)[_checked_positions(positions, self.mask.size)] = True
        self.data = self.scatter(values)

    @property
    def nnz(self) -> int:
        """Number of active synapses."""
        return int(np.count_nonzero(self.mask))

    @property
    def index_bytes(self) -> int:
        """Bytes of the mask."""
        return self.mask.nbytes

    def positions(self) -> np.ndarray:
        """Flat positions of the active synapses, sorted; int64, shape (nnz,)."""
        return np.flatnonzero(self.mask)

    def gather(self, array) -> np.ndarray:
        """The active entries (nnz,) of an array that is stored like `data`, a copy."""
        return array.reshape(-1)[self.positions()]

    def scatter(self, values) -> np.ndarray:
        """The inverse of `gather`: a new array stored like `data`, 0 where inactive."""
        values = np.asarray(values)
        array = np.zeros(self.shape, values.dtype)
        array.reshape(-1)[self.positions()] = values
        return array

    def by_offset(self, offsets: int) -> np.ndarray:
        """As `CSRMatrix.by_offset`."""
        return self.mask.reshape(self.shape[0], -1, offsets).sum(axis=1)

    def to_dense(self) -> np.ndarray:
        """The matrix as an ndarray of shape `shape`: its own data."""
        return self.data

    def rewire(self, keep, new_positions, values=0) -> np.ndarray:
        """As `CSRMatrix.rewire`: same arguments, same returned map."""
        old, mask = self.positions(), self.mask.reshape(-1)
        new_positions = _checked_positions(new_positions, mask.size)
        values_before, slot = self.gather(self.data), np.full(mask.size, -1)
        slot[old] = np.arange(old.size)
        mask[old] = _checked_keep(keep, old.size)
        if mask[new_positions].any():
            mask[old] = True
            raise UserError(TWICE)
        slot[new_positions], mask[new_positions] = -1, True
        source = slot[mask]
        self.data = self.scatter(follow(values_before, source, values))
        return source
