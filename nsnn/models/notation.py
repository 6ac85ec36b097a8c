"""Networks written as the papers write them: "15C3-AP2-40C3-AP2-300".

| item | layer |
|---|---|
| `15C3` | convolution to 15 channels, 3 x 3 kernel, padded so that the image keeps its size |
| `6C5V` | convolution without padding ("valid"): the image loses 4 pixels a side |
| `AP2`, `MP2` | average and max pooling of 2 x 2 pixels |
| `300` | fully connected layer of 300 neurons |

Every convolution and hidden fully connected layer is followed by LIF neurons, a pool is not; the
integrator readout to the classes comes last and is not written.
"""

import re
from dataclasses import dataclass

import numpy as np

from nsnn.errors import UserError
from nsnn.layers import Sequential
from nsnn.models.builder import Builder


@dataclass(frozen=True)
class _Item:
    """One item of the notation: `kind` is "C", "V" (valid convolution), "AP", "MP" or "linear"."""

    text: str
    kind: str
    count: int = 0  # channels or neurons
    side: int = 1  # of the kernel or the window

    def smallest(self, after: int) -> int:
        """Side of the smallest image that leaves one of side `after`."""
        if self.kind == "V":
            return after + self.side - 1
        return after * self.side if self.kind in ("AP", "MP") else after


def from_notation(
    notation, neuron, input_shape, classes, rng, width=1.0, norm="none", dtype=np.float32, what=""
) -> Sequential:
    """Build the layers of a network; UserError for a wrong notation or too small an image.

    Parameters
    ----------
    notation : str
        See the module's text.
    what : str
        What messages call the network; default: model.layers and the notation.
    neuron, input_shape, classes, rng, width, norm, dtype
        See `nsnn.models.build`.
    """
    items = [_read(token) for token in notation.split("-")]
    _check_order(items)
    _check_image(items, input_shape, what or f"model.layers = {notation!r}")
    builder = Builder(neuron, input_shape, rng, width, norm, dtype)
    for item in items:
        if item.kind in ("AP", "MP"):
            builder.pool(item.kind, item.side)
            continue
        if item.kind == "linear":
            builder.linear(item.count)
        else:
            padding = item.side // 2 if item.kind == "C" else 0
            builder.convolution(item.count, item.side, padding=padding)
        builder.spike()
    return builder.finish(classes)


def _read(token) -> _Item:
    """One item; nothing longer than 10 digits is a number of channels or neurons."""
    if match := re.fullmatch(r"([1-9]\d{0,9})C([1-9]\d{0,8})(V?)", token):
        channels, side = int(match[1]), int(match[2])
        if side % 2 == 0 and not match[3]:
            raise UserError(f"model.layers: {token}: the kernel's side must be odd, or write V")
        return _Item(token, match[3] or "C", channels, side)
    if match := re.fullmatch(r"(AP|MP)([1-9]\d{0,8})", token):
        return _Item(token, match[1], side=int(match[2]))
    if re.fullmatch(r"[1-9]\d{0,9}", token):
        return _Item(token, "linear", int(token))
    raise UserError(
        f"model.layers: cannot read {token!r}; use items such as 15C3, 6C5V, AP2, MP2 or 300, "
        "joined by '-'"
    )


def _check_order(items):
    """An image cannot come back after a fully connected layer."""
    linear = False
    for item in items:
        if linear and item.kind != "linear":
            raise UserError(f"model.layers: {item.text} cannot follow a fully connected layer")
        linear = item.kind == "linear"


def _check_image(items, input_shape, what):
    smallest, (H, W) = 1, input_shape[1:]
    for item in reversed(items):
        smallest = item.smallest(smallest)
    if min(H, W) < smallest:
        raise UserError(
            f"{what}: images of {H}x{W} pixels are too small, it needs at least "
            f"{smallest}x{smallest}"
        )
