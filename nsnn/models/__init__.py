"""The papers' networks by name, your own beside them, and one function that builds any of them."""

import functools
import inspect
import re
from collections import Counter

import numpy as np

from nsnn.errors import UserError
from nsnn.firstspike import FirstSpikeNetwork
from nsnn.layers.base import Layer
from nsnn.layers.container import Composite
from nsnn.models.builder import POOLS
from nsnn.models.lenet import lenet5
from nsnn.models.notation import from_notation
from nsnn.models.resnet import resnet19
from nsnn.network import Network
from nsnn.neuron import Neuron
from nsnn.text import nearest
from nsnn.timestepped import TimeSteppedNetwork

# model.name: the network's notation (`nsnn.models.notation`), or a function for what that cannot
# say. Add your own to choose it as model.name:
#
#     def mine(neuron, input_shape, classes, rng, width, norm, dtype) -> Sequential: ...
#     MODELS["mine"] = mine
#
# The arguments are those of `build`, in this order; the layers map (C, H, W, T or 1, B) to
# (classes, T, B), and each has a name of its own. The function may also take model.pool ("average"
# or "max") as `pool` and model.strides (three numbers) as `strides`, both with a default. For a
# network that is not time-stepped: a subclass of `nsnn.network.Network`, its options in a nested
# `Config`, with a class method `from_config(config, input_shape, classes, rng)`.
MODELS = {
    "sdsnn-mnist": "15C3-AP2-40C3-AP2-300",  # SD-SNN's network for MNIST, N-MNIST, DVS-Gesture
    # SD-SNN's network for CIFAR-10: 21,356,928 weights
    "sdsnn-cifar": "128C3-128C3-MP2-256C3-256C3-MP2-512C3-512C3-512",
    "mlp": "800",  # "2FC" of the papers: 784-800-10
    "lenet5": lenet5,
    # VGG-16 of the papers: with norm = "batch" and 10 classes, 14,728,266 parameters
    "vgg16": "64C3-64C3-MP2-128C3-128C3-MP2-256C3-256C3-256C3-MP2-512C3-512C3-512C3-MP2-"
    "512C3-512C3-512C3-MP2",
    # ESL's and TET's network for CIFAR10-DVS, events of 2 x 48 x 48: 9,271,498 parameters
    "vggsnn": "64C3-128C3-AP2-256C3-256C3-AP2-512C3-512C3-AP2-512C3-512C3-AP2",
    "resnet19": resnet19,
    "custom": "",  # model.layers
    "firstspike": FirstSpikeNetwork,  # Mostafa's, as ESL trains it on MNIST
}

# (C, H, W) of what a model is trained on in the papers, where this is not MNIST.
INPUT_SHAPES = {
    "vggsnn": (2, 48, 48),
    **dict.fromkeys(("sdsnn-cifar", "lenet5", "vgg16", "resnet19"), (3, 32, 32)),
}


def usual_input(name: str) -> tuple[int, int, int]:
    """(C, H, W) of what the model `name` is usually trained on; MNIST's where it does not say."""
    return INPUT_SHAPES.get(name, (1, 28, 28))


# How tables and figures call the models of the papers, in their order there.
TITLES = {
    "vgg16": "VGG-16",
    "resnet19": "ResNet-19",
    "vggsnn": "VGGSNN",
    "lenet5": "LeNet-5",
    "sdsnn-mnist": "SDSNN-MNIST",
    "sdsnn-cifar": "SDSNN-CIFAR",
    "mlp": "MLP",
    "firstspike": "first-spike",
}


def network_class(name: str) -> type[Network]:
    """The kind of network that a model is: its `Config` has the options of table [model].

    Raises UserError for an unknown model, naming the nearest.
    """
    if name not in MODELS:
        raise UserError(f"model.name = {name!r}: {nearest(name, MODELS)}")
    model = MODELS[name]
    return model if isinstance(model, type) else TimeSteppedNetwork


def architecture(name: str, layers: str = "", pool: str | None = None, strides: str | None = None):
    """What `build` builds the model `name` from: its notation, or a function.

    The arguments are options of table [model], see `TimeSteppedNetwork.Config`. Raises UserError
    for an unknown model, or an option that the model does not have.
    """
    network_class(name)
    if layers and name != "custom":
        raise UserError("model.layers is for model.name = 'custom'; remove one of the two")
    if not layers and name == "custom":
        raise UserError("model.name = 'custom' needs model.layers, such as '16C3-AP2-128'")
    options = {"pool": pool, "strides": strides and tuple(map(int, strides.split(",")))}
    options = {option: value for option, value in options.items() if value}
    for option in options:
        if option not in _options(MODELS[name]):
            raise UserError(f"model.{option} does not apply to model.name = {name!r}: remove it")
    if isinstance(MODELS[name], str):
        notation = layers or MODELS[name]
        return re.sub("AP|MP", POOLS[pool], notation) if pool else notation
    return functools.partial(MODELS[name], **options) if options else MODELS[name]


def build(
    model,
    neuron: Neuron,
    input_shape,
    classes: int,
    rng,
    width: float = 1.0,
    norm: str = "none",
    dtype=np.float32,
    storage: str = "csr",
    name: str = "custom",
) -> TimeSteppedNetwork:
    """Build a time-stepped network.

    Parameters
    ----------
    model : str or callable
        Notation such as "15C3-AP2-300" (`nsnn.models.notation`), or a function as in `MODELS`.
    neuron : Neuron
    input_shape : tuple of int
        (C, H, W).
    classes : int
    rng : numpy.random.Generator
        Draws the initial weights, layer by layer.
    width : float
        Factor of all channels and hidden neurons, rounded, at least 1 remains.
    norm : "none" or "batch"
        "batch": batch normalisation of the current before every LIF.
    dtype : float32 or float64
    storage : "csr", "auto" or "dense"
        How weights are held once a method makes them sparse, see `Parameter.storage`.
    name : str
        The model's name in messages.

    Raises
    ------
    UserError
        For a notation that cannot be read, too small an image, or two layers of the same name.
    """
    if not 0 < width < float("inf"):
        raise UserError(f"model.width = {width}: must be positive and finite")
    if norm not in ("none", "batch"):
        raise UserError(f"model.norm = {norm!r}: use 'none' or 'batch'")
    common = (neuron, tuple(input_shape), classes, rng, width, norm, np.dtype(dtype))
    if isinstance(model, str):
        what = "" if name == "custom" else f"model.name = {name!r}"
        body = from_notation(model, *common, what=what)
    else:
        body = model(*common)
        _check_body(body, name)
    for parameter in body.parameters():
        parameter.storage = storage
    return TimeSteppedNetwork(body, input_shape, classes, neuron, dtype)


def _options(model) -> set[str]:
    """Which of model.pool and model.strides a model has."""
    if isinstance(model, str):
        return {"pool"} if re.search("AP|MP", model) else set()
    return {"pool", "strides"} & inspect.signature(model).parameters.keys()


def _check_body(body, name):
    """Raise UserError unless a function has made layers, each with a name of its own.

    Checkpoints, logs and measures know layers by their names.
    """
    parts = [body]
    for part in parts:  # and what each is made of
        if not isinstance(part, Layer):
            found = f"a {type(part).__name__}, no layer"
            raise UserError(f"model.name = {name!r}: its function returned {found}")
        parts += part.inner() if isinstance(part, Composite) else []
    counts = Counter(layer.name for layer in body.layers())
    twice = [repr(layer) for layer, count in counts.items() if count > 1]
    if twice:
        raise UserError(
            f"model.name = {name!r}: more than one layer is called {', '.join(twice)}; each needs "
            "a name of its own"
        )
