"""A plug-in with a method, a model and a data set."""

from dataclasses import dataclass

import numpy as np

from nsnn.data import DATASETS
from nsnn.layers import LIF, Flatten, Integrator, Linear, Sequential
from nsnn.methods import METHODS, Method
from nsnn.models import MODELS


class RandomStatic(Method):
    """Each layer keeps random positions, and these for the whole run."""

    @dataclass(frozen=True)
    class Config(Method.Config):
        final_sparsity: float = 0.9

    def prepare(self, network, run, rng, log):
        super().prepare(network, run, rng, log)
        for p in self.prunable:
            count = round((1 - self.config.final_sparsity) * p.size)
            positions = np.sort(rng.choice(p.size, count, replace=False))
            p.sparsify(positions)
            log.start(p.name, p.size, positions)

    def targets(self):
        return {p.name: p.active for p in self.prunable}


def one_hidden(neuron, input_shape, classes, rng, width, norm, dtype):
    inputs, hidden = int(np.prod(input_shape)), round(20 * width)
    return Sequential(
        [
            Flatten(),
            Linear(inputs, hidden, rng, dtype, name="linear1"),
            LIF(neuron, dtype, "lif1"),
            Integrator(hidden, classes, rng, dtype, name="linear2"),
        ]
    )


def bright_half(directory):
    """Images of 4 x 4 pixels whose left or right half is bright."""
    rng = np.random.default_rng(0)
    arrays = {}
    for purpose, count in (("train", 40), ("test", 20)):
        labels = np.arange(count) % 2
        images = rng.integers(0, 100, (count, 4, 4))
        images[labels == 0, :, :2] += 150
        images[labels == 1, :, 2:] += 150
        arrays[f"{purpose}_images"] = images.astype(np.uint8)
        arrays[f"{purpose}_labels"] = labels
    return arrays


METHODS["random-static"] = RandomStatic
MODELS["one-hidden"] = one_hidden
DATASETS["bright-half"] = bright_half
