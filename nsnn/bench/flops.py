"""Useful arithmetic: what a product has to do, not what an implementation does."""

import numpy as np

from nsnn.layers import Conv2d


def output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    """Side of a convolution's output image."""
    return (size + 2 * padding - kernel) // stride + 1


def inside(height: int, width: int, geometry) -> np.ndarray:
    """Output pixels at which each position of the kernel meets an input pixel.

    Parameters
    ----------
    height, width : int
        Of the input image.
    geometry : tuple of int
        (kh, kw, stride, padding).

    Returns
    -------
    ndarray of int64, shape (kh·kw,)
        Fewer than all output pixels where the kernel reaches over the border.

    Examples
    --------
    >>> inside(4, 4, (3, 3, 1, 1))
    array([ 9, 12,  9, 12, 16, 12,  9, 12,  9])
    """
    kh, kw, stride, padding = geometry
    rows = _inside(height, kh, stride, padding)
    return np.outer(rows, _inside(width, kw, stride, padding)).reshape(-1)


def _inside(size, kernel, stride, padding):
    """The same in one dimension; int64, shape (kernel,)."""
    outputs = np.arange(output_size(size, kernel, stride, padding))
    pixel = outputs * stride + np.arange(kernel)[:, None] - padding
    return np.count_nonzero((pixel >= 0) & (pixel < size), axis=1)


def product_flops(layer, input_shape, dense: bool = False) -> int:
    """Useful operations of one of the three products of a layer.

    Parameters
    ----------
    layer : Linear or Conv2d
    input_shape : tuple of int
        Of the layer's input, (C, H, W, T, B) or (features, T, B); T = 1 for a constant input.
    dense : bool
        Count every position of the weight, active or not.

    Returns
    -------
    int
        2 · active synapses · the positions (pixels inside the border, steps, samples) each meets.
        All three products, forward, weight gradient and input gradient, have the same count.
    """
    columns = input_shape[-2] * input_shape[-1]
    weight = layer.weight
    if not isinstance(layer, Conv2d):
        return 2 * (weight.size if dense else weight.active) * columns
    kernel = layer.geometry[0] * layer.geometry[1]
    if dense:
        synapses = np.full(kernel, weight.size // kernel)
    else:
        synapses = np.bincount(weight.positions() % kernel, minlength=kernel)
    return 2 * columns * int(synapses @ inside(*input_shape[1:3], layer.geometry))
