"""What is known of options: their meaning, their spelling, and which differ from the defaults."""

import dataclasses

from nsnn.data import DATASETS
from nsnn.methods import METHODS
from nsnn.models import MODELS
from nsnn.options import limits_in_words
from nsnn.text import whatever_case
from nsnn.training.config import CHOICES, Config, option_classes
from nsnn.training.config_file import flatten, from_options, load_config, toml_value

# The names on which other options or their defaults depend.
_NAMES = ("model.name", "method.name", "neuron.preset")

_REGISTRIES = {"data.name": DATASETS, "model.name": MODELS, "method.name": METHODS}
_MEANINGS = {"model.name": "network", "method.name": "how it is trained and made sparse"}

_HEAD = """\
# All options of this model and method, and their values; a file of any of them is a CONFIG.toml.
# Another one has others: add --set method.name=NAME, --set model.name=NAME."""


def spelt(name: str, value):
    """The value of an option "table.key" as nsnn spells it: "RigL" is no second method."""
    table, _, key = name.partition(".")
    known = [*_REGISTRIES.get(name, ())]
    (models, model), (methods, method) = CHOICES.values()
    pairs = [(each, method) for each in models] + [(model, each) for each in methods]
    for owner in {option_classes(*pair).get(table) for pair in pairs} - {None}:
        found = [f.metadata.get("choices", ()) for f in dataclasses.fields(owner) if f.name == key]
        known += [choice for choices in found for choice in choices]
    return whatever_case(value, known) if isinstance(value, str) else value


def _usual(config: Config) -> dict:
    """The defaults by "table.key" of all options that go with the configuration's names."""
    names = {key: value for key, value in flatten(config).items() if key in _NAMES}
    start = flatten(load_config())
    return flatten(from_options(names, "names")) | {name: start[name] for name in names}


def changed(config: Config) -> dict:
    """The options by "table.key" that are not at their defaults, in their order."""
    usual = _usual(config)
    return {key: value for key, value in flatten(config).items() if value != usual[key]}


def described(config: Config) -> str:
    """All options as TOML, each with its meaning, limits and, where it was changed, default."""
    declared = {
        f"{table}.{field.name}": field.metadata
        for table, owner in option_classes(config.model.name, config.method.name).items()
        for field in dataclasses.fields(owner)
    }
    usual, lines, head = _usual(config), [_HEAD], ""
    for name, value in flatten(config).items():
        table, _, key = name.partition(".")
        if table != head:
            lines += ["", f"[{table}]"]
            head = table
        limits = limits_in_words(declared.get(name, {}))
        notes = [" | ".join(_REGISTRIES[name]) if name in _REGISTRIES else limits]
        if value != usual[name]:
            notes.append(f"default: {usual[name]!r}")
        meaning = _MEANINGS.get(name) or declared[name].get("meaning", "")
        more = "; ".join(note for note in notes if note)
        # TOML has no null: an option that depends on others stands there without a value.
        entry = f"# {key}" if value is None else f"{key} = {toml_value(value)}"
        meaning += f" ({more})" if more else ""
        lines.append(f"{entry:<26} # {meaning}" if meaning else entry)
    return "\n".join(lines)
