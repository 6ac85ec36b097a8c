"""Operations and work against a walk along every synapse to every output pixel."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from nsnn.data import Batch
from nsnn.layers import Conv2d, Linear
from nsnn.methods import METHODS, RunLength
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.operations import Operations, layer_operations, synaptic_operations, training_work
from nsnn.optim import SGD
from nsnn.sparsity.log import TopologyLog

PRODUCTS = ("forward", "weight_gradient", "input_gradient", "growth")


def active(layer):
    """True where a synapse exists, (out, in, kh, kw)."""
    mask = np.zeros(layer.weight.shape, bool)
    mask.reshape(-1)[layer.weight.positions()] = True
    return mask.reshape(layer.weight.shape[0], -1, *layer.geometry[:2])


def images(array):
    """(channels, H, W, T·B), of a linear layer with one pixel."""
    sides = array.shape[:3] if array.ndim == 5 else (array.shape[0], 1, 1)
    return array.reshape(*sides, -1)


def walk(layer, mask=None, epsilon=None):
    """Where a synapse meets an input pixel: nonzero inputs there, nonzero ε, and values in all."""
    *_, stride, padding = layer.geometry
    x, y = images(layer.x), images(layer.outputs()[0])
    epsilon = y if epsilon is None else images(epsilon)
    inputs = deltas = values = 0
    for o, c, dy, dx in np.argwhere(active(layer) if mask is None else mask):
        for oy, ox in np.ndindex(*y.shape[1:3]):
            iy, ix = oy * stride + dy - padding, ox * stride + dx - padding
            if 0 <= iy < x.shape[1] and 0 <= ix < x.shape[2]:
                inputs += np.count_nonzero(x[c, iy, ix])
                deltas += np.count_nonzero(epsilon[o, oy, ox])
                values += x.shape[3]
    return inputs, deltas, values


def walked_work(layer, epsilon, shown=0):
    """What `training_work` counts of a layer, by walking; `shown`: dense gradients made."""
    mask, y = active(layer), images(layer.outputs()[0])
    inputs, deltas, values = walk(layer, mask, epsilon)
    everywhere, _, _ = walk(layer, np.ones_like(mask), epsilon)
    dense = mask.size * y.shape[1] * y.shape[2] * y.shape[3]
    if layer.weight.storage == "dense" or layer.weight.topology is None:
        values = dense
    back = layer.input_gradient
    useful = inputs, inputs, back * deltas, shown * everywhere
    executed = values, values, back * values, shown * dense
    return {f"useful/{key}": n for key, n in zip(PRODUCTS, useful, strict=True)} | {
        f"executed/{key}": n for key, n in zip(PRODUCTS, executed, strict=True)
    }


def thin(parameter, storage, rng):
    """Keep a third of the positions; a stored weight of value 0 exists like any other."""
    parameter.data.reshape(-1)[::2] = 0
    positions = rng.choice(parameter.size, parameter.size // 3, replace=False)
    parameter.storage = storage
    parameter.sparsify(np.sort(positions))


LAYERS = [
    lambda rng: (Linear(12, 5, rng), (12,)),
    lambda rng: (Conv2d(2, 3, 3, rng, padding=1), (2, 6, 5)),
    lambda rng: (Conv2d(2, 3, 3, rng, stride=2, padding=1), (2, 6, 7)),
    lambda rng: (Conv2d(3, 4, 1, rng, stride=2), (3, 5, 5)),
    lambda rng: (Conv2d(2, 2, 5, rng, stride=3), (2, 9, 7)),
]


def alone(layer):
    """A network of one layer, as far as counting asks for it."""
    return SimpleNamespace(layers=lambda: [layer])


@pytest.mark.parametrize("storage", [None, "csr", "dense"])
@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize("real", [False, True])
def test_operations_and_work_equal_the_walk(make, storage, real):
    rng = np.random.default_rng(1)
    layer, shape = make(rng)
    if storage:
        thin(layer.weight, storage, rng)
    x = rng.random((*shape, 2, 3)) < 0.3
    y = layer.forward((x * rng.random(x.shape)).astype(np.float32) if real else x.astype(np.uint8))
    assert layer_operations(layer) == walk(layer)[0] > 0
    for shown in (0, 2):
        for _ in range(shown):
            layer.weight.observe(lambda columns, block: None)
            layer.weight.observe(lambda columns, block: None, of="scaled")
        epsilon = (rng.random(y.shape) * (rng.random(y.shape) < 0.5)).astype(np.float32)
        layer.backward(epsilon)
        operations = Operations({layer.weight.name: layer_operations(layer)}, 0)
        found = training_work(alone(layer), operations)
        assert found == Counter(walked_work(layer, epsilon, shown))
        assert found["useful/input_gradient"] > 0


@pytest.mark.parametrize(("method", "options"), [
    ("rigl", {"drop_fraction": 0.9, "end_fraction": 1.0}),
    ("ndsnn", {"initial_sparsity": 0.4, "death_ratio": 0.9, "death_ratio_min": 0.9}),
    ("ndsnn", {"initial_sparsity": 0.6, "death_ratio_min": 0.5, "growth_score": "scaled"}),
])  # fmt: skip
def test_the_work_of_steps_and_of_rounds_equals_the_walk(method, options):
    """A network on images that are constant in time; every third step grows by dense gradients."""
    rng, neuron = np.random.default_rng(5), from_preset("ndsnn", time_steps=2)
    network = build("4C3-AP2-4C3-8", neuron, (1, 6, 6), 3, rng, norm="batch")
    method = METHODS[method](METHODS[method].Config(final_sparsity=0.7, update_every=3, **options))
    method.prepare(network, RunLength(9, 1), rng, TopologyLog())
    weighted = [layer for layer in network.layers() if isinstance(layer, Conv2d | Linear)]
    received = {}
    for layer in weighted:
        backward = layer.backward

        def noted(dy, layer=layer, backward=backward):
            received[layer] = dy.copy()
            return backward(dy)

        layer.backward = noted
    optimiser, grown = SGD(network.parameters(), 0.9), []
    for step in range(9):
        batch = Batch(rng.random((4, 1, 6, 6), dtype=np.float32), rng.integers(0, 3, 4))
        method.before_backward(step)
        network.loss_and_backward(batch)
        found = training_work(network, network.measures().operations)
        wanted = Counter()
        taking_part = [share.weights for share in method.shares]
        for layer in weighted:
            shown = step in (3, 6) and layer.weight in taking_part
            wanted.update(walked_work(layer, received[layer], shown))
        assert found == wanted
        grown.append(found["useful/growth"] > 0)
        method.update(step, optimiser, 0.01)
        method.after_update(step)
    assert grown == [step in (3, 6) for step in range(9)]


def test_pixels_are_counted_once_and_apart():
    rng = np.random.default_rng(2)
    network = build(
        "4C3-AP2-8", from_preset("ndsnn", time_steps=3), (1, 6, 6), 2, rng, norm="batch"
    )
    network.predict(rng.random((5, 1, 6, 6), dtype=np.float32))
    counted = synaptic_operations(network)
    layers = [layer for layer in network.layers() if hasattr(layer, "weight")]
    assert counted.layers == {layer.weight.name: walk(layer)[0] for layer in layers}
    assert list(counted.layers) == ["conv1.weight", "linear1.weight", "linear2.weight"]
    # 6·6 pixels and 3·3 positions without the ones beyond the border, 4 channels, 5 samples
    assert counted.static == counted.layers["conv1.weight"] == 16 * 16 * 4 * 5
    assert counted.total == sum(counted.layers.values()) - counted.static > 0


@pytest.mark.parametrize("events", [False, True])
def test_only_pixels_are_static(events):
    """Neither events before the first spikes, nor spikes of a single time step."""
    rng, steps = np.random.default_rng(2), 3 if events else 1
    neuron = from_preset("ndsnn", time_steps=steps, threshold=0.1)
    network = build("80", neuron, (1, 4, 4), 2, rng)
    shape = (5, steps, 1, 4, 4) if events else (5, 1, 4, 4)
    network.predict(rng.integers(0, 2, shape).astype(np.uint8) * (1 if events else 255))
    counted = synaptic_operations(network)
    assert counted.static == (0 if events else counted.layers["linear1.weight"])
    assert counted.total == sum(counted.layers.values()) - counted.static > 0
    assert counted.layers["linear2.weight"] > 0
