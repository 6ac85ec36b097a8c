"""Network and optimiser as the configuration asks."""

import dataclasses
import functools

from nsnn.losses import LOSSES
from nsnn.models import architecture, build, network_class
from nsnn.neuron import Neuron, from_preset
from nsnn.optim import SGD, Adam
from nsnn.streams import stream


def make_network(config, shape, classes: int):
    """The network of a configuration at its first step, in float32, of whatever kind it is.

    Parameters
    ----------
    config : Config
    shape : tuple of int
        (C, H, W) of the input.
    classes : int
    """
    name, model = config.model.name, config.model.options
    rng, kind = stream(config.train.seed, "init"), network_class(name)
    if hasattr(kind, "from_config"):
        return kind.from_config(config, shape, classes, rng)
    network = build(
        architecture(name, model.layers, model.pool, model.strides),
        make_neuron(config.neuron),
        shape,
        classes,
        rng,
        width=model.width,
        norm=model.norm,
        storage=model.storage,
        name=name,
    )
    network.loss = make_loss(config.train)
    return network


def make_neuron(neuron) -> Neuron:
    """The neuron of table [neuron]; None means: as the preset says."""
    return from_preset(**dataclasses.asdict(neuron))


def make_loss(train):
    """The loss function of table [train]: (outputs, labels) to (loss, d_outputs)."""
    loss = LOSSES[train.loss]
    return functools.partial(loss, lam=train.tet_lambda) if train.loss == "tet" else loss


def make_optimiser(optim, parameters):
    """The optimiser of table [optim] for a list of parameters."""
    common = {"weight_decay": optim.weight_decay, "max_norm": optim.clip}
    if optim.name == "sgd":
        return SGD(parameters, optim.momentum, nesterov=optim.nesterov, **common)
    return Adam(parameters, optim.beta1, optim.beta2, optim.eps, **common)
