"""Networks written in the notation; its errors are explained."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.layers import LIF, BatchNorm, BatchNormLIF, Integrator, MaxPool2d
from nsnn.models import build
from nsnn.neuron import Neuron, from_preset

NEURON = from_preset("ndsnn", time_steps=2)


def make(notation, shape=(1, 28, 28), classes=10, seed=70, **options):
    return build(notation, NEURON, shape, classes, np.random.default_rng(seed), **options)


def test_width_scales_channels_and_hidden_neurons():
    dims = [p.dims for p in make("15C3-AP2-40C3-AP2-300", width=0.5).parameters() if p.prunable]
    assert dims == [(8, 1, 3, 3), (20, 8, 3, 3), (150, 980), (10, 150)]
    dims = [p.dims for p in make("4C3-2", width=0.01).parameters() if p.prunable]
    assert dims == [(1, 1, 3, 3), (1, 784), (10, 1)]


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_widths(width):
    with pytest.raises(UserError, match=r"model\.width"):
        make("4C3", width=width)


@pytest.mark.parametrize("notation", [
    "", "-", "4C3-", "-4C3", "4C3--10", "4c3", "C3", "4C", "4C3P1", "AP", "2AP", "XP2", "4 C3",
    "12.5", "-3", "4C3,AP2", "4C3_AP2", "300-4C3", "300-AP2", "300-4C3V", "4C4", "4C0", "4C0V",
    "4CV", "4C3VV", "4V", "AP0", "MP0", "AP29", "4C29V", "AP2-AP2-AP2-AP2-AP2", "0C3", "0", "4C3-0",
])  # fmt: skip
def test_bad_notations(notation):
    with pytest.raises(UserError, match=r"model\.layers"):
        make(notation)


def test_norm_and_pools():
    network = make("4C3-MP2-6", (1, 8, 8), norm="batch")
    assert [layer.name for layer in network.layers()] == [
        "conv1", "norm1", "lif1", "pool1", "flatten", "linear1", "norm2", "lif2", "linear2",
    ]  # fmt: skip
    assert isinstance(network.layers()[1], BatchNorm)
    assert sum(isinstance(part, BatchNormLIF) for part in network.body.parts) == 2
    assert isinstance(network.layers()[3], MaxPool2d)
    assert isinstance(network.layers()[-1], Integrator)
    weights = sum(p.size for p in network.parameters() if p.prunable)
    assert weights == 4 * 9 + 64 * 6 + 60
    assert sum(p.size for p in network.parameters()) == weights + 4 + 6 + 10 + 2 * (4 + 6)
    with pytest.raises(UserError, match=r"model\.norm = 'layer': use 'none' or 'batch'"):
        make("4C3", norm="layer")


def test_the_neuron_and_dtype_reach_every_layer():
    neuron = Neuron(decay=0.3, time_steps=5)
    network = build("4C3-AP2-6", neuron, (1, 8, 8), 3, np.random.default_rng(0), dtype=np.float64)
    assert all(layer.neuron is neuron for layer in network.layers() if isinstance(layer, LIF))
    assert {p.data.dtype for p in network.parameters()} == {np.dtype(np.float64)}
    assert network.time_steps == 5
    assert network.dtype == np.float64
    assert len({p.name for p in network.parameters()}) == len(network.parameters())


@pytest.mark.parametrize(("notation", "width", "message"), [
    ("4C3", 1e308, r"model\.width = 1e\+308 makes inf"),
    ("12", 1e18, r"model\.width = 1e\+18 makes 1.2e\+19"),
    ("9999999999", 1.0, "channels or neurons: at most 2147483647"),
    ("9" * 400, 1.0, r"model\.layers: cannot read"),
    ("4C99999", 1.0, "conv1 would have 39,999,200,004 weights"),
    ("9000000-300", 1.0, "linear1 would have 7,056,000,000 weights"),
])  # fmt: skip
def test_networks_beyond_all_bounds(notation, width, message):
    with pytest.raises(UserError, match=message):
        make(notation, width=width)


@pytest.mark.parametrize(("notation", "side"), [
    ("4C3-10", 1), ("4C3V", 3), ("AP2-MP3", 6), ("AP2-4C3V-AP2", 8), ("4C5V-AP2-4C5V", 14),
])  # fmt: skip
def test_the_smallest_image_is_the_smallest(notation, side):
    assert make(notation, (2, side, side)).predict(np.zeros((1, 2, side, side))).shape == (1,)
    if side > 1:
        with pytest.raises(UserError, match=f"needs at least {side}x{side}"):
            make(notation, (2, side, side - 1))
    assert make(notation, (1, side, side + 1)).predict(np.zeros((1, 1, side, side + 1))).size
    for shape in ((1, side - 1, 99), (1, 99, side - 1)):
        size, least = f"{shape[1]}x{shape[2]}", f"{side}x{side}"
        with pytest.raises(UserError) as caught:
            make(notation, shape)
        assert str(caught.value) == (
            f"model.layers = '{notation}': images of {size} pixels are too small, it needs at "
            f"least {least}"
        )
