"""A configuration as text: read from TOML and `--set`, written back, each option described."""

import difflib
import json
import tomllib
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import NamedTuple

from nsnn.data import DATASETS
from nsnn.errors import UnknownNameError, UserError
from nsnn.methods import METHODS
from nsnn.models import MODELS
from nsnn.neuron import from_preset
from nsnn.options import build, kinds, limits_in_words, typed
from nsnn.text import nearest, whatever_case
from nsnn.training.config import CHOICES, TABLES, Choice, Config, option_classes, translated

# ValueError: bad syntax, or a number of thousands of digits. RecursionError: brackets as deep.
_NO_TOML = (ValueError, RecursionError)

# The names on which other options or their defaults depend.
_NAMES = ("model.name", "method.name", "neuron.preset")

_REGISTRIES = {"data.name": DATASETS, "model.name": MODELS, "method.name": METHODS}
_MEANINGS = {"model.name": "network", "method.name": "how it is trained and made sparse"}

_HEAD = """\
# All options of this model and method, and their values; a file of any of them is a CONFIG.toml.
# Another one has others: add --set method.name=NAME, --set model.name=NAME."""


class _Entry(NamedTuple):
    """A value and where it was written; `word` is what a `--set` says after the equals sign."""

    value: object
    source: str
    word: str | None = None

    def wanted_as(self, kind: type):
        """The value, or the word itself where the option wants text: model.layers=300."""
        if kind is str and self.word is not None and not isinstance(self.value, str):
            return self.word
        return self.value


def load_config(path=None, assignments=()) -> Config:
    """The defaults, changed by a TOML file, changed by `--set` assignments.

    The file has the tables of `nsnn.training.config`; of `assignments`, each "table.key=value",
    the last one of a key wins. Raises UserError for a file that cannot be read, an unknown table or
    key (naming the nearest), a wrong type, a value outside its limits.
    """
    entries = {}
    if path is not None:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise UserError(f"config file {path}: {reason}") from None
        entries = _entries(_options(text, str(path)), str(path))
    for assignment in assignments:
        entries |= _assignment(assignment)
    return _config(entries)


def parse_config(text: str, source: str) -> Config:
    """The configuration in a TOML text; `source` names it in messages."""
    return from_options(_options(text, source), source)


def from_options(options: dict, source: str) -> Config:
    """The configuration with these options by "table.key"; `flatten` gives them back."""
    return _config(_entries(options, source))


def to_toml(config: Config) -> str:
    """The configuration as TOML; `parse_config` gives an equal one back."""
    tables = {}
    for name, value in flatten(config).items():
        table, _, key = name.partition(".")
        lines = tables.setdefault(table, [f"[{table}]"])
        if value is not None:  # TOML has no null: left out, as the default is
            lines.append(f"{key} = {toml_value(value)}")
    return "\n\n".join("\n".join(lines) for lines in tables.values()) + "\n"


def described(config: Config) -> str:
    """All options as TOML, each with its meaning, limits and, where it was changed, default."""
    declared = {
        f"{table}.{field.name}": field.metadata
        for table, owner in option_classes(config.model.name, config.method.name).items()
        for field in fields(owner)
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


def differences(ours: Config, theirs: Config) -> list[tuple]:
    """What differs, as (table.key, ours, theirs); empty for equal configurations."""
    mine, other = flatten(ours), flatten(theirs)
    names = [n for n in sorted(mine.keys() | other.keys()) if mine.get(n) != other.get(n)]
    return [(name, mine.get(name), other.get(name)) for name in names]


def changed(config: Config) -> dict:
    """The options by "table.key" that are not at their defaults, in their order."""
    usual = _usual(config)
    return {key: value for key, value in flatten(config).items() if value != usual[key]}


def flatten(config: Config) -> dict:
    """All options by "table.key"."""
    flat = {}
    for table in TABLES:
        section = getattr(config, table)
        if isinstance(section, Choice):
            flat[f"{table}.name"], section = section.name, section.options
        if section is not None:
            flat |= {f"{table}.{f.name}": getattr(section, f.name) for f in fields(section)}
    return flat


def spelt(name: str, value):
    """The value of an option "table.key" as nsnn spells it: "RigL" is no second method."""
    table, _, key = name.partition(".")
    known = [*_REGISTRIES.get(name, ())]
    (models, model), (methods, method) = CHOICES.values()
    pairs = [(each, method) for each in models] + [(model, each) for each in methods]
    for owner in {option_classes(*pair).get(table) for pair in pairs} - {None}:
        found = [f.metadata.get("choices", ()) for f in fields(owner) if f.name == key]
        known += [choice for choices in found for choice in choices]
    return whatever_case(value, known) if isinstance(value, str) else value


def _options(text: str, source: str) -> dict:
    """Options by "table.key" of a TOML text."""
    try:
        tables = tomllib.loads(text)
    except _NO_TOML as error:
        raise UserError(f"{source} is not valid TOML: {error}") from None
    options = {}
    for table, content in tables.items():
        if not isinstance(content, dict):
            raise UserError(f"{source}: {table} is a table, write [{table}] above its keys")
        options |= {f"{table}.{key}": value for key, value in content.items()}
    return options


def _usual(config: Config) -> dict:
    """The defaults by "table.key" of all options that go with the configuration's names."""
    names = {key: value for key, value in flatten(config).items() if key in _NAMES}
    start = flatten(load_config())
    return flatten(from_options(names, "names")) | {name: start[name] for name in names}


def _entries(options: dict, source: str) -> dict:
    """`{(table, key): entry}` of options by "table.key", maybe of an older nsnn."""
    return {
        tuple(name.partition(".")[::2]): _Entry(value, source)
        for name, value in translated(options).items()
        if value is not None
    }


def _assignment(text: str) -> dict:
    """The entry of "table.key=value"; what is not TOML is text, so that names need no quotes.

    But .5 and 5. are numbers, which TOML writes 0.5 and 5.0.
    """
    name, equals, value = text.partition("=")
    table, dot, key = name.strip().partition(".")
    if not (equals and dot and key):
        raise UserError(f"--set {text}: write table.key=value, such as --set train.epochs=3")
    word = value.strip()
    try:
        parsed, *more = tomllib.loads(f"value = {value}").values()
        if more:
            raise UserError(f"--set {text!r}: one line sets one option")
    except _NO_TOML:
        try:
            parsed = float(word)
        except ValueError:
            parsed = word
    return {(table, key): _Entry(parsed, f"--set {text}", word)}


def _config(entries: dict) -> Config:
    names = {table: _name(table, entries.pop((table, "name"), None)) for table in CHOICES}
    classes = option_classes(**names)
    values = {table: {} for table in classes}
    for (table, key), entry in entries.items():
        _check_key(table, key, entry.source, names, classes)
        values[table][key] = (entry.wanted_as(kinds(classes[table])[key]), entry.source)
    tables = {table: build(owner, values[table], table) for table, owner in classes.items()}
    data = tables["data"]
    tables["data"] = replace(data, name=whatever_case(data.name, DATASETS))
    for table, name in names.items():
        if hasattr(tables[table], "validate"):
            tables[table].validate()
        tables[table] = Choice(name, tables[table])
    neuron = tables.setdefault("neuron", None)
    if neuron is not None:  # the preset's values are written in: it says all that the run will do
        tables["neuron"] = replace(neuron, **asdict(from_preset(**asdict(neuron))))
    return Config(**tables)


def _name(table: str, entry: _Entry | None) -> str:
    """The name that chooses a table's options: a model's or a method's."""
    registry, default = CHOICES[table]
    if entry is None:
        return default
    name = typed(entry.wanted_as(str), str, f"{table}.name ({entry.source})")
    name = whatever_case(name, registry)
    if name not in registry:
        where = f"{table}.name = {name!r} ({entry.source})"
        raise UnknownNameError(f"{where}: {nearest(name, registry)}")
    return name


def _check_key(table: str, key: str, source: str, names: dict, classes: dict) -> None:
    """Raise UserError for an option that the table does not have, with the one that is meant."""
    if table not in TABLES:
        raise UserError(f"unknown table [{table}] ({source}): {nearest(table, TABLES)}")
    if table not in classes:
        why = f"model.name = {names['model']!r} has no such neurons; leave the table out"
        raise UserError(f"{table}.{key} ({source}): {why}")
    known = [field.name for field in fields(classes[table])]
    if key in known:
        return
    chosen = f" for {table}.name = {names[table]!r}" if table in names else ""
    elsewhere = [other for other, owner in classes.items() if key in kinds(owner)]
    if elsewhere and not difflib.get_close_matches(key, known):
        hint = f"did you mean {elsewhere[0]}.{key}?"
    elif known:
        hint = nearest(key, ["name", *known] if chosen else known)
    else:
        hint = f"this {table} has no option but its name; leave the key out"
    raise UserError(f"unknown key {table}.{key} ({source}){chosen}: {hint}")


def toml_value(value) -> str:
    """A bool, number or text as TOML writes it: as JSON, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
