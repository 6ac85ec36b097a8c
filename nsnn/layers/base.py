"""What every layer answers, and the memory that layers share."""

import abc

import numpy as np

from nsnn.errors import UserError


def pixels(array) -> np.ndarray:
    """An activation as (channels, height, width, T·B); neurons of a linear layer are one pixel."""
    sides = array.shape[:3] if array.ndim == 5 else (array.shape[0], 1, 1)
    return np.ascontiguousarray(array).reshape(*sides, -1)


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


class Layer(abc.ABC):
    """A step of the network with a hand-written forward and backward.

    Activations are `(C, H, W, T, B)` or `(N, T, B)`, C-contiguous. A layer owns its outputs and
    reuses their memory: an output is valid until the layer's next forward, an input gradient until
    its next backward; inside a network, until the layer before has read it. (A fresh
    large array costs a page fault every few kilobytes, a reused one none.)

    Attributes
    ----------
    name : str
        Unique in its network, such as "conv1".
    block_bytes : int
        Of the dense gradient, or its block, that the last backward made for observers.
    """

    name = ""
    block_bytes = 0

    def __init__(self):
        self._buffers = {}
        self._pair = GradientPair()

    @abc.abstractmethod
    def forward(self, x, training=False):
        """Output for the input `x`; `training` matters to batch normalisation only."""

    @abc.abstractmethod
    def backward(self, dy):
        """Input gradient for the output gradient `dy`; fills the parameters' gradients."""

    def share_gradients(self, pair: GradientPair) -> None:
        """Write input gradients into `pair` from now on, as all layers of a network do."""
        self._pair = pair

    def parameters(self) -> list:
        """The trainable arrays of this layer."""
        return []

    def layers(self) -> list["Layer"]:
        """The layers without parts that this one is made of, in order of execution."""
        return [self]

    def is_connected(self) -> bool:
        """Whether the output can depend on the input: not through a weight without synapses."""
        return all(parameter.active for parameter in self.parameters() if parameter.prunable)

    def state(self) -> dict[str, np.ndarray]:
        """Arrays beside the parameters that a checkpoint needs."""
        return {}

    def restore(self, state: dict[str, np.ndarray]) -> None:  # noqa: B027 - most have no state
        """Take over what `state` returned."""

    def outputs(self) -> list[np.ndarray]:
        """What the last forward has written, if anything: a list of one array or none."""
        return [self._buffers["y"]] if "y" in self._buffers else []

    def buffer_bytes(self) -> int:
        """Bytes of the activations that this layer holds."""
        return sum(array.nbytes for array in self._buffers.values())

    def _require(self, what, found, *allowed):
        """Refuse an input that does not fit: a kernel would read beyond its arrays."""
        if found not in allowed:
            takes = " or ".join(map(str, allowed))
            raise UserError(f"{self.name}: input of {found} {what}, but the layer takes {takes}")

    def _gradient(self, dy, shape, dtype):
        """An uninitialised array for the input gradient that belongs to `dy`."""
        return self._pair.other(dy, shape, dtype)

    def _buffer(self, key, shape, dtype):
        """An uninitialised array, the same one as last time if shape and dtype are the same."""
        array = self._buffers.get(key)
        if array is None or array.shape != tuple(shape) or array.dtype != dtype:
            self._buffers.pop(key, None)  # freed before its successor is allocated
            array = self._buffers[key] = np.empty(shape, dtype)
        return array
