"""The network that a configuration asks for."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.layers import LIF, AvgPool2d, MaxPool2d
from nsnn.training.build import load_data, make_network
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


def test_events_of_another_number_of_time_steps_are_refused_before_a_network_is_made(tmp_path):
    images, labels = np.zeros((9, 4, 1, 6, 6), np.uint8), np.arange(9) % 3
    arrays = {"train_images": images, "test_images": images}
    np.savez(tmp_path / "e.npz", train_labels=labels, test_labels=labels, **arrays)
    options = ["data.name=arrays", f"data.dir={tmp_path}/e.npz", "neuron.time_steps=3"]
    with pytest.raises(UserError, match="arrays: events of 4 time steps, but neuron"):
        load_data(load_config(None, options))
    assert load_data(load_config(None, [*options, "neuron.time_steps=4"])).time_steps == 4
