"""An array of weights, or of biases, as it is held in memory: dense, masked or in CSR."""

import math

import numpy as np

from nsnn.csr import CSRMatrix, MaskedMatrix
from nsnn.errors import UserError
from nsnn.layers.parked import Parked

STORAGES = ("csr", "auto", "dense")
BREAK_EVEN = 0.5  # density above which "auto" keeps a weight dense and masked; `nsnn bench kernels`


class Stored:
    """Values with their gradient and optimiser state, all held in the same way.

    `shrink` leaves rows and columns of silent neurons out of `data`, `gradient`, `slots` and
    `topology`. Everything else is of the whole array still: `shape`, `active`, `positions()`,
    `values()`, and what a `Parameter` has beside.
    """

    def __init__(self, name, data):
        self.name = name
        self.data = np.ascontiguousarray(data)  # flat views of it are written to
        self.gradient = np.zeros_like(self.data)
        self.slots = {}
        self.shape = data.shape
        self.storage = "csr"
        self.topology = None
        self._parked = None

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """`shape` without the rows and columns of silent neurons: what layers multiply with."""
        return self.data.shape if self.topology is None else self.topology.shape

    @property
    def size(self) -> int:
        """Number of positions, active or not (the papers' N^l)."""
        return math.prod(self.shape)

    @property
    def active(self) -> int:
        """Number of active positions."""
        if self.topology is None:
            return self.size
        return self.topology.nnz if self._parked is None else self._parked.live.size

    def positions(self) -> np.ndarray:
        """Flat positions of the active entries, sorted; int64, shape (active,)."""
        if self.topology is None:
            return np.arange(self.size, dtype=np.int64)
        positions = self.topology.positions()
        return positions if self._parked is None else self._parked.from_block(positions)

    def values(self) -> np.ndarray:
        """Values of the active entries, in the order of `positions()`; shape (active,)."""
        return self._gather(self.data, "data")

    def assign(self, values) -> None:
        """Give the active entries other values (active,), in the order of `positions()`."""
        self._require_whole("given values")
        self.data[...] = self._scatter(values)

    def active_gradient(self) -> np.ndarray:
        """Gradient of the active entries, in the order of `positions()`; shape (active,)."""
        return self._gather(self.gradient, "gradient")

    def to_dense(self) -> np.ndarray:
        """Values as an ndarray of shape `shape`, zero at inactive positions."""
        if self._parked is None:
            return self.data if self.topology is None else self.topology.to_dense()
        dense = np.zeros(self.shape, self.data.dtype)
        dense.reshape(-1)[self.positions()] = self.values()
        return dense

    def shrink(self, *axes) -> None:
        """Leave out rows and columns until further notice; `Network.silence` calls it.

        Their active entries are parked with values and optimiser state: kept, counted, neither
        multiplied nor updated. All True brings all back, bit for bit, with gradients of 0.

        Parameters
        ----------
        *axes : ndarray of bool, (rows,) and for a weight (columns,)
            True where a row, a column stays.
        """
        whole = all(axis.all() for axis in axes)
        if whole and self._parked is None:
            return
        positions, arrays, shape = self.positions(), self._arrays(), self.shape
        self._parked = None
        if not whole:
            kept = {key: array for key, array in arrays.items() if key != "gradient"}
            self._parked = Parked(shape, axes, positions, kept)
            live, shape = self._parked.live, self._parked.shape
            positions = self._parked.to_block(positions[live])
            arrays = {key: array[live] for key, array in arrays.items()}
        self._hold(shape, positions, arrays)

    def forget_slots(self) -> None:
        """Drop the optimiser's state: training goes on with a new optimiser."""
        if self._parked is not None:
            self._parked.arrays = {"data": self._parked.arrays["data"]}
        self.slots.clear()

    def bytes_held(self) -> dict[str, int]:
        """Bytes in memory for this parameter: weights, gradients, optimiser, indices."""
        held = {
            "weights": self.data.nbytes,
            "gradients": self.gradient.nbytes,
            "optimiser": sum(slot.nbytes for slot in self.slots.values()),
            "indices": 0 if self.topology is None else self.topology.index_bytes,
        }
        parked = {} if self._parked is None else self._parked.bytes_held()
        return {kind: count + parked.get(kind, 0) for kind, count in held.items()}

    def _require_whole(self, what) -> None:
        """Raise UserError while rows or columns are left out."""
        if self._parked is not None:
            raise UserError(
                f"{self.name} cannot be {what} while silent neurons are left out: call "
                "network.wake() first, and network.silence(…) after it"
            )

    def _store(self, shape, positions, values) -> None:
        """Hold `values` at `positions`, inactive elsewhere; the gradient starts at 0."""
        if self.storage not in STORAGES:
            known = ", ".join(STORAGES)
            raise UserError(f"storage = {self.storage!r} of {self.name}: use one of {known}")
        dense = self.storage == "dense" or (
            self.storage == "auto" and positions.size > BREAK_EVEN * math.prod(shape)
        )
        kind = MaskedMatrix if dense else CSRMatrix.from_positions
        self.topology = kind(shape, positions, values)
        self.data = self.topology.data
        self.gradient = np.zeros_like(self.data)

    def _store_again(self) -> None:
        """Change the way of storing where the density has crossed the break-even."""
        dense = isinstance(self.topology, MaskedMatrix)
        if dense != (self.active > BREAK_EVEN * self.size):
            self._hold(self.shape, self.positions(), self._arrays())

    def _arrays(self) -> dict[str, np.ndarray]:
        """All that is stored like `data`, by name, each (active,); slots under their own."""
        arrays = {"data": self.data, "gradient": self.gradient, **self.slots}
        return {key: self._gather(array, key) for key, array in arrays.items()}

    def _hold(self, shape, positions, arrays) -> None:
        """Store what `_arrays` returned anew, at positions of an array of `shape`."""
        if self.topology is None:
            self.data = arrays["data"].reshape(shape)
        else:
            self._store(shape, positions, arrays["data"])
        self.gradient = self._scatter(arrays["gradient"])
        self.slots = {key: self._scatter(arrays[key]) for key in self.slots}

    def _gather(self, array, key) -> np.ndarray:
        """The active entries of an array that is stored like `data`; shape (active,).

        `key` says which array it is: those of its entries that are parked belong to them.
        """
        live = array.reshape(-1) if self.topology is None else self.topology.gather(array)
        return live if self._parked is None else self._parked.join(live, key)

    def _scatter(self, values) -> np.ndarray:
        """The inverse of `_gather`: a new array that is stored like `data`."""
        if self.topology is None:
            return np.array(values).reshape(self.data.shape)
        return self.topology.scatter(values)
