"""The entries of a parameter that silent neurons leave without use."""

import numpy as np


class Parked:
    """Entries in rows or columns of silent neurons, kept aside; and where the others are.

    What is left forms a smaller array, the live block, which is all that layers multiply with.

    Parameters
    ----------
    shape : tuple of int
        Of the whole parameter.
    axes : sequence of ndarray of bool, one (n,) for each axis
        True where a row, a column stays in use.
    positions, arrays : ndarray of int64 and dict of str to ndarray, each (active,)
        All active positions, sorted, and what belongs to them: values, optimiser state.

    Attributes
    ----------
    shape : tuple of int
        Of the live block.
    live : ndarray of bool, (active,)
        True for the active entries inside the live block, in the order of `positions`.
    """

    def __init__(self, shape, axes, positions, arrays):
        self.shape = tuple(np.count_nonzero(axis) for axis in axes)
        self._whole = shape
        self._kept = [np.flatnonzero(axis) for axis in axes]
        where = np.unravel_index(positions, shape)
        inside = [axis[index] for axis, index in zip(axes, where, strict=True)]
        self.live = np.logical_and.reduce(inside)
        self._positions = positions[~self.live].astype(np.int32)
        self.arrays = {key: array[~self.live] for key, array in arrays.items()}

    def to_block(self, positions) -> np.ndarray:
        """Flat positions inside the live block of flat positions in the whole; int64."""
        where = np.unravel_index(positions, self._whole)
        moved = [np.searchsorted(*pair) for pair in zip(self._kept, where, strict=True)]
        return np.ravel_multi_index(moved, self.shape)

    def from_block(self, positions) -> np.ndarray:
        """The active positions (active,) in the whole, of those in the live block; int64, sorted.

        The block's rows and columns keep their order, so no sorting is needed.
        """
        where = np.unravel_index(positions, self.shape)
        moved = [kept[index] for kept, index in zip(self._kept, where, strict=True)]
        return self._joined(np.ravel_multi_index(moved, self._whole), self._positions)

    def join(self, live, key: str) -> np.ndarray:
        """An array (active,) of its entries in the live block and the parked ones of `key`.

        Parked entries of an array that is younger than their parking are 0.
        """
        return self._joined(live, self.arrays.get(key, 0))

    def bytes_held(self) -> dict[str, int]:
        """Bytes in memory, by the kinds of `Parameter.bytes_held`."""
        values = self.arrays["data"].nbytes
        return {
            "weights": values,
            "optimiser": sum(array.nbytes for array in self.arrays.values()) - values,
            "indices": sum(a.nbytes for a in (self.live, self._positions, *self._kept)),
        }

    def _joined(self, live, parked) -> np.ndarray:
        joined = np.empty(self.live.size, live.dtype)
        joined[self.live], joined[~self.live] = live, parked
        return joined
