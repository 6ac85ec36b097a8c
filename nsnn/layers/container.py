"""Layers made of layers: in a row, side by side, and normalisation with LIF in one pass."""

import abc

import numpy as np

from nsnn.errors import UserError
from nsnn.layers.base import Layer
from nsnn.layers.batchnorm import BatchNorm
from nsnn.layers.lif import LIF
from nsnn.layers.weighted import Weighted


class Composite(Layer):
    """A layer made of layers: what it answers for all of them together."""

    @abc.abstractmethod
    def inner(self) -> list[Layer]:
        """The layers that it is made of, in order of execution."""

    def parameters(self):
        return [parameter for part in self.inner() for parameter in part.parameters()]

    def layers(self):
        return [layer for part in self.inner() for layer in part.layers()]

    def share_gradients(self, pair):
        super().share_gradients(pair)
        for part in self.inner():
            part.share_gradients(pair)

    def is_connected(self):
        return all(part.is_connected() for part in self.inner())

    def buffer_bytes(self):
        return super().buffer_bytes() + sum(part.buffer_bytes() for part in self.inner())


class Sequential(Composite):
    """One layer after another: `parts`, a list."""

    def __init__(self, parts, name=""):
        super().__init__()
        self.parts, self.name = list(parts), name
        self._name_the_driven()

    def inner(self):
        return self.parts

    def _name_the_driven(self) -> None:
        """Tell each weight which neurons it drives directly, normalisation aside."""
        driver = None
        for part in self.parts:
            neurons = part if isinstance(part, LIF) else getattr(part, "lif", None)
            if driver is not None and neurons is not None:
                driver.spiking = neurons
            if not isinstance(part, BatchNorm):
                driver = part if isinstance(part, Weighted) else None

    def forward(self, x, training=False):
        for part in self.parts:
            x = part.forward(x, training)
        return x

    def backward(self, dy):
        for part in reversed(self.parts):
            dy = part.backward(dy)
            if dy is None:  # the first layer with weights: nothing before it has a gradient
                return None
        return dy


class Residual(Composite):
    """y = body(x) + shortcut(x), an addition of currents: the LIF comes after it.

    Without a shortcut, a `Sequential` as the body is, y = body(x) + x.
    """

    def __init__(self, body, shortcut=None, name="residual"):
        super().__init__()
        self.body, self.shortcut, self.name = body, shortcut, name

    def inner(self):
        return [self.body] if self.shortcut is None else [self.body, self.shortcut]

    def forward(self, x, training=False):
        """x uint8 or float -> y float, the shape of `body(x)`."""
        y = self.body.forward(x, training)
        other = x if self.shortcut is None else self.shortcut.forward(x, training)
        if other.shape != y.shape:
            raise UserError(
                f"{self.name}: the body gives {y.shape}, the shortcut {other.shape}; both must be "
                "the same (a block cannot stand before the network's first LIF layer if it has one)"
            )
        total = self._buffer("y", y.shape, y.dtype)
        return np.add(y, other, out=total)

    def backward(self, dy):
        # The branches run one after the other through the same memory: keep what the second needs.
        d_other = self._kept("dy", dy)
        d_body = self.body.backward(dy)
        if d_body is not None:
            d_body = self._kept("d_body", d_body)
        if self.shortcut is not None:
            d_other = self.shortcut.backward(d_other)
        if d_body is None or d_other is None:  # first in its network
            return None
        return np.add(d_body, d_other, out=self._gradient(d_other, d_body.shape, dy.dtype))

    def _kept(self, key, gradient):
        """A copy of `gradient` in memory of this layer's own."""
        copy = self._buffer(key, gradient.shape, gradient.dtype)
        copy[...] = gradient
        return copy

    def is_connected(self):
        return self.shortcut is None or any(part.is_connected() for part in self.inner())


class BatchNormLIF(Composite):
    """LIF(BatchNorm(x)) without ever writing the normalised current.

    For given statistics batch normalisation is scale x + shift for each channel, which the LIF
    kernel applies while it integrates. At VGG-16's size this saves four trips through memory.
    """

    def __init__(self, norm, lif):
        super().__init__()
        self.norm, self.lif = norm, lif

    def inner(self):
        return [self.norm, self.lif]

    def forward(self, x, training=False):
        """x (C, …, T or 1, B) float -> spikes (C, …, T, B) uint8."""
        return self.lif.forward(x, training, self.norm.fold(x, training))

    def backward(self, dy):
        """dL/do -> dL/dx; fills the gradients of γ and β."""
        return self.norm.backward_in_place(self.lif.backward(dy))
