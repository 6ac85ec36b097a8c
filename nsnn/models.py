"""The papers' networks, written as the papers write them, and built by one function.

Notation: `15C3` is a convolution to 15 channels with a 3 x 3 kernel that keeps the image's size;
`AP2` and `MP2` are average and max pooling; a number is a fully connected layer. Every convolution
and hidden fully connected layer is followed by LIF neurons; the integrator readout to the classes
comes last and is not written.
"""

import math
import re

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
from nsnn.network import Network
from nsnn.neuron import Neuron

MODELS = {
    "sdsnn-mnist": "15C3-AP2-40C3-AP2-300",  # SD-SNN's network for MNIST
    "mlp": "800",  # "2FC" of the papers: 784-800-10
    # VGG-16 of the papers: with norm = "batch" and 10 classes, 14,728,266 parameters
    "vgg16": "64C3-64C3-MP2-128C3-128C3-MP2-256C3-256C3-256C3-MP2-512C3-512C3-512C3-MP2-"
    "512C3-512C3-512C3-MP2",
    "custom": "",  # model.layers
}

# Positions of weights are int32.
LARGEST = 2**31 - 1


def architecture(name: str, layers: str = "") -> str:
    """The notation of the model `name`; for "custom", `layers` itself."""
    if name not in MODELS:
        raise UserError(f"model.name = {name!r}: choose one of {', '.join(MODELS)}")
    if name != "custom":
        if layers:
            raise UserError("model.layers is for model.name = 'custom'; remove one of the two")
        return MODELS[name]
    if not layers:
        raise UserError("model.name = 'custom' needs model.layers, such as '16C3-AP2-128'")
    return layers


def build(
    notation: str,
    neuron: Neuron,
    input_shape,
    classes: int,
    rng,
    width: float = 1.0,
    norm: str = "none",
    dtype=np.float32,
    storage: str = "csr",
) -> Network:
    """Build a network.

    Parameters
    ----------
    notation : str
        Such as "15C3-AP2-40C3-AP2-300", see the module's text and `architecture`.
    neuron : Neuron
    input_shape : tuple of int
        (C, H, W).
    classes : int
    rng : numpy.random.Generator
        Draws the initial weights, layer by layer.
    width : float
        Factor of all channels and hidden neurons, rounded, at least 1 remains.
    norm : "none" or "batch"
        "batch": batch normalisation of the current before every LIF.
    dtype : float32 or float64
    storage : "csr", "auto" or "dense"
        How weights are held once a method makes them sparse, see `Parameter.sparsify`.

    Raises
    ------
    UserError
        For a notation that cannot be read or does not fit the image.
    """
    if not 0 < width < float("inf"):
        raise UserError(f"model.width = {width}: must be positive and finite")
    builder = _Builder(neuron, tuple(input_shape), rng, width, norm, np.dtype(dtype))
    for token in notation.split("-"):
        builder.add(token)
    body = Sequential(builder.finish(classes))
    return Network(body, input_shape, classes, neuron, dtype, storage)


class _Builder:
    """Adds layer after layer and keeps track of the shape and the numbering of names."""

    def __init__(self, neuron, input_shape, rng, width, norm, dtype):
        if norm not in ("none", "batch"):
            raise UserError(f"model.norm = {norm!r}: use 'none' or 'batch'")
        self.neuron, self.rng, self.width, self.norm, self.dtype = neuron, rng, width, norm, dtype
        self.shape = input_shape
        self.parts, self.counts = [], {}

    def add(self, token):
        """One item of the notation."""
        if match := re.fullmatch(r"([1-9]\d{0,9})C(\d{1,9})", token):
            self._convolution(int(match[1]), int(match[2]))
        elif match := re.fullmatch(r"(AP|MP)(\d{1,9})", token):
            self._pool(match[1], int(match[2]))
        elif re.fullmatch(r"[1-9]\d{0,9}", token):
            self._linear(Linear, self._scaled(int(token)))
            self._spike(self.shape[0])
        else:
            raise UserError(
                f"model.layers: cannot read {token!r}; use items such as 15C3, AP2, MP2 or 300, "
                "joined by '-'"
            )

    def finish(self, classes):
        """The readout; returns all layers."""
        self._linear(Integrator, classes)
        first = next(part for part in self.parts if isinstance(part, Conv2d | Linear))
        first.input_gradient = False
        return self.parts

    def _convolution(self, channels, kernel):
        self._image(f"{channels}C{kernel}")
        if kernel % 2 == 0:
            raise UserError(f"model.layers: {channels}C{kernel}: the kernel's side must be odd")
        name, channels = self._name("conv"), self._scaled(channels)
        self._check_size(name, channels, self.shape[0], kernel, kernel)
        conv = Conv2d(
            self.shape[0], channels, kernel, self.rng, padding=kernel // 2, dtype=self.dtype,
            name=name,
        )  # fmt: skip
        self.parts.append(conv)
        self.shape = conv.output_shape(*self.shape[1:])
        self._spike(self.shape[0])

    def _pool(self, kind, k):
        self._image(f"{kind}{k}")
        C, H, W = self.shape
        if not 1 <= k <= min(H, W):
            raise UserError(f"model.layers: {kind}{k} does not fit an image of {H}x{W} pixels")
        name = self._name("pool")
        self.parts.append(AvgPool2d(k, self.dtype, name) if kind == "AP" else MaxPool2d(k, name))
        self.shape = (C, H // k, W // k)

    def _linear(self, kind, outputs):
        if len(self.shape) == 3:
            self.parts.append(Flatten())
            self.shape = (int(np.prod(self.shape)),)
        name = self._name("linear")
        self._check_size(name, outputs, self.shape[0])
        self.parts.append(kind(self.shape[0], outputs, self.rng, self.dtype, name=name))
        self.shape = (outputs,)

    def _spike(self, channels):
        lif = LIF(self.neuron, self.dtype, self._name("lif"))
        if self.norm == "batch":
            lif = BatchNormLIF(BatchNorm(channels, self.dtype, self._name("norm")), lif)
        self.parts.append(lif)

    def _image(self, token):
        if len(self.shape) != 3:
            raise UserError(f"model.layers: {token} cannot follow a fully connected layer")

    def _scaled(self, count):
        scaled = count * self.width
        if scaled > LARGEST:
            raise UserError(
                f"model.width = {self.width} makes {scaled:.3g} of {count} channels or neurons: "
                f"at most {LARGEST}"
            )
        return max(1, round(scaled))

    def _check_size(self, name, *sides):
        """Positions of a weight are 32-bit numbers."""
        if math.prod(sides) > LARGEST:
            raise UserError(
                f"{name} would have {math.prod(sides):,} weights, more than {LARGEST:,}: "
                "make model.width or model.layers smaller"
            )

    def _name(self, kind):
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{kind}{self.counts[kind]}"


def scale_to_active_fan_in(network) -> None:
    """Scale each row of a sparse weight by √(fan-in / active fan-in): init = "active_fan_in".

    The weights were drawn for a full fan-in; a row that keeps few of them receives as little
    current as few of them carry. To be called once, after the method has made the network sparse.
    """
    for parameter in network.parameters():
        if parameter.topology is None:
            continue
        rows, cols = parameter.shape
        row = parameter.positions() // cols
        active = np.bincount(row, minlength=rows)
        factor = np.sqrt(cols / np.maximum(active, 1)).astype(parameter.data.dtype)
        if parameter.data.ndim == 1:
            parameter.data *= factor[row]
        else:
            parameter.data *= factor[:, None]
