"""The list of all options, and which of them a configuration has changed."""

import dataclasses
import itertools

import pytest

from nsnn.methods import METHODS, Method
from nsnn.models import MODELS
from nsnn.training.config import option_classes
from nsnn.training.config_file import load_config, parse_config
from nsnn.training.config_list import changed, described


def test_every_option_has_a_meaning():
    for names in itertools.product(MODELS, METHODS):
        for table, owner in option_classes(*names).items():
            for field in dataclasses.fields(owner):
                assert field.metadata["meaning"], f"{names}: {table}.{field.name}"


@pytest.mark.parametrize("words", [
    [],
    ["model.name=firstspike", "method.name=esl", "train.epochs=2"],
    ["neuron.preset=sdsnn", "neuron.decay=0.9", "model.pool=max", "method.name=dense"],
])  # fmt: skip
def test_the_list_is_a_configuration_of_every_option(words):
    config = load_config(None, words)
    text = described(config)
    assert parse_config(text, "the list") == config
    for table, owner in option_classes(config.model.name, config.method.name).items():
        section = text.partition(f"[{table}]\n")[2].partition("\n\n")[0]
        lines = {line.removeprefix("# ").split()[0]: line for line in section.splitlines()}
        for field in dataclasses.fields(owner):
            assert f"# {field.metadata['meaning']}" in lines[field.name]


def test_a_line_says_value_meaning_limits_and_the_default_that_was_changed():
    lines = described(load_config(None, ["optim.lr=0.5", "train.loss=tet"])).splitlines()
    found = [" ".join(line.split()) for line in lines]
    assert "lr = 0.5 # learning rate at the start (above 0; default: 0.1)" in found
    assert "epochs = 5 # passes over the training data (at least 1)" in found
    assert "# pool # None: the model's own (average | max)" in found
    (loss,) = [line for line in found if line.startswith("loss = ")]
    assert "(cross_entropy | tet | " in loss
    (method,) = [line for line in found if line.startswith('name = "ndsnn"')]
    assert " | ".join(METHODS) in method


def test_an_option_of_a_plugin_may_be_without_a_word(monkeypatch):
    class Mine(Method):
        @dataclasses.dataclass(frozen=True)
        class Config(Method.Config):
            strength: float = 2.0

    monkeypatch.setitem(METHODS, "mine", Mine)
    text = described(load_config(None, ["method.name=Mine"]))
    assert "\nstrength = 2.0" in text


def test_changed_are_the_names_and_what_they_do_not_bring():
    assert changed(load_config()) == {}
    words = ["neuron.preset=sdsnn", "neuron.reset=zero", "method.name=esl", "train.epochs=5"]
    assert changed(load_config(None, [*words, "neuron.decay=0.9", "method.prune=magnitude"])) == {
        "neuron.preset": "sdsnn", "neuron.decay": 0.9,
        "method.name": "esl", "method.prune": "magnitude",
    }  # fmt: skip
