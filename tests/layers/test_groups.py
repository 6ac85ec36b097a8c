"""Groups of neurons: what the papers' networks are made of, and that it is so."""

import numpy as np
import pytest

from nsnn.layers import LIF, Flatten, Integrator, Layer, Linear, Residual, Sequential
from nsnn.models import MODELS, build, resnet19
from nsnn.neuron import from_preset

NEURON = from_preset("ndsnn", time_steps=2)


def make(model, shape=(1, 28, 28), norm="none", width=1.0):
    rng = np.random.default_rng(7)
    return build(model, NEURON, shape, 10, rng, width=width, norm=norm, dtype=np.float64)


def described(group):
    """Sizes and names of a group; of outgoing weights also the columns of one member."""
    incoming = [p.name for p in group.incoming]
    outgoing = [(p.name, columns_of(0).size) for p, columns_of in group.outgoing]
    vectors = [p.name for p in group.vectors]
    return group.name, group.size, incoming, vectors, outgoing, group.prunable


def test_channels_become_pixels_where_the_image_is_flattened():
    groups = make(MODELS["sdsnn-mnist"]).neurons()
    conv1, conv2, linear1 = "conv1.weight", "conv2.weight", "linear1.weight"
    assert [described(group) for group in groups] == [
        ("lif1", 15, [conv1], ["conv1.bias"], [(conv2, 9)], True),
        ("lif2", 40, [conv2], ["conv2.bias"], [(linear1, 49)], True),
        ("lif3", 300, [linear1], ["linear1.bias"], [("linear2.weight", 1)], True),
    ]
    ((p, columns_of),) = groups[1].outgoing
    np.testing.assert_array_equal(columns_of(3), np.arange(3 * 49, 4 * 49))
    both = np.r_[np.arange(0, 49), np.arange(39 * 49, 40 * 49)]
    np.testing.assert_array_equal(columns_of(np.array([0, 39])), both)
    assert p.shape == (300, 1960)


def test_a_normalised_group_has_bias_gamma_and_beta():
    groups = make(MODELS["vgg16"], (3, 32, 32), "batch", width=0.1).neurons()
    assert [group.size for group in groups] == [6, 6, 13, 13] + 3 * [26] + 6 * [51]
    assert [p.name for p in groups[3].vectors] == ["conv4.bias", "norm4.gamma", "norm4.beta"]
    assert described(groups[-1])[4:] == ([("linear1.weight", 1)], True)  # 1 x 1 pixels


def test_only_neurons_inside_a_residual_block_are_prunable():
    groups = {group.name: group for group in make(resnet19, (3, 16, 16), "batch", 0.1).neurons()}
    assert len(groups) == 18
    # The first convolution feeds body and shortcut of the first block, by weights both.
    outgoing = [("block1.conv1.weight", 9), ("block1.shortcut.conv1.weight", 1)]
    assert described(groups["lif1"])[4:] == (outgoing, True)
    assert described(groups["block1.lif1"])[4:] == ([("block1.conv2.weight", 9)], True)
    incoming = ["block1.conv2.weight", "block1.shortcut.conv1.weight"]
    vectors = [f"block1.{n}.{p}" for n in ("norm2", "shortcut.norm1") for p in ("gamma", "beta")]
    assert described(groups["block1.lif2"])[2:4] == (incoming, vectors)
    assert described(groups["lif2"]) == (
        "lif2", 26, ["linear1.weight"], ["linear1.bias"], [("linear2.weight", 1)], True,
    )  # fmt: skip
    fixed = {f"block{block}.lif2" for block in range(1, 9)}
    assert {name for name, group in groups.items() if not group.prunable} == fixed


class Reverse(Layer):
    """Neurons in another order: what no walk through layers can know."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, x, training=False):
        return x[::-1]

    def backward(self, dy):
        return dy[::-1]


def layers(body):
    rng = np.random.default_rng(0)
    return {
        "identity": lambda: Sequential([
            Flatten(), Linear(4, 5, rng, name="linear1"), LIF(NEURON, name="lif1"),
            Residual(Linear(5, 5, rng, name="linear2")), LIF(NEURON, name="lif2"),
            Integrator(5, 10, rng, name="linear3"),
        ]),
        "no readout": lambda: Sequential([
            Flatten(), Linear(4, 10, rng, name="linear1"), LIF(NEURON, name="lif1"),
        ]),
        "unknown layer": lambda: Sequential([
            Flatten(), Linear(4, 5, rng, name="linear1"), LIF(NEURON, name="lif1"), Reverse("a"),
            Linear(5, 6, rng, name="linear2"), LIF(NEURON, name="lif2"), Reverse("b"),
            LIF(NEURON, name="lif3"), Integrator(6, 10, rng, name="linear3"),
        ]),
        "encoding": lambda: Sequential([
            LIF(NEURON, name="lif0"), Flatten(), Linear(4, 5, rng, name="linear1"),
            LIF(NEURON, name="lif1"), LIF(NEURON, name="lif2"),
            Integrator(5, 10, rng, name="linear3"),
        ]),
    }[body]()  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), [
    ("identity", [("lif1", False), ("lif2", False)]),
    ("no readout", [("lif1", False)]),
    ("unknown layer", [("lif1", False), ("lif2", False)]),
    ("encoding", [("lif1", False)]),  # no weight leads to the other two
])  # fmt: skip
def test_spikes_that_go_elsewhere_than_to_weights_keep_their_neurons(body, expected):
    network = build(lambda *_: layers(body), NEURON, (1, 2, 2), 10, np.random.default_rng(1))
    assert [(group.name, group.prunable) for group in network.neurons()] == expected
