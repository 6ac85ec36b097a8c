"""Single layers, sparse and dense: time, useful rate, break-even density.

Layers are called as training calls them, so the numbers include the division among threads.
"""

import re
import statistics

import numpy as np

from nsnn.bench.child import spread
from nsnn.errors import UserError
from nsnn.kernels.count import column_uses
from nsnn.layers import Conv2d, Linear
from nsnn.layers.base import pixels
from nsnn.sparsity.distribution import random_positions
from nsnn.training.stopwatch import repeat

SHAPES = ("784-800", "640-640", "128-128C3@16", "256-256C3@8", "512-512C3@4")
DENSITIES = (0.5, 0.35, 0.25, 0.1, 0.05, 0.02, 0.01)
SPIKE_RATE = 0.2  # spikes per neuron and step of the random input
SECONDS = 0.1  # each product is repeated at least this long


def layer_of(shape: str, rng) -> tuple[Linear | Conv2d, tuple[int, ...]]:
    """A dense layer without bias, and the pixels of its input.

    "784-800" is a linear layer; "512-512C3@4" a 3 x 3 convolution at 4 x 4 pixels that keeps the
    image's size. Raises UserError for what cannot be read.
    """
    match = re.fullmatch(r"([1-9]\d*)-([1-9]\d*)(?:C([1-9]\d*)@([1-9]\d*))?", shape)
    if match is None or (match[3] and int(match[3]) % 2 == 0):
        raise UserError(
            f"--shapes {shape}: use IN-OUT for a linear layer or IN-OUTC3@SIDE for a convolution "
            "with an odd kernel, such as 512-512C3@4"
        )
    inputs, outputs, kernel, side = (int(number or 0) for number in match.groups())
    if not kernel:
        return Linear(inputs, outputs, rng, bias=False), ()
    layer = Conv2d(inputs, outputs, kernel, rng, padding=kernel // 2, bias=False)
    return layer, (side, side)


def measure(shape: str, densities, batch: int, time_steps: int, repeats: int) -> dict:
    """Time a layer (`layer_of`) dense and at each density, each product at least `repeats` times.

    Returns "shape"; "dense": `products` of the engine's dense path; "sparse": the same for each
    density, with "density" and "ratio" (dense time / sparse time, all products); "break_even" as
    `break_even` returns it.
    """
    rng = np.random.default_rng(0)
    layer, image = layer_of(shape, rng)
    outputs, inputs, *_ = layer.weight.dims
    spikes = rng.random((inputs, *image, time_steps, batch), np.float32) < SPIKE_RATE
    epsilon = rng.standard_normal((outputs, *image, time_steps, batch), np.float32)
    data = spikes.astype(np.uint8), epsilon
    dense = products(layer, *data, repeats)
    whole, sparse = dense["total"]["median"], []
    for density in densities:
        layer, _ = layer_of(shape, rng)
        count = max(1, round(density * layer.weight.size))
        layer.weight.sparsify(random_positions(layer.weight.shape, count, rng))
        found = products(layer, *data, repeats)
        sparse.append({"density": density, "ratio": whole / found["total"]["median"]} | found)
    edge = break_even(densities, [found["total"]["median"] for found in sparse], whole)
    return {"shape": shape, "dense": dense, "sparse": sparse, "break_even": edge}


def products(layer, x, epsilon, repeats: int) -> dict:
    """Time "forward", "gradient" (of the weights) and "input_gradient" of a layer: median seconds.

    A backward computes both of its products: the time of the input gradient is what it takes
    longer. "total" is the `spread` of all three, "operations" are those of each product.
    """
    forward = statistics.median(repeat(lambda: layer.forward(x), repeats, SECONDS))
    layer.input_gradient = False
    gradient = statistics.median(repeat(lambda: layer.backward(epsilon), repeats, SECONDS))
    layer.input_gradient = True
    backward = repeat(lambda: layer.backward(epsilon), repeats, SECONDS)
    return {
        "forward": forward,
        "gradient": gradient,
        "input_gradient": statistics.median(backward) - gradient,
        "total": spread([forward + seconds for seconds in backward]),
        "operations": product_flops(layer),
    }


def product_flops(layer, dense: bool = False) -> int:
    """Useful operations of each product of a `Linear` or `Conv2d`, as in its last forward.

    2 · active synapses (`dense`: all positions) · the places (pixels inside the border, steps,
    samples) that each meets in the input.
    """
    columns, (channels, height, width, values) = layer.weight.shape[1], pixels(layer.x).shape
    _, *output = layer.output_shape(height, width)
    meets, ones = np.empty(columns, np.int64), np.ones((channels, height, width, 1), np.uint8)
    column_uses(ones, *layer.geometry, *output, meets, 0, channels)
    positions = np.arange(layer.weight.size) if dense else layer.weight.positions()
    synapses = np.bincount(positions % columns, minlength=columns)
    return 2 * values * int(synapses @ meets)


def break_even(densities, sparse, dense: float) -> dict:
    """The density below which `sparse`, seconds at each density, are less than those of `dense`.

    Returns "density", and "relation": "=" where the times cross between two densities (linear in
    the logarithm of the density), "≥" when sparse is never slower, "<" when it always is.

    Examples
    --------
    >>> break_even([0.1, 0.4], [1.0, 3.0], dense=2.0)
    {'density': 0.2, 'relation': '='}
    """
    density, seconds = np.array(sorted(zip(densities, sparse, strict=True))).T
    seconds = np.maximum.accumulate(seconds)  # of several crossings the first counts
    edge = np.exp(np.interp(dense, seconds, np.log(density)))
    relation = "<" if dense < seconds[0] else "≥" if dense >= seconds[-1] else "="
    return {"density": round(float(edge), 6), "relation": relation}
