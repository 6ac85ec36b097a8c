"""The network that a configuration asks for."""

import pytest

from nsnn.errors import UserError
from nsnn.layers import AvgPool2d, MaxPool2d, Residual
from nsnn.training.build import make_network
from nsnn.training.config_file import load_config


def make(*assignments, shape=(3, 32, 32)):
    options = [f"model.{text}" for text in ("width=0.05", *assignments)]
    return make_network(load_config(None, options), shape, 10)


def test_the_pool():
    for text, kind in ((), MaxPool2d), (("pool=average",), AvgPool2d):
        layers = make("name=vgg16", *text).layers()
        assert sum(isinstance(layer, kind) for layer in layers) == 5


def test_the_strides():
    for text, stride in ((), 2), (("strides=1,2,2",), 1):
        body = make("name=resnet19", *text).body
        block = next(part for part in body.parts if isinstance(part, Residual))
        assert block.body.parts[0].geometry == (3, 3, stride, 1)


@pytest.mark.parametrize(("assignments", "message"), [
    (["name=mlp", "pool=max"], r"model\.pool does not apply to model\.name = 'mlp'"),
    (["name=vgg16", "strides=1,2,2"], r"model\.strides does not apply"),
    (["name=vgg16", "pool=min"], r"model\.pool = 'min'.*Known: average, max"),
    (["name=resnet19", "strides=2"], r"model\.strides = '2'.*Known: 2,2,2, 1,2,2"),
    (["name=vgg11"], r"model\.name = 'vgg11' .*did you mean vgg16"),
])  # fmt: skip
def test_options_that_do_not_apply(assignments, message):
    with pytest.raises(UserError, match=message):
        make(*assignments)
