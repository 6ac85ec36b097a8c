"""The three products of a layer, sparse and dense: time, useful rate, break-even density.

Layers are called as training calls them, so the numbers include the division among threads.
"""

import dataclasses
import itertools
import math
import re
import statistics
from dataclasses import dataclass

import numpy as np

from nsnn.bench.flops import product_flops
from nsnn.bench.timing import repeat, spread
from nsnn.errors import UserError
from nsnn.layers import Conv2d, Linear
from nsnn.sparsity.distribution import random_positions

SHAPES = ("784-800", "640-640", "128-128C3@16", "256-256C3@8", "512-512C3@4")
DENSITIES = (0.5, 0.35, 0.25, 0.1, 0.05, 0.02, 0.01)
SPIKE_RATE = 0.2  # spikes per neuron and step of the random input
SECONDS = 0.1  # each product is repeated at least this long


@dataclass(frozen=True)
class Shape:
    """A layer: `inputs-outputs`, and for a convolution its kernel's side and the image's.

    Attributes
    ----------
    inputs, outputs : int
        Features or channels.
    kernel, side : int
        0 for a linear layer. A convolution keeps the image's size.
    """

    inputs: int
    outputs: int
    kernel: int = 0
    side: int = 0

    def __str__(self):
        text = f"{self.inputs}-{self.outputs}"
        return text + (f"C{self.kernel}@{self.side}" if self.kernel else "")

    def layer(self, rng):
        """A dense layer of this shape, without bias."""
        if not self.kernel:
            return Linear(self.inputs, self.outputs, rng, bias=False)
        return Conv2d(
            self.inputs, self.outputs, self.kernel, rng, padding=self.kernel // 2, bias=False
        )

    def activations(self, features: int, time_steps: int, batch: int) -> tuple[int, ...]:
        """Shape of this layer's input or output array."""
        image = (self.side, self.side) if self.kernel else ()
        return (features, *image, time_steps, batch)


def parse_shape(text: str) -> Shape:
    """Read a shape such as "784-800" or "512-512C3@4" (a 3 x 3 convolution at 4 x 4 pixels).

    Raises
    ------
    UserError
    """
    match = re.fullmatch(r"([1-9]\d*)-([1-9]\d*)(?:C([1-9]\d*)@([1-9]\d*))?", text)
    if match is None or (match[3] and int(match[3]) % 2 == 0):
        raise UserError(
            f"--shapes {text}: use IN-OUT for a linear layer or IN-OUTC3@SIDE for a convolution "
            "with an odd kernel, such as 512-512C3@4"
        )
    return Shape(*(int(number) for number in match.groups() if number))


def measure(shape: Shape, densities, batch: int, time_steps: int, repeats: int, seed=0) -> dict:
    """Time a layer at each density and dense.

    Parameters
    ----------
    shape : Shape
    densities : sequence of float
    batch, time_steps : int
    repeats : int
        Least number of counted calls.
    seed : int

    Returns
    -------
    dict
        "shape"; "dense": products of the engine's dense path; "sparse": the same for each
        density, with its "density" and "ratio" (dense time / sparse time, all three products);
        "break_even" as `break_even` returns it.
    """
    rng = np.random.default_rng(seed)
    x_shape = shape.activations(shape.inputs, time_steps, batch)
    y_shape = shape.activations(shape.outputs, time_steps, batch)
    x = (rng.random(x_shape, np.float32) < SPIKE_RATE).astype(np.uint8)
    epsilon = rng.standard_normal(y_shape, np.float32)
    dense = products(shape.layer(rng), x, epsilon, repeats)
    sparse = []
    for density in densities:
        layer = shape.layer(rng)
        count = max(1, round(density * layer.weight.size))
        layer.weight.sparsify(random_positions(layer.weight.shape, count, rng))
        found = products(layer, x, epsilon, repeats)
        ratio = dense["total"]["median"] / found["total"]["median"]
        sparse.append({"density": density, "ratio": ratio} | found)
    times = [found["total"]["median"] for found in sparse]
    return {
        "shape": str(shape),
        **dataclasses.asdict(shape),
        "dense": dense,
        "sparse": sparse,
        "break_even": break_even(densities, times, dense["total"]["median"]),
    }


def products(layer, x, epsilon, repeats: int) -> dict:
    """Time the products of one layer.

    Returns
    -------
    dict
        "forward", "gradient" (of the weights), "input_gradient" and "total", each a `spread` of
        seconds with "gflops", the useful rate (10⁹ operations/s). A backward computes both of its
        products: the time of the input gradient is what a backward that needs it takes longer.
    """
    forward = repeat(lambda: layer.forward(x), repeats, SECONDS)
    layer.input_gradient = False
    gradient = repeat(lambda: layer.backward(epsilon), repeats, SECONDS)
    layer.input_gradient = True
    backward = repeat(lambda: layer.backward(epsilon), repeats, SECONDS)
    without = statistics.median(gradient)
    fastest = statistics.median(forward)
    flops = product_flops(layer, x.shape)
    times = {
        "forward": (forward, flops),
        "gradient": (gradient, flops),
        "input_gradient": ([seconds - without for seconds in backward], flops),
        "total": ([fastest + seconds for seconds in backward], 3 * flops),
    }
    return {name: _rated(spread(seconds), count) for name, (seconds, count) in times.items()}


def _rated(seconds: dict, flops: int) -> dict:
    """A spread of seconds with the rate; None where noise leaves no time at all."""
    median = seconds["median"]
    return seconds | {"gflops": flops / median / 1e9 if median > 0 else None}


def break_even(densities, sparse, dense: float) -> dict:
    """The density below which the sparse products are faster than the dense ones.

    Parameters
    ----------
    densities : sequence of float
    sparse : sequence of float
        Seconds at each density.
    dense : float
        Seconds of the dense products.

    Returns
    -------
    dict
        "density", and "relation": "=" where the times cross between two densities (linear in the
        logarithm of the density), "≥" when sparse is never slower, "<" when it always is.

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
            share = (dense - fast) / (slow - fast)
            log_density = math.log(low) + share * (math.log(high) - math.log(low))
            return {"density": round(math.exp(log_density), 6), "relation": "="}
    return {"density": points[-1][0], "relation": "≥"}
