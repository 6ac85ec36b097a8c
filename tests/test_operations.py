"""Synaptic operations against a walk along every synapse to every output pixel."""

import numpy as np
import pytest

from nsnn.layers import Conv2d, Linear
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.operations import layer_operations, synaptic_operations


def walk(layer):
    """One operation where a synapse that exists meets a value that is not 0."""
    active = np.zeros(layer.weight.shape, bool)
    active.reshape(-1)[layer.weight.positions()] = True
    operations, x = 0, layer.x
    if isinstance(layer, Linear):
        return sum(np.count_nonzero(x[i]) for _, i in np.argwhere(active))
    kh, kw, stride, padding = layer.geometry
    C, H, W = x.shape[:3]
    _, Ho, Wo = layer.output_shape(H, W)
    for _, c, dy, dx in np.argwhere(active.reshape(-1, C, kh, kw)):
        for oy, ox in np.ndindex(Ho, Wo):
            iy, ix = oy * stride + dy - padding, ox * stride + dx - padding
            if 0 <= iy < H and 0 <= ix < W:
                operations += np.count_nonzero(x[c, iy, ix])
    return operations


def thin(parameter, storage, rng):
    """Keep a third of the positions; a stored weight of value 0 exists like any other."""
    parameter.data.reshape(-1)[::2] = 0
    positions = rng.choice(parameter.size, parameter.size // 3, replace=False)
    parameter.storage = storage
    parameter.sparsify(np.sort(positions))


@pytest.mark.parametrize("storage", [None, "csr", "dense"])
@pytest.mark.parametrize(
    "make",
    [
        lambda rng: (Linear(12, 5, rng), (12,)),
        lambda rng: (Conv2d(2, 3, 3, rng, padding=1), (2, 6, 5)),
        lambda rng: (Conv2d(2, 3, 3, rng, stride=2, padding=1), (2, 6, 7)),
        lambda rng: (Conv2d(3, 4, 1, rng, stride=2), (3, 5, 5)),
        lambda rng: (Conv2d(2, 2, 5, rng, stride=3), (2, 9, 7)),
    ],
)
@pytest.mark.parametrize("real", [False, True])
def test_operations_equal_the_walk(make, storage, real):
    rng = np.random.default_rng(1)
    layer, shape = make(rng)
    if storage:
        thin(layer.weight, storage, rng)
    x = rng.random((*shape, 2, 3)) < 0.3
    layer.forward((x * rng.random(x.shape)).astype(np.float32) if real else x.astype(np.uint8))
    assert layer_operations(layer) == walk(layer) > 0


def test_pixels_are_counted_once_and_apart():
    rng = np.random.default_rng(2)
    network = build(
        "4C3-AP2-8", from_preset("ndsnn", time_steps=3), (1, 6, 6), 2, rng, norm="batch"
    )
    network.predict(rng.random((5, 1, 6, 6), dtype=np.float32))
    counted = synaptic_operations(network)
    layers = [layer for layer in network.layers() if hasattr(layer, "weight")]
    assert counted.layers == {layer.weight.name: walk(layer) for layer in layers}
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
