"""Checks of what an experiment's TOML says; each names the place and, where it can, the cure."""

from nsnn.errors import UserError
from nsnn.experiments.schema import nearest


def known_label(label, axes: dict, where: str) -> None:
    """Raise UserError unless `label` is one of [axes]; the message names the nearest."""
    if not isinstance(label, str) or label not in axes:
        raise UserError(f"{where}: {label!r} is no label of [axes]; {nearest(str(label), axes)}")


def check_keys(content, known, where: str, required=()) -> None:
    """Raise UserError unless `content` is a table with these keys and no other."""
    for key in typed(content, dict, where):
        if key not in known:
            raise UserError(f"{where}: unknown key {key}; {nearest(key, known)}")
    for key in required:
        if key not in content:
            raise UserError(f"{where}: {key} is missing")


def typed(value, kind: type, where: str):
    """`value`, or UserError where it is of another kind."""
    words = {dict: "a table", list: "a list", str: "text"}
    if not isinstance(value, kind):
        raise UserError(f"{where}: expected {words[kind]}, got {value!r}")
    return value
