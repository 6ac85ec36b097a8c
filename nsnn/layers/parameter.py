"""One trainable array: its values, gradient, optimiser state and whatever a method attaches."""

import numpy as np

from nsnn.csr import follow
from nsnn.errors import UserError
from nsnn.layers.stored import Stored

OBSERVED = 65_536  # gradient entries shown at a time to those who observe a sparse weight


class Parameter(Stored):
    """A weight, bias or norm parameter with everything that belongs to its entries.

    Gradient, optimiser state and attached arrays live beside the values, so that one call of
    `rewire` moves all of them and nothing can be left behind.

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
    attached : dict of str to ndarray, each (active,)
        What a method keeps for each synapse, in the order of `positions()`; see `attach`.
    topology : None, CSRMatrix or MaskedMatrix
        None: dense, every position active.
    storage : "csr", "auto" or "dense"
        How the weight is held once it is sparse. "csr" stores the active weights only; "dense"
        keeps the full array and a mask; "auto" does what is faster at the present density.
    """

    def __init__(self, name, data, dims=None, prunable=False, decayed=True):
        super().__init__(name, data)
        self.attached = {}
        self.dims = tuple(dims or data.shape)
        self.prunable = prunable
        self.decayed = decayed
        self._fills = {}
        self._observers = []

    def sparsify(self, positions) -> None:
        """Keep only `positions` active, with their present values, stored as `storage` says.

        Flat positions, int64 (active,), sorted and unique.
        """
        if self.topology is not None or self.slots:
            raise UserError(f"{self.name} is sparse or in training already: rewire it instead")
        self._require_whole("sparsified")
        positions = np.asarray(positions, dtype=np.int64)
        self._store(self.shape, positions, self.data.reshape(-1)[positions])
        self.attached = {key: array[positions] for key, array in self.attached.items()}

    def rewire(self, keep, new_positions, values=0) -> None:
        """Drop synapses and grow others; all that belongs to a synapse follows it.

        New synapses start with gradient and optimiser state 0, and attached values by `attach`.

        Parameters
        ----------
        keep, new_positions, values
            As for `CSRMatrix.rewire`.
        """
        if self.topology is None:
            raise UserError(f"{self.name} is dense: sparsify it before rewiring it")
        self._require_whole("rewired")
        gradient = self.active_gradient()
        slots = {key: self._gather(slot, key) for key, slot in self.slots.items()}
        source = self.topology.rewire(keep, new_positions, values)
        self.data = self.topology.data
        self.gradient = self._scatter(follow(gradient, source))
        self.slots = {key: self._scatter(follow(slot, source)) for key, slot in slots.items()}
        for key, array in self.attached.items():
            self.attached[key] = follow(array, source, self._fill(key, new_positions))
        if self.storage == "auto":
            self._store_again()

    def attach(self, name: str, fill, dtype) -> np.ndarray:
        """Keep a number for each synapse that follows it through rewiring and checkpoints.

        Parameters
        ----------
        name : str
            Its key in `attached`.
        fill : number or callable
            What a synapse has at first, now or when it grows: a value, or
            `fill(positions (n,) int64) -> (n,)`.
        dtype : dtype

        Returns
        -------
        ndarray of `dtype`, shape (active,)
            Also `attached[name]`, where the current one is found after a rewiring. Attached again
            after a restore, it keeps its values and `fill` serves what grows from then on.
        """
        self._fills[name] = fill
        if name not in self.attached:
            array = np.empty(self.active, dtype)
            array[...] = self._fill(name, self.positions() if callable(fill) else None)
            self.attached[name] = array
        return self.attached[name]

    def observe(self, observer, of: str = "gradient") -> None:
        """Show the dense gradient of the next backward, block by block, to a function.

        Parameters
        ----------
        observer : callable
            `observer(columns, block)`: a slice of the weight's columns, rising, and the gradient
            (rows, width) at all their positions. One thread calls; the block is overwritten.
        of : "gradient", "scaled" or "delta"
            Σ_t ε[t] s[t]ᵀ = dL/dW; the same with the ε of each neuron divided by their rms; or
            Σ_t δ[t] s[t]ᵀ with δ = dL/do, before the surrogate: a neuron that never comes near
            its threshold has φ = 0, but a δ.

        Notes
        -----
        Asked beforehand because ε exists only during the backward. Only blocks are ever made, for
        all observers together; a dense weight shows its gradient in one.
        """
        self._require_whole("observed")
        self._observers.append((of, observer))

    def take_observers(self, of: str) -> list:
        """Called by the layer in its backward: who asked, each for once."""
        taken = [observer for kind, observer in self._observers if kind == of]
        if taken:
            self._require_whole("observed")
        self._observers = [pair for pair in self._observers if pair[0] != of]
        return taken

    def show(self, observers, inputs: int, make) -> int:
        """Show a dense gradient to `observers`, block by block; the largest block's bytes.

        `make(span, block)` fills the block (rows, width) of the inputs `span`, a slice of so many.
        By inputs and not by rows, because then each patch of the input is made once for all rows.
        """
        rows, cols = self.stored_shape
        each = cols // inputs
        step = inputs if self.topology is None else max(1, OBSERVED // (rows * each))
        memory = np.empty(rows * each * min(step, inputs), self.data.dtype)
        for first in range(0, inputs, step):
            span = slice(first, min(inputs, first + step))
            columns = slice(span.start * each, span.stop * each)
            block = memory[: rows * (columns.stop - columns.start)].reshape(rows, -1)
            make(span, block)
            for observer in observers:
                observer(columns, block)
        return memory.nbytes

    def state(self) -> dict[str, np.ndarray]:
        """Everything that a checkpoint needs, as plain arrays."""
        state = {"data": self.values()}
        state |= {f"slot.{key}": self._gather(slot, key) for key, slot in self.slots.items()}
        state |= {f"attached.{key}": array for key, array in self.attached.items()}
        if self.topology is not None:
            state["positions"] = self.positions()
        return state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take over what `state` returned."""
        self._require_whole("restored")
        values = state["data"].astype(self.data.dtype)
        if "positions" in state:
            self._store(self.shape, state["positions"], values)
        else:
            self.topology = None
            self.data = values.reshape(self.shape)
            self.gradient = np.zeros_like(self.data)
        self.slots = {key: self._scatter(a) for key, a in part_of(state, "slot.").items()}
        self.attached = {key: array.copy() for key, array in part_of(state, "attached.").items()}

    def _fill(self, name, positions):
        """What the synapses at these positions start with in an attached array."""
        fill = self._fills.get(name)
        if fill is None:
            raise UserError(f"{self.name}: attach {name!r} again after a restore, before rewiring")
        return fill(positions) if callable(fill) else fill


def part_of(state, prefix) -> dict:
    """The entries whose key begins with `prefix`, without it."""
    return {key.removeprefix(prefix): a for key, a in state.items() if key.startswith(prefix)}
