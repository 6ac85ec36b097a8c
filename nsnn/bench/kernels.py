"""Single layers, sparse and dense: time, useful rate, break-even density.

Layers are called as training calls them, so the numbers include the division among threads.
"""

import itertools
import re
import statistics

import numpy as np

from nsnn.bench.environment import spread
from nsnn.errors import UserError
from nsnn.kernels.count import column_uses
from nsnn.layers import Conv2d, Linear
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
    """Time a layer (`layer_of`) at each density and dense, each product at least `repeats` times.

    Returns "shape"; "dense": `products` of the engine's dense path; "sparse": the same for each
    density, with "density" and "ratio" (dense time / sparse time, all products); "break_even" as
    `break_even` returns it.
    """
    rng = np.random.default_rng(0)
    layer, pixels = layer_of(shape, rng)
    outputs, inputs, *_ = layer.weight.dims
    x = rng.random((inputs, *pixels, time_steps, batch), np.float32) < SPIKE_RATE
    epsilon = rng.standard_normal((outputs, *pixels, time_steps, batch), np.float32)

    def timed(density=None):
        layer, _ = layer_of(shape, rng)
        if density is not None:
            count = max(1, round(density * layer.weight.size))
            layer.weight.sparsify(random_positions(layer.weight.shape, count, rng))
        return products(layer, x.astype(np.uint8), epsilon, repeats)

    dense = timed()
    whole = dense["total"]["median"]
    sparse = [{"density": density} | timed(density) for density in densities]
    times = [found["total"]["median"] for found in sparse]
    return {
        "shape": shape,
        "dense": dense,
        "sparse": [found | {"ratio": whole / t} for found, t in zip(sparse, times, strict=True)],
        "break_even": break_even(densities, times, whole),
    }


def products(layer, x, epsilon, repeats: int) -> dict:
    """Time "forward", "gradient" (of the weights), "input_gradient" and "total" of one layer.

    Each is a `spread` of seconds with "gflops", the useful rate (10⁹ operations/s). A backward
    computes both of its products: the time of the input gradient is what it takes longer.
    """
    forward = repeat(lambda: layer.forward(x), repeats, SECONDS)
    layer.input_gradient = False
    gradient = repeat(lambda: layer.backward(epsilon), repeats, SECONDS)
    layer.input_gradient = True
    backward = repeat(lambda: layer.backward(epsilon), repeats, SECONDS)
    without, ahead = statistics.median(gradient), statistics.median(forward)
    flops = product_flops(layer)
    return {
        "forward": _rated(forward, flops),
        "gradient": _rated(gradient, flops),
        "input_gradient": _rated([seconds - without for seconds in backward], flops),
        "total": _rated([ahead + seconds for seconds in backward], 3 * flops),
    }


def _rated(seconds, flops: int) -> dict:
    """A spread of seconds with the rate; None where noise leaves no time at all."""
    found = spread(seconds)
    return found | {"gflops": flops / found["median"] / 1e9 if found["median"] > 0 else None}


def product_flops(layer, dense: bool = False) -> int:
    """Useful operations of each product of a `Linear` or `Conv2d`, as in its last forward.

    2 · active synapses (`dense`: all positions) · the places (pixels inside the border, steps,
    samples) that each meets in the input.
    """
    channels, *pixels, time_steps, batch = layer.x.shape
    rows, columns = layer.weight.shape
    geometry = (1, 1, 1, 0, 1, 1)
    if isinstance(layer, Conv2d):
        geometry = (*layer.geometry, *layer.output_shape(*pixels)[1:])
    meets = np.empty(columns, np.int64)
    ones = np.ones((channels, *(pixels or (1, 1)), 1), np.uint8)
    column_uses(ones, *geometry, meets, 0, channels)
    positions = np.arange(rows * columns) if dense else layer.weight.positions()
    synapses = np.bincount(positions % columns, minlength=columns)
    return 2 * time_steps * batch * int(synapses @ meets)


def break_even(densities, sparse, dense: float) -> dict:
    """The density below which `sparse`, seconds at each density, are less than those of `dense`.

    Returns "density", and "relation": "=" where the times cross between two densities (linear in
    the logarithm of the density), "≥" when sparse is never slower, "<" when it always is.

    Examples
    --------
    >>> break_even([0.1, 0.4], [1.0, 3.0], dense=2.0)
    {'density': 0.2, 'relation': '='}
    """
    points = sorted(zip(densities, sparse, strict=True))
    if points[0][1] > dense:
        return {"density": points[0][0], "relation": "<"}
    for (low, fast), (high, slow) in itertools.pairwise(points):
        if slow > dense:
            density = low * (high / low) ** ((dense - fast) / (slow - fast))
            return {"density": round(density, 6), "relation": "="}
    return {"density": points[-1][0], "relation": "≥"}
