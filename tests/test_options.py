"""Options: limits and types are held wherever an option comes from."""

from dataclasses import dataclass

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.options import build, check, kinds, limits_in_words, option, typed


@dataclass(frozen=True)
class Example:
    """One option of each kind."""

    rate: float = option(0.1, "learning rate", above=0, at_most=1)
    steps: int = option(4, at_least=1)
    name: str = option("erk", choices=("erk", "uniform"))
    on: bool = False
    width: float | None = option(None, above=0)


def test_values_within_their_limits_pass():
    made = build(Example, {"rate": (1, "--set"), "name": ("uniform", "--set")}, "x")
    assert made == Example(rate=1.0, name="uniform")
    assert type(made.rate) is float
    check(Example(rate=np.float64(0.5), steps=np.int64(2), width=2.0), "x")


@pytest.mark.parametrize(("key", "value", "words"), [
    ("rate", 0.0, "must be above 0 and at most 1"),
    ("rate", 1.5, "must be above 0 and at most 1"),
    ("rate", float("nan"), "expected a finite number"),
    ("rate", 10**400, "expected a finite number"),
    ("steps", 0, "must be at least 1"),
    ("steps", 2.0, "expected a whole number"),
    ("steps", True, "expected a whole number"),
    ("on", 1, "expected true or false"),
    ("name", "ERC", "did you mean erk? Known: erk, uniform"),
    ("width", -1.0, "must be above 0"),
])  # fmt: skip
def test_what_is_refused_is_refused_from_toml_and_from_python(key, value, words):
    with pytest.raises(UserError) as error:
        build(Example, {key: (value, "my.toml")}, "x")
    assert words in str(error.value)
    assert "my.toml" in str(error.value)
    with pytest.raises(UserError) as error:
        check(Example(**{key: value}), "x")
    assert words in str(error.value)
    assert str(error.value).startswith(f"x.{key}")


def test_none_stands_for_a_default_that_depends_on_others():
    check(Example(), "x")
    with pytest.raises(UserError, match=r"x\.rate: expected a number"):
        check(Example(rate=None), "x")


def test_kinds_and_words():
    assert kinds(Example)["width"] is float
    assert limits_in_words({"meaning": "", "at_least": 0, "below": 1}) == "at least 0 and below 1"
    with pytest.raises(TypeError, match="unknown limit atleast"):
        option(1, atleast=0)


def test_minus_zero_is_zero():
    """Its sign passes a limit "at least 0", and NumPy refuses an interval from 0 to -0."""
    assert str(typed(-0.0, float, "x.scale")) == "0.0"
