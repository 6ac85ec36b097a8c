"""The papers' networks have the papers' numbers of weights, and ERK gives the papers' densities."""

import functools
import itertools

import numpy as np
import pytest

from nsnn.data import Batch
from nsnn.errors import UserError
from nsnn.layers import LIF, AvgPool2d, Conv2d, Flatten, Integrator, Linear, Residual, Sequential
from nsnn.models import MODELS, architecture, build, resnet19
from nsnn.models.resnet import resnet
from nsnn.neuron import from_preset
from nsnn.sparsity.distribution import layer_densities

NEURON = from_preset("ndsnn", time_steps=2)
MNIST, CIFAR, DVS = (1, 28, 28), (3, 32, 32), (2, 48, 48)


def make(name, shape, classes=10, pool=None, strides=None, **options):
    model = architecture(name, pool=pool, strides=strides)
    return build(model, NEURON, shape, classes, np.random.default_rng(70), name=name, **options)


def dims(network):
    return [p.dims for p in network.parameters() if p.prunable]


def names(network):
    return [layer.name for layer in network.layers()]


def count(network, kind):
    return sum(isinstance(layer, kind) for layer in network.layers())


TIME_STEPPED = {name for name, model in MODELS.items() if not isinstance(model, type)}


@pytest.mark.parametrize(("name", "shape", "norm", "weights", "everything"), [
    ("sdsnn-mnist", MNIST, "none", 596_535, 596_535 + 365),
    ("sdsnn-mnist", (2, 34, 34), "none", 776_670, 776_670 + 365),  # N-MNIST
    ("sdsnn-cifar", CIFAR, "none", 21_356_928, None),
    ("mlp", MNIST, "none", 635_200, 635_200 + 810),
    ("vgg16", CIFAR, "batch", 14_715_584, 14_728_266),
    ("vggsnn", DVS, "batch", None, 9_271_498),
    ("resnet19", CIFAR, "batch", 12_619_968, 12_630_858),
    ("lenet5", CIFAR, "none", 61_770, 61_770 + 236),  # its papers count the weights alone
])  # fmt: skip
def test_a_model_has_the_parameters_of_its_paper(name, shape, norm, weights, everything):
    parameters = make(name, shape, norm=norm).parameters()
    assert weights in (None, sum(p.size for p in parameters if p.prunable))
    assert everything in (None, sum(p.size for p in parameters))


def test_lenet5_has_a_border_where_images_are_small():
    later = [(16, 6, 5, 5), (120, 400), (84, 120), (10, 84)]
    large, small = make("lenet5", CIFAR), make("lenet5", MNIST)
    assert dims(large) == [(6, 3, 5, 5), *later]
    assert dims(small) == [(6, 1, 5, 5), *later]  # a border of 2 pixels: it too ends at 5 x 5
    assert count(large, AvgPool2d) == count(small, AvgPool2d) == 2


def test_averages_of_vggsnn_go_on_as_they_are():
    for layer, following in itertools.pairwise(make("vggsnn", DVS).layers()):
        assert not isinstance(layer, AvgPool2d) or isinstance(following, Conv2d | Flatten)


@pytest.mark.parametrize(("name", "shape", "density", "expected"), [
    ("vgg16", CIFAR, 0.05,
     [1, 0.334, 0.246, 0.163, 0.121, 0.081, 0.081, 0.060, *[0.040] * 5, 1]),
    ("vgg16", CIFAR, 0.01,
     [0.748, 0.064, 0.048, 0.031, 0.023, 0.016, 0.016, 0.012, *[0.008] * 5, 1]),
    ("vggsnn", DVS, 0.10, [1.0, 0.475, 0.234, 0.155, 0.116, 0.077, 0.077, 0.077, 1.0]),
])  # fmt: skip
def test_erk_gives_the_papers_densities(name, shape, density, expected):
    densities = layer_densities("erk", dims(make(name, shape)), density)
    np.testing.assert_allclose(densities, expected, atol=5e-4)


def test_erk_leaves_shortcuts_of_resnet19_dense():
    network = make("resnet19", CIFAR, norm="batch")
    of = [p.name.removesuffix(".weight") for p in network.parameters() if p.prunable]
    densities = dict(zip(of, layer_densities("erk", dims(network), 0.05), strict=True))
    dense = {name for name, density in densities.items() if density == 1}
    assert dense == {"conv1", "block1.shortcut.conv1", "linear2"}
    partly = {"block4.shortcut.conv1": 0.709, "block7.shortcut.conv1": 0.354, "linear1": 0.353}
    assert {name: densities[name] for name in partly} == pytest.approx(partly, abs=5e-4)


@pytest.mark.parametrize("name", sorted(TIME_STEPPED - {"custom"}))
def test_every_model_trains_at_any_width(name):
    shape = DVS if name == "vggsnn" else CIFAR
    rng = np.random.default_rng(71)
    images, labels = rng.integers(0, 256, (3, *shape)).astype(np.uint8), np.array([0, 3, 6])
    for norm in ("batch", "none"):
        network = make(name, shape, classes=7, width=0.04, norm=norm)
        layers = [layer for layer in network.layers() if isinstance(layer, Conv2d | Linear)]
        assert [layer.input_gradient for layer in layers] == [False] + [True] * (len(layers) - 1)
        assert isinstance(layers[-1], Integrator)
        assert layers[-1].weight.shape[0] == 7
        assert len(set(names(network))) == len(names(network))
        loss, predictions = network.loss_and_backward(Batch(images, labels))
        assert np.isfinite(loss)
        assert predictions.shape == (3,)
        assert set(predictions) <= set(range(7))
        assert {p.data.dtype for p in network.parameters()} == {np.dtype("f4")}
        # A constant image goes through one time step up to the first neurons.
        assert network.layers()[0].forward(network.encode(images)).shape[-2] == 1


@pytest.mark.parametrize(("name", "shape", "least"), [
    ("vgg16", (1, 28, 28), 32), ("vggsnn", (2, 48, 15), 16), ("sdsnn-cifar", (3, 3, 32), 4),
    ("sdsnn-mnist", (1, 3, 3), 4), ("lenet5", (1, 11, 28), 12),
])  # fmt: skip
def test_images_too_small_for_the_model(name, shape, least):
    _, H, W = shape
    with pytest.raises(UserError) as caught:
        make(name, shape, width=0.01)
    assert str(caught.value) == (
        f"model.name = '{name}': images of {H}x{W} pixels are too small, it needs at least "
        f"{least}x{least}"
    )
    assert make(name, (shape[0], least, least), width=0.01).classes == 10


def shortcuts(model, width=1.0):
    """Of each residual block the geometry of its shortcut's weights."""
    rng = np.random.default_rng(72)
    body = build(model, NEURON, (3, 8, 8), 5, rng, width=width, norm="batch").body
    blocks = [part for part in body.parts if isinstance(part, Residual)]
    return [block.shortcut and block.shortcut.parts[0].geometry for block in blocks]


def test_a_shortcut_has_weights_only_where_the_shape_changes():
    halves = (1, 1, 2, 0)  # a kernel of one pixel, stride 2
    assert shortcuts(resnet19, 0.06) == [halves, None, None, halves, None, None, halves, None]
    model = functools.partial(resnet, stages=[(4, 2)], strides=[1], hidden=6)
    assert shortcuts(functools.partial(model, stem=4)) == [None, None]
    assert shortcuts(functools.partial(model, stem=3)) == [(1, 1, 1, 0), None]


def test_convolutions_of_a_resnet_have_a_bias_only_without_norm():
    for norm in ("batch", "none"):
        layers = make("resnet19", CIFAR, width=0.05, norm=norm).layers()
        bare = {layer.bias is None for layer in layers if isinstance(layer, Conv2d)}
        assert bare == {norm == "batch"}


def test_resnet_takes_the_smallest_image():
    assert make("resnet19", (3, 1, 1), width=0.05).predict(np.zeros((2, 3, 1, 1))).shape == (2,)


def test_architecture():
    assert architecture("custom", "4C3-10") == "4C3-10"
    for name in set(MODELS) - {"custom"}:
        assert architecture(name) == MODELS[name]


@pytest.mark.parametrize(("name", "layers", "options", "message"), [
    ("lenet", "", {}, r"model\.name = 'lenet': did you mean lenet5"),
    ("mlp", "800", {}, r"model\.layers is for model\.name = 'custom'"),
    ("resnet19", "800", {}, r"model\.layers is for model\.name = 'custom'"),
    ("custom", "", {}, r"needs model\.layers"),
    ("resnet19", "", {"pool": "max"}, r"model\.pool does not apply to model\.name = 'resnet19'"),
    ("custom", "4C3-AP2", {"pool": "max"}, r"model\.pool does not apply"),
    ("vgg16", "", {"strides": "1,2,2"}, r"model\.strides does not apply to model\.name = 'vgg16'"),
    ("custom", "4C3", {"strides": "1,2,2"}, r"model\.strides does not apply"),
])  # fmt: skip
def test_options_that_do_not_apply(name, layers, options, message):
    with pytest.raises(UserError, match=message):
        architecture(name, layers, **options)


def mine(neuron, input_shape, classes, rng, width, norm, dtype, pool="max", label="linear1"):
    size = int(np.prod(input_shape))
    hidden = Linear(size, round(8 * width), rng, dtype, name="linear1")
    readout = Integrator(round(8 * width), classes, rng, dtype, name=label)
    return Sequential([Flatten(pool), hidden, LIF(neuron, dtype), readout])


def test_a_model_of_one_s_own(monkeypatch):
    monkeypatch.setitem(MODELS, "mine", lambda *a, **k: mine(*a, label="linear2", **k))
    network = make("mine", MNIST, width=0.5)
    assert dims(network) == [(4, 784), (10, 4)]
    monkeypatch.setitem(MODELS, "notation", "3C3-AP2")
    assert dims(make("notation", MNIST)) == [(3, 1, 3, 3), (10, 3 * 14 * 14)]
    with pytest.raises(UserError, match=r"model\.strides does not apply"):
        architecture("notation", strides="1,2,2")
    monkeypatch.setitem(MODELS, "mine", mine)
    with pytest.raises(UserError, match="'mine': more than one layer is called 'linear1'"):
        make("mine", MNIST)
    monkeypatch.setitem(MODELS, "mine", lambda *a, pool="max": mine(*a, pool=pool, label="linear2"))
    assert make("mine", MNIST, pool="average").layers()[0].name == "average"
