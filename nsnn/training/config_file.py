"""Reading a configuration from TOML and `--set`, and writing it back."""

import dataclasses
import difflib
import json
import re
import tomllib
from pathlib import Path

from nsnn.errors import UserError
from nsnn.methods import METHODS
from nsnn.training.build import make_neuron
from nsnn.training.config import (
    DEFAULT_METHOD,
    TABLES,
    Config,
    MethodConfig,
    check_limits,
    option_kinds,
    table_options,
    translated,
    typed,
)

# ValueError: bad syntax, or a number of thousands of digits. RecursionError: brackets as deep.
_NO_TOML = (ValueError, RecursionError)

# A number with digits on one side of its point only.
_BARE_POINT = re.compile(r"[+-]?([0-9]+\.|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclasses.dataclass(frozen=True)
class _Entry:
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

    Parameters
    ----------
    path : path-like, optional
        A TOML file with the tables of `nsnn.training.config`.
    assignments : sequence of str
        "table.key=value", the last one of a key wins.

    Returns
    -------
    Config
        With the preset's values written in, so that it says all that the run will do.

    Raises
    ------
    UserError
        For a file that cannot be read, an unknown table or key (naming the nearest), a wrong
        type, a value outside its limits.
    """
    entries = {}
    if path is not None:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise UserError(f"config file {path}: {reason}") from None
        entries = _entries(text, str(path))
    for assignment in assignments:
        entries |= _assignment(assignment)
    return _config(entries)


def parse_config(text: str, source: str) -> Config:
    """The configuration in a TOML text; `source` names it in messages."""
    return _config(_entries(text, source))


def to_toml(config: Config) -> str:
    """The configuration as TOML; `parse_config` gives an equal one back."""
    lines = []
    for table in TABLES:
        section = getattr(config, table)
        lines.append(f"[{table}]")
        if table == "method":
            lines.append(f"name = {toml_value(section.name)}")
            section = section.options
        for f in dataclasses.fields(section):
            value = getattr(section, f.name)
            if value is not None:  # TOML has no null: left out, as the default is
                lines.append(f"{f.name} = {toml_value(value)}")
        lines.append("")
    return "\n".join(lines)


def differences(ours: Config, theirs: Config) -> list[tuple]:
    """What differs, as (table.key, ours, theirs); empty for equal configurations."""
    mine, other = flatten(ours), flatten(theirs)
    names = sorted(mine.keys() | other.keys())
    pairs = [(name, mine.get(name), other.get(name)) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def flatten(config: Config) -> dict:
    """All options by "table.key"."""
    flat = {"method.name": config.method.name}
    for table in TABLES:
        section = config.method.options if table == "method" else getattr(config, table)
        for f in dataclasses.fields(section):
            flat[f"{table}.{f.name}"] = getattr(section, f.name)
    return flat


def _entries(text: str, source: str) -> dict:
    """`{(table, key): (value, source)}` of a TOML text."""
    try:
        tables = tomllib.loads(text)
    except _NO_TOML as error:
        raise UserError(f"{source} is not valid TOML: {error}") from None
    flat = {}
    for table, content in tables.items():
        _known_table(table, source)
        if not isinstance(content, dict):
            raise UserError(f"{source}: {table} is a table, write [{table}] above its keys")
        flat |= {f"{table}.{key}": value for key, value in content.items()}
    named = {tuple(name.split(".", 1)): value for name, value in translated(flat).items()}
    return {name: _Entry(value, source) for name, value in named.items()}


def _assignment(text: str) -> dict:
    """The entry of "table.key=value"; what is not TOML is text, so that names need no quotes.

    But .5 and 5. are numbers, which TOML writes 0.5 and 5.0.
    """
    name, equals, value = text.partition("=")
    table, dot, key = name.strip().partition(".")
    if not (equals and dot and key):
        raise UserError(f"--set {text}: write table.key=value, such as --set train.epochs=3")
    _known_table(table, f"--set {text}")
    word = value.strip()
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except _NO_TOML:
        parsed = float(word) if _BARE_POINT.fullmatch(word) else word
    return {(table, key): _Entry(parsed, f"--set {text}", word)}


def _config(entries: dict) -> Config:
    """Build and check every table."""
    chosen = entries.pop(("method", "name"), _Entry(DEFAULT_METHOD, "default"))
    method = typed(chosen.value, str, f"method.name ({chosen.source})")
    if method not in METHODS:
        raise UserError(f"method.name = {method!r} ({chosen.source}): {_nearest(method, METHODS)}")
    values = {table: {} for table in TABLES}
    kinds = {table: option_kinds(table, method) for table in TABLES}
    for (table, key), entry in entries.items():
        name, source = f"{table}.{key}", entry.source
        if key not in kinds[table]:
            raise UserError(f"unknown key {name} ({source}): {_hint(table, key, kinds)}")
        value = typed(entry.wanted_as(kinds[table][key]), kinds[table][key], f"{name} ({source})")
        limits = table_options(table, method)[key].metadata
        check_limits(value, limits, f"{name} = {value!r} ({source})")
        values[table][key] = value
    options = METHODS[method].Config(**values.pop("method"))
    options.validate()
    tables = {table: TABLES[table](**options) for table, options in values.items()}
    tables["neuron"] = _by_preset(tables["neuron"])
    return Config(method=MethodConfig(method, options), **tables)


def _by_preset(neuron):
    """Write the preset's values where the configuration is silent."""
    return dataclasses.replace(neuron, **dataclasses.asdict(make_neuron(neuron)))


def _known_table(table: str, source: str) -> None:
    if table not in TABLES:
        raise UserError(f"unknown table [{table}] ({source}): {_nearest(table, TABLES)}")


def _nearest(name: str, known) -> str:
    """The nearest of the known names, and all of them."""
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)
    return f"did you mean {nearest[0]}? Known: {', '.join(known)}"


def _hint(table: str, key: str, kinds: dict) -> str:
    """The table that has this key, or the nearest key of the table that was named."""
    elsewhere = [other for other in kinds if key in kinds[other]]
    if elsewhere and not difflib.get_close_matches(key, list(kinds[table])):
        return f"did you mean {elsewhere[0]}.{key}?"
    if not kinds[table]:  # only [method], of a method such as dense
        return "this method has no option but its name; leave the key out"
    return _nearest(key, kinds[table])


def toml_value(value) -> str:
    """A bool, number or text as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A JSON string is a TOML basic string, but for the one control character JSON lets pass.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
