"""Appends layer after layer; keeps track of the image's shape and numbers the names."""

import math

import numpy as np

from nsnn.errors import UserError
from nsnn.layers import (
    LIF,
    AvgPool2d,
    BatchNorm,
    BatchNormLIF,
    Conv2d,
    Flatten,
    Integrator,
    Linear,
    MaxPool2d,
    Sequential,
)

# Positions of weights are int32.
LARGEST = 2**31 - 1

POOLS = {"average": "AP", "max": "MP"}


class Builder:
    """A network under construction.

    Parameters
    ----------
    neuron, input_shape, rng, width, norm, dtype
        See `nsnn.models.build`; with norm = "batch" `spike` and `normalise` put a normalisation.
    prefix : str
        Before the names, such as "block1.".

    Attributes
    ----------
    parts : list of Layer
        Appended so far.
    shape : tuple of int
        Of what they put out, (C, H, W) or (N,), without time steps and samples.
    """

    def __init__(self, neuron, input_shape, rng, width, norm, dtype, prefix=""):
        self.neuron, self.rng, self.width, self.norm, self.dtype = neuron, rng, width, norm, dtype
        self.shape, self.prefix = tuple(input_shape), prefix
        self.parts, self._counts = [], {}

    def branch(self, prefix: str) -> "Builder":
        """A builder of the same kind that starts from the present shape, names under `prefix`."""
        return Builder(
            self.neuron, self.shape, self.rng, self.width, self.norm, self.dtype, prefix
        )  # fmt: skip

    def name(self, kind: str) -> str:
        """The next name of a kind of layer: "conv1", "conv2", …"""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{self.prefix}{kind}{self._counts[kind]}"

    def convolution(self, channels: int, kernel: int, stride=1, padding=0, bias=True) -> None:
        """A convolution to `channels` x width channels."""
        name, channels = self.name("conv"), self._scaled(channels)
        _check_size(name, channels, self.shape[0], kernel, kernel)
        conv = Conv2d(
            self.shape[0], channels, kernel, self.rng, stride, padding, self.dtype, bias, name
        )
        self.parts.append(conv)
        self.shape = conv.output_shape(*self.shape[1:])

    def linear(self, outputs: int) -> None:
        """A fully connected layer to `outputs` x width neurons."""
        self._linear(Linear, self._scaled(outputs))

    def normalise(self) -> None:
        """Batch normalisation, if the network has it."""
        if self.norm == "batch":
            self.parts.append(BatchNorm(self.shape[0], self.dtype, self.name("norm")))

    def spike(self, norm=True) -> None:
        """LIF neurons, with batch normalisation of their current if the network has it."""
        lif = LIF(self.neuron, self.dtype, self.name("lif"))
        if norm and self.norm == "batch":
            lif = BatchNormLIF(BatchNorm(self.shape[0], self.dtype, self.name("norm")), lif)
        self.parts.append(lif)

    def pool(self, kind: str, k: int) -> None:
        """Average ("AP") or max ("MP") pooling."""
        C, H, W = self.shape
        name = self.name("pool")
        pool = AvgPool2d(k, self.dtype, name) if kind == POOLS["average"] else MaxPool2d(k, name)
        self.parts.append(pool)
        self.shape = (C, H // k, W // k)

    def finish(self, classes: int) -> Sequential:
        """Append the integrator readout; returns the whole network's layers.

        Nobody needs the gradient of the image: the first layer with weights computes none.
        """
        self._linear(Integrator, classes)
        first = next(part for part in self.parts if isinstance(part, Conv2d | Linear))
        first.input_gradient = False
        return Sequential(self.parts)

    def _linear(self, kind, outputs):
        if len(self.shape) == 3:
            self.parts.append(Flatten(f"{self.prefix}flatten"))
            self.shape = (int(np.prod(self.shape)),)
        name = self.name("linear")
        _check_size(name, outputs, self.shape[0])
        self.parts.append(kind(self.shape[0], outputs, self.rng, self.dtype, name=name))
        self.shape = (outputs,)

    def _scaled(self, count):
        scaled = count * self.width
        if scaled > LARGEST:
            raise UserError(
                f"model.width = {self.width} makes {scaled:.3g} of {count} channels or neurons: "
                f"at most {LARGEST}"
            )
        return max(1, round(scaled))


def _check_size(name, *sides):
    """Positions of a weight are 32-bit numbers."""
    if math.prod(sides) > LARGEST:
        raise UserError(
            f"{name} would have {math.prod(sides):,} weights, more than {LARGEST:,}: "
            "make model.width or model.layers smaller"
        )
