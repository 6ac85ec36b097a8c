"""One trainable array: its values, gradient and optimiser state, dense or sparse."""

import numpy as np

from nsnn.csr import CSRMatrix, MaskedMatrix, follow
from nsnn.errors import UserError

STORAGES = ("csr", "auto", "dense")
BREAK_EVEN = 0.5  # density above which "auto" keeps a weight dense and masked; `nsnn bench kernels`


class Parameter:
    """A weight, bias or norm parameter with everything that belongs to its entries.

    Gradient and optimiser state live beside the values, so that one call of `rewire` moves all of
    them and nothing can be left behind.

    Parameters
    ----------
    name : str
        Layer and role, such as "conv1.weight".
    data : ndarray of float
        Values: (out, in·kh·kw) for a weight, (n,) for anything else.
    dims : tuple of int, optional
        (out, in, kh, kw) or (out, in): what ERK sums and multiplies. Default: `data.shape`.
    prunable : bool
        True for the weights of linear layers and convolutions.
    decayed : bool
        True where weight decay applies: not to biases and norm parameters.

    Attributes
    ----------
    data, gradient : ndarray of float
        Of the same shape: that of the layer's matrix, or (active,) when the topology is a
        `CSRMatrix`: only active weights are stored.
    slots : dict of str to ndarray
        Optimiser state, each like `data`.
    topology : None, CSRMatrix or MaskedMatrix
        None: dense, every position active.
    """

    def __init__(self, name, data, dims=None, prunable=False, decayed=True):
        self.name = name
        self.data = np.ascontiguousarray(data)  # flat views of it are written to
        self.gradient = np.zeros_like(self.data)
        self.slots = {}
        self.shape = data.shape
        self.dims = tuple(dims or data.shape)
        self.prunable = prunable
        self.decayed = decayed
        self.topology = None
        self._storage = "csr"
        self._request = None
        self._candidates = None

    @property
    def size(self) -> int:
        """Number of positions, active or not (the papers' N^l)."""
        return int(np.prod(self.shape))

    @property
    def active(self) -> int:
        """Number of active positions."""
        return self.size if self.topology is None else self.topology.nnz

    def positions(self) -> np.ndarray:
        """Flat positions of the active entries, sorted; int64, shape (active,)."""
        if self.topology is None:
            return np.arange(self.size, dtype=np.int64)
        return self.topology.positions()

    def values(self) -> np.ndarray:
        """Values of the active entries, in the order of `positions()`; shape (active,)."""
        return self._at_positions(self.data)

    def active_gradient(self) -> np.ndarray:
        """Gradient of the active entries, in the order of `positions()`; shape (active,)."""
        return self._at_positions(self.gradient)

    def to_dense(self) -> np.ndarray:
        """Values as an ndarray of shape `shape`, zero at inactive positions."""
        return self.data if self.topology is None else self.topology.to_dense()

    def sparsify(self, positions, storage="csr") -> None:
        """Keep only `positions` active, with their present values.

        Parameters
        ----------
        positions : ndarray of int64, shape (active,)
            Flat positions, sorted and unique.
        storage : "csr", "auto" or "dense"
            "csr" stores the active weights only; "dense" keeps the full array and a mask; "auto"
            does the one or the other, whichever is faster at the present density.
        """
        if self.topology is not None or self.slots:
            raise UserError(f"{self.name} is sparse or in training already: rewire it instead")
        positions = np.asarray(positions, dtype=np.int64)
        self._store(positions, self.data.reshape(-1)[positions], storage)

    def rewire(self, keep, new_positions, values=None) -> None:
        """Drop and grow; gradient and optimiser state follow, and start at 0 for new synapses.

        Parameters
        ----------
        keep : ndarray of bool, shape (active,)
        new_positions : ndarray of int64, shape (grown,)
            Sorted, unique, none of them kept.
        values : ndarray of float, shape (grown,), optional
            Initial values of the new synapses; default 0.
        """
        if self.topology is None:
            raise UserError(f"{self.name} is dense: sparsify it before rewiring it")
        old = self.topology.positions()
        source = self.topology.rewire(keep, new_positions)
        self.data = self.topology.data
        self.gradient = self._follow(self.gradient, old, source)
        self.slots = {key: self._follow(slot, old, source) for key, slot in self.slots.items()}
        if values is not None:
            if self._is_csr:
                self.data[source < 0] = values
            else:
                self.data.reshape(-1)[new_positions] = values
        if self._storage == "auto":
            self._store_again()

    def request_growth(self, k: int, excluded) -> None:
        """Ask the next backward for the `k` positions with the largest |dL/dw|.

        Parameters
        ----------
        k : int
        excluded : ndarray of int64, sorted
            Positions that do not compete, such as the active ones.

        Notes
        -----
        Asked beforehand because the layer can answer only while its ε exists; it streams blocks
        of rows and never holds a dense gradient. Source: NDSNN Algorithm 1 (ArgGrow).
        """
        self._request = (int(k), np.asarray(excluded, dtype=np.int64))
        self._candidates = None

    def answer_growth(self, select) -> None:
        """Called by the layer in its backward: `select(k, excluded)` returns the candidates."""
        if self._request is not None:
            self._candidates = select(*self._request)
            self._request = None

    def take_candidates(self) -> np.ndarray:
        """The positions found by the last backward, largest |dL/dw| first; int64, shape (≤ k,)."""
        if self._candidates is None:
            raise UserError(f"{self.name}: request_growth, then a backward, then take_candidates")
        candidates, self._candidates = self._candidates, None
        return candidates

    def bytes_held(self) -> dict[str, int]:
        """Bytes in memory for this parameter: weights, gradients, optimiser, indices."""
        return {
            "weights": self.data.nbytes,
            "gradients": self.gradient.nbytes,
            "optimiser": sum(slot.nbytes for slot in self.slots.values()),
            "indices": 0 if self.topology is None else self.topology.index_bytes,
        }

    def state(self) -> dict[str, np.ndarray]:
        """Everything that a checkpoint needs, as plain arrays."""
        state = {"data": self.values()} | {
            f"slot.{key}": self._at_positions(slot) for key, slot in self.slots.items()
        }
        if self.topology is not None:
            state["positions"] = self.positions()
        return state

    def restore(self, state: dict[str, np.ndarray], storage="csr") -> None:
        """Take over what `state` returned; `storage` is as for `sparsify`."""
        slots = {key[5:]: value for key, value in state.items() if key.startswith("slot.")}
        values = state["data"].astype(self.data.dtype)
        if "positions" not in state:
            self.topology = None
            self.data = values.reshape(self.shape)
            self.gradient = np.zeros_like(self.data)
        else:
            self._store(state["positions"], values, storage)
        self.slots = {key: self._spread(value) for key, value in slots.items()}

    def _store(self, positions, values, storage) -> None:
        """Hold `values` at `positions`, inactive elsewhere; the gradient starts at 0."""
        if storage not in STORAGES:
            raise UserError(
                f"storage = {storage!r} of {self.name}: use one of {', '.join(STORAGES)}"
            )
        dense = storage == "dense" or (
            storage == "auto" and positions.size > BREAK_EVEN * self.size
        )
        kind = MaskedMatrix if dense else CSRMatrix.from_positions
        self._storage = storage
        self.topology = kind(self.shape, positions, values)
        self.data = self.topology.data
        self.gradient = np.zeros_like(self.data)

    def _store_again(self) -> None:
        """Change the way of storing where the density has crossed the break-even."""
        dense = isinstance(self.topology, MaskedMatrix)
        if dense != (self.active > BREAK_EVEN * self.size):
            gradient, state = self.active_gradient(), self.state()
            self.restore(state, self._storage)
            self.gradient = self._spread(gradient)

    @property
    def _is_csr(self) -> bool:
        return isinstance(self.topology, CSRMatrix)

    def _at_positions(self, array) -> np.ndarray:
        """The active entries of an array like `data`."""
        if self._is_csr or self.topology is None:
            return array.reshape(-1)
        return array.reshape(-1)[self.topology.positions()]

    def _spread(self, values) -> np.ndarray:
        """The inverse of `_at_positions`: an array like `data`, zero where inactive."""
        array = np.zeros_like(self.data)
        index = slice(None) if self._is_csr or self.topology is None else self.positions()
        array.reshape(-1)[index] = values
        return array

    def _follow(self, array, old, source) -> np.ndarray:
        """Carry `array` through a rewiring whose old positions and map are given."""
        if self._is_csr:
            return follow(array, source)
        return self._spread(follow(array.reshape(-1)[old], source))
