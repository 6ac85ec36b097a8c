"""One way to declare an option: a field of a frozen dataclass with its limits and its meaning.

    @dataclass(frozen=True)
    class OptimConfig:
        lr: float = option(0.1, "learning rate", above=0)
        schedule: str = option("cosine", choices=("constant", "cosine"))
        clip: float | None = option(None, "largest norm of the gradient", above=0)

The configuration's tables, `Neuron`, every method's `Config` and the files of experiments are such
classes. `check` holds a finished object against its limits, `build` makes one from what a user
has written and names the place in its errors.
"""

import dataclasses
import math
import types
import typing

from nsnn.errors import UserError
from nsnn.text import nearest, whatever_case

LARGEST = 3.4028235e38  # of float32, in which networks train

# How a message calls a type, in TOML's words.
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}

_LIMITS = {
    "at_least": (lambda value, limit: value >= limit, "at least"),
    "above": (lambda value, limit: value > limit, "above"),
    "at_most": (lambda value, limit: value <= limit, "at most"),
    "below": (lambda value, limit: value < limit, "below"),
}


def option(default, meaning: str = "", **limits):
    """A field with limits: `choices`, `at_least`, `above`, `at_most`, `below`.

    The default None, for a value that depends on others, meets every limit.
    """
    if unknown := limits.keys() - {"choices", *_LIMITS}:
        raise TypeError(f"option: unknown limit {', '.join(sorted(unknown))}")
    return dataclasses.field(default=default, metadata={"meaning": meaning, **limits})


def kinds(owner: type) -> dict[str, type]:
    """The type of each option of a class; `X | None` counts as X."""
    found = {}
    for name, hint in typing.get_type_hints(owner).items():
        if isinstance(hint, types.UnionType):
            hint = next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)
        found[name] = hint
    return found


def typed(value, kind: type, where: str):
    """`value` as `kind`: a whole number passes for a number, true and false for neither.

    Raises UserError for another type, and for nan and inf: no option has a use for them.
    """
    if kind is float and type(value) is int:
        value = float(value) if abs(value) <= LARGEST else math.inf
    if type(value) is not kind:
        got = _WORDS.get(type(value), type(value).__name__)
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        raise UserError(f"{where}: expected {_WORDS[kind]}, got {shown} ({got})")
    if kind is float and not abs(value) <= LARGEST:  # nan fails as well
        beyond = ", too large for float32" if math.isfinite(value) else ""
        raise UserError(f"{where}: expected a finite number, got {value}{beyond}")
    # A name of a file whose bytes are not UTF-8: config.toml could not hold it.
    if kind is str and value.encode(errors="ignore").decode() != value:
        raise UserError(f"{where}: expected UTF-8 text, got {value!r}")
    return value + 0.0 if kind is float else value  # 0 for -0.0, whose sign limits do not see


def check_limits(value, limits, where: str) -> None:
    """Raise UserError where a value is outside the limits of its option; `where` names both."""
    if value is None:
        return
    if "choices" in limits and value not in limits["choices"]:
        raise UserError(f"{where}: {nearest(value, limits['choices'])}")
    given = [name for name in _LIMITS if name in limits]
    if not all(_LIMITS[name][0](value, limits[name]) for name in given):
        raise UserError(f"{where}: must be {limits_in_words(limits)}")


def limits_in_words(limits) -> str:
    """Such as "at least 0 and below 1", or the choices."""
    if "choices" in limits:
        return " | ".join(map(str, limits["choices"]))
    told = (f"{words} {limits[n]:.10g}" for n, (_, words) in _LIMITS.items() if n in limits)
    return " and ".join(told)


def check(options, table: str) -> None:
    """Hold every field of a dataclass object made in Python against its type and limits.

    Raises UserError such as "neuron.decay = 2.0: must be at least 0 and at most 1", of a `table`.
    """
    types_of = kinds(type(options))
    for field in dataclasses.fields(options):
        value, where = getattr(options, field.name), f"{table}.{field.name}"
        if value is None and field.default is None:
            continue
        value = typed(plain(value), types_of[field.name], where)
        check_limits(value, field.metadata, f"{where} = {value!r}")


def build(owner: type, values: dict, table: str):
    """An object of a dataclass from what a user has written.

    `values` has by option each value and the place where it was written, which messages name.
    Raises UserError for a wrong type or a value outside its limits.
    """
    types_of = kinds(owner)
    fields = {field.name: field for field in dataclasses.fields(owner)}
    made = {}
    for key, (value, source) in values.items():
        name = f"{table}.{key}"
        value = typed(value, types_of[key], f"{name} ({source})")
        if types_of[key] is str:
            value = whatever_case(value, fields[key].metadata.get("choices", ()))
        check_limits(value, fields[key].metadata, f"{name} = {value!r} ({source})")
        made[key] = value
    return owner(**made)


def plain(value):
    """A NumPy scalar as Python's own number, anything else as it is."""
    item = getattr(value, "item", None)
    return item() if item is not None and getattr(value, "shape", None) == () else value
