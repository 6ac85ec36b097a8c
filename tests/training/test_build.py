"""The network that a configuration asks for."""

import numpy as np
import pytest

from nsnn.layers import AvgPool2d, MaxPool2d
from nsnn.training.build import make_network
from nsnn.training.config_file import load_config


@pytest.mark.parametrize(("pool", "kind"), [("", MaxPool2d), ("model.pool=average", AvgPool2d)])
def test_the_pool(pool, kind):
    options = ["model.name=vgg16", "model.width=0.05", *filter(None, [pool])]
    layers = make_network(load_config(None, options), (3, 32, 32), 10).layers()
    assert sum(isinstance(layer, kind) for layer in layers) == 5


@pytest.mark.parametrize(("strides", "side"), [("", 16), ("model.strides=1,2,2", 32)])
def test_the_strides(strides, side):
    options = ["model.name=resnet19", "model.width=0.05", *filter(None, [strides])]
    network = make_network(load_config(None, options), (3, 32, 32), 10)
    network.predict(np.zeros((1, 3, 32, 32)))
    neurons = next(layer for layer in network.layers() if layer.name == "block1.lif2")
    assert neurons.s.shape[1] == side
