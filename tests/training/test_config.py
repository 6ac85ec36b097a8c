"""Types and limits of options."""

import pytest

from nsnn.errors import UserError
from nsnn.training.config import check_limits, typed


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [(3, int, 3), (3, float, 3.0), (0.5, float, 0.5), ("a", str, "a"), (True, bool, True)],
)
def test_values_of_the_right_type_pass(value, kind, expected):
    found = typed(value, kind, "x")
    assert found == expected
    assert type(found) is kind


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (True, int, r"expected a whole number, got true \(true or false\)"),
        (True, float, r"expected a number, got true \(true or false\)"),
        (1, bool, r"expected true or false, got 1 \(a whole number\)"),
        (1.0, int, r"expected a whole number, got 1.0 \(a number\)"),
        ("1", int, r"expected a whole number, got '1' \(text\)"),
        (1, str, r"expected text, got 1 \(a whole number\)"),
        ([1], int, r"expected a whole number, got \[1\] \(list\)"),
        (float("nan"), float, "expected a finite number, got nan"),
        (float("inf"), float, "expected a finite number, got inf"),
    ],
)
def test_other_types_say_expected_and_got(value, kind, message):
    with pytest.raises(UserError, match=f"train.x: {message}"):
        typed(value, kind, "train.x")


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        (0, {"at_least": 1}, "must be at least 1"),
        (0.0, {"above": 0}, "must be above 0"),
        (1.5, {"at_most": 1}, "must be at most 1"),
        (1.0, {"at_least": 0, "below": 1}, "must be below 1"),
        ("c", {"choices": ("a", "b")}, "use one of a, b"),
    ],
)
def test_limits(value, limits, message):
    with pytest.raises(UserError, match=f"optim.x: {message}"):
        check_limits(value, limits, "optim.x")


@pytest.mark.parametrize(
    ("value", "limits"),
    [(1, {"at_least": 1}), (1, {"at_most": 1}), (0.1, {"above": 0, "below": 1}), ("a", {})],
)
def test_values_at_their_limits_pass(value, limits):
    check_limits(value, limits, "x")
