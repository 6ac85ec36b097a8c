"""Configuration from TOML and --set, and back; the list of all options, and which are changed."""

import dataclasses
import itertools

import pytest

from nsnn.errors import UserError
from nsnn.methods import METHODS, Method
from nsnn.models import MODELS
from nsnn.training.config import option_classes
from nsnn.training.config_file import (
    changed,
    described,
    differences,
    flatten,
    from_options,
    load_config,
    parse_config,
    to_toml,
)


def test_defaults_then_a_file_then_set_the_last_wins(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("[train]\nepochs = 7\nseed = 3\n[method]\nfinal_sparsity = 0.9\n")
    config = load_config(path, ["train.epochs=8", "train.epochs = 9"])
    assert (config.data.name, config.method.name) == ("glyphs", "ndsnn")
    assert (config.train.epochs, config.train.seed) == (9, 3)
    assert (config.method.options.final_sparsity, config.optim.momentum) == (0.9, 0.9)


@pytest.mark.parametrize(("assignment", "value"), [
    ("data.dir=/a folder/b=c", "/a folder/b=c"),
    ("data.dir='quoted'", "quoted"),
    ("data.dir=", ""),
    ("model.layers=300", "300"),
    ("optim.lr=1", 1.0),
    ("optim.lr=1e-3", 1e-3),
    ("method.final_sparsity=.99999", 0.99999),
    ("optim.lr=+.5e-3", 0.5e-3),
    ("optim.lr=1.", 1.0),
    ("data.dir=.5", ".5"),
    ("optim.nesterov=true", True),
    ("method.name=dense", "dense"),
])  # fmt: skip
def test_set_takes_toml_values_and_bare_words(assignment, value):
    name = assignment.partition("=")[0]
    found = flatten(load_config(None, [assignment]))[name]
    assert found == value
    assert type(found) is type(value)


def test_names_match_whatever_their_case():
    words = ["method.name=SET", "data.name=MNIST", "model.name=VGG16", "neuron.preset=SDSNN"]
    written = load_config(None, [*words, "optim.name=Adam"])
    assert written == load_config(None, [word.lower() for word in [*words, "optim.name=adam"]])
    assert (written.data.name, written.optim.name) == ("mnist", "adam")


@pytest.mark.parametrize("assignments", [
    [],
    ["method.name=dense", "optim.name=adam", "optim.lr=1e-05"],
    ["neuron.preset=sdsnn", "neuron.decay=0.5"],
    ['data.dir="ü \\"quoted\\" back\\\\slash \\t tab \\u007f"'],
])  # fmt: skip
def test_written_configuration_reads_back_equal(assignments):
    config = load_config(None, assignments)
    text = to_toml(config)
    assert parse_config(text, "x") == config
    assert to_toml(parse_config(text, "x")) == text
    assert from_options(flatten(config), "x") == config


def test_silent_neuron_options_are_the_preset_s():
    neuron = load_config(None, ["neuron.preset=sdsnn", "neuron.threshold=0.5"]).neuron
    assert (neuron.decay, neuron.reset, neuron.surrogate) == (0.2, "zero", "rectangle")
    assert neuron.threshold == 0.5
    assert None not in dataclasses.asdict(neuron).values()


def test_differences_name_what_differs():
    ours, theirs = load_config(), load_config(None, ["optim.lr=0.7", "train.seed=5"])
    names = [name for name, _, _ in differences(ours, theirs)]
    assert names == ["optim.lr", "train.seed"]
    assert differences(ours, load_config()) == []
    other = differences(ours, load_config(None, ["method.name=dense"]))
    assert ("method.name", "ndsnn", "dense") in other
    assert ("method.final_sparsity", 0.95, None) in other


@pytest.mark.parametrize(("assignment", "message"), [
    ("optim.momentun=1", r"unknown key optim.momentun \(--set optim.momentun=1\): did you mean "
     r"momentum\?"),
    ("train.lr=1", r"unknown key train.lr .*: did you mean optim.lr\?"),
    ("model.nam=mlp", r"did you mean name\? Known: name, "),
    ("method.final_spasity=0.9", r"did you mean final_sparsity\?"),
    ("modle.name=x", r"unknown table \[modle\] .*: did you mean model\?"),
    ("method.name=ndsn", r"method.name = 'ndsn' .*: did you mean ndsnn\?"),
    ("train.epochs=ten", r"train.epochs \(--set .*\): expected a whole number, got 'ten'"),
    ("optim.lr=0", r"optim.lr = 0.0 .*: must be above 0"),
    ("method.name=dense method.final_sparsity=0.9",
     r"unknown key method.final_sparsity .*leave the key out"),
    ("method.name=dense method.lr=1", r"unknown key method.lr .*did you mean optim.lr\?"),
    ("model.storage=coo", r"model.storage = 'coo' .*: Known: csr"),
    ("method.final_sparsity=1.0", r"method.final_sparsity = 1.0"),
    ("method.initial_sparsity=0.99", r"method.initial_sparsity = 0.99 is above"),
    ("epochs=3", r"--set epochs=3: write table.key=value"),
    ("train.seed=1\ntrain.epochs=77", "one line sets one option"),
    ("train.epochs", r"--set train.epochs: write table.key=value"),
    ("optim.lr=1e39", r"optim.lr \(--set .*\): .* got 1e\+39, too large for float32"),
    (f"optim.lr={10**400}", r"optim.lr \(--set .*\): expected a finite number"),
    (f"train.seed={'9' * 5000}", r"train.seed \(--set .*\): expected a whole number"),
    (f"train.seed={'[' * 5000}", r"train.seed \(--set .*\): expected a whole number"),
    ("neuron.time_steps=1000001", r"neuron.time_steps = 1000001 .*: .*at most 1000000"),
    ("data.dir=d\udcff", r"data.dir \(--set .*\): expected UTF-8 text, got 'd\\udcff'"),
])  # fmt: skip
def test_mistakes_are_one_line_that_names_key_and_place(assignment, message):
    with pytest.raises(UserError, match=message) as caught:
        load_config(None, assignment.split(" "))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "message"), [
    ("[train]\nepochs = \n", "a.toml is not valid TOML"),
    ("[trian]\nepochs = 1\n", r"unknown table \[trian\] \(.*a.toml\): did you mean train"),
    ("[train]\nepoch = 1\n", r"unknown key train.epoch \(.*a.toml\): did you mean epochs"),
    ("a = " + "[" * 100_000, r"a.toml is not valid TOML: maximum recursion depth"),
    ("a = " + "9" * 5000, r"a.toml is not valid TOML: Exceeds the limit"),
    ("train = 3\n", r"a.toml: train is a table, write \[train\]"),
    ("\udcff", r"config file .*a.toml: not a text file"),
    ("[train]\nepochs = '3'\n", r"train.epochs \(.*a.toml\): expected a whole number"),
])  # fmt: skip
def test_mistakes_in_a_file_name_the_file(tmp_path, text, message):
    path = tmp_path / "a.toml"
    with pytest.raises(UserError, match=r"config file .*a.toml: No such file"):
        load_config(path)
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=message):
        load_config(path)


def test_each_model_has_its_own_options():
    chosen = "model.name=firstspike"  # has no LIF neurons
    config = load_config(None, [chosen, "model.dark=3"])
    assert (config.model.options.dark, config.neuron) == (3.0, None)
    text = to_toml(config)
    assert "[neuron]" not in text
    assert parse_config(text, "x") == config
    for assignment, message in [
        ("model.norm=none", r"unknown key model.norm \(--set .*\) for model.name = 'firstspike': "),
        ("model.dark=1", r"model.dark = 1.0 \(--set .*\): must be above 1"),
        ("neuron.decay=0.5", r"neuron.decay \(--set .*\): model.name = 'firstspike' has no such"),
    ]:
        with pytest.raises(UserError, match=message):
            load_config(None, [chosen, assignment])
    with pytest.raises(UserError, match=r"unknown key model.dark .* for model.name = 'mlp'"):
        load_config(None, ["model.name=mlp", "model.dark=3"])


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
