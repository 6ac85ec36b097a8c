"""Memory for input gradients."""

import numpy as np


class GradientPair:
    """Two blocks of memory that the input gradients of a network take turns in.

    An input gradient is read once, by the layer before, so two blocks serve a chain of any length:
    a layer writes into the one that its output gradient is not in.
    """

    def __init__(self):
        self._blocks = [np.empty(0, np.uint8), np.empty(0, np.uint8)]

    @property
    def nbytes(self) -> int:
        """Bytes of both blocks."""
        return sum(block.nbytes for block in self._blocks)

    def other(self, dy, shape, dtype) -> np.ndarray:
        """An uninitialised array of `shape` in a block that `dy` is not in."""
        which = int(np.may_share_memory(self._blocks[0], dy))
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if self._blocks[which].nbytes < size:
            self._blocks[which] = None  # freed before its successor is allocated
            self._blocks[which] = np.empty(size, np.uint8)
        return self._blocks[which][:size].view(dtype).reshape(shape)
