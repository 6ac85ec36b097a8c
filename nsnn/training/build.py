"""Network and optimiser as the configuration asks."""

import dataclasses
import functools

import numpy as np

from nsnn.data import DataSet, load
from nsnn.errors import UserError
from nsnn.losses import LOSSES
from nsnn.models import architecture, build, network_class
from nsnn.neuron import from_preset
from nsnn.optim import SGD, Adam
from nsnn.streams import stream


def load_data(config, directory=None) -> DataSet:
    """The data set of a configuration; `directory` stands for data.dir when it has moved."""
    data, where = config.data, directory or config.data.dir
    seed, T = config.train.seed, config.time_steps
    loaded = load(data.name, where, data.validation, seed, T, data.frames)
    if None not in (T, loaded.time_steps) and loaded.time_steps != T:
        found = f"{data.name}: events of {loaded.time_steps} time steps"
        raise UserError(f"{found}, but neuron.time_steps = {T}: set them equal")
    if not data.samples:
        return loaded
    n = len(loaded.train)
    if data.samples > n:
        raise UserError(f"data.samples = {data.samples}: {data.name} has {n} to train on")
    some = np.sort(stream(seed, "data").choice(n, data.samples, replace=False))
    return dataclasses.replace(loaded, train=loaded.train.take(some))


def make_network(config, shape, classes: int):
    """The network of a `Config` at its first step, for input (C, H, W), in float32."""
    name, model = config.model.name, config.model.options
    rng, kind = stream(config.train.seed, "init"), network_class(name)
    if hasattr(kind, "from_config"):
        return kind.from_config(config, shape, classes, rng)
    layers = architecture(name, model.layers, model.pool, model.strides)
    neuron = from_preset(**dataclasses.asdict(config.neuron))
    options = {"width": model.width, "norm": model.norm, "storage": model.storage, "name": name}
    network = build(layers, neuron, shape, classes, rng, **options)
    network.init, network.loss = model.init, LOSSES[config.train.loss]
    if config.train.loss == "tet":
        network.loss = functools.partial(network.loss, lam=config.train.tet_lambda)
    return network


def make_optimiser(optim, parameters):
    """The optimiser of table [optim] for a list of parameters."""
    common = {"weight_decay": optim.weight_decay, "max_norm": optim.clip}
    if optim.name == "sgd":
        return SGD(parameters, optim.momentum, nesterov=optim.nesterov, **common)
    return Adam(parameters, optim.beta1, optim.beta2, optim.eps, **common)
