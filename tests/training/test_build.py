"""The network that a configuration asks for."""

import numpy as np
import pytest

from nsnn.layers import LIF, AvgPool2d, MaxPool2d
from nsnn.training.build import make_network
from nsnn.training.config_file import load_config


def make(*options):
    config = load_config(None, [f"model.{option}" for option in ("width=0.05", *options)])
    return make_network(config, (3, 32, 32), 10)


@pytest.mark.parametrize(("pool", "kind"), [("average", AvgPool2d), ("max", MaxPool2d)])
@pytest.mark.parametrize("name", ["vgg16", "lenet5", "sdsnn-mnist"])
def test_the_pool(name, pool, kind):
    layers = make(f"name={name}", f"pool={pool}").layers()
    pools = [layer for layer in layers if layer.name.startswith("pool")]
    assert pools
    assert all(isinstance(layer, kind) for layer in pools)


@pytest.mark.parametrize(("strides", "sides"), [
    ((), [16, 8, 4]), (("strides=2,2,2",), [16, 8, 4]), (("strides=1,2,2",), [32, 16, 8]),
])  # fmt: skip
def test_the_strides(strides, sides):
    network = make("name=resnet19", *strides)
    network.predict(np.zeros((1, 3, 32, 32)))
    lifs = {layer.name: layer for layer in network.layers() if isinstance(layer, LIF)}
    assert [lifs[f"block{i}.lif2"].s.shape[1] for i in (3, 6, 8)] == sides
