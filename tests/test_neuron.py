"""The presets are the papers' neurons; impossible ones are refused."""

import dataclasses

import pytest

from nsnn.errors import UserError
from nsnn.neuron import PRESETS, Neuron, from_preset

# preset: decay, gain, reset, detached, surrogate (spec: the table of neurons)
TABLE = {
    "ndsnn": (0.5, 1.0, "subtract", True, "arctan"),
    "esl": (0.5, 1.0, "zero", False, "triangle"),
    "sdsnn": (0.2, 1.0, "zero", True, "rectangle"),
    "lth": (0.25, 0.75, "zero", True, "arctan"),
}


def test_presets():
    assert set(PRESETS) == set(TABLE)
    for name, expected in TABLE.items():
        n = from_preset(name)
        assert (n.decay, n.gain, n.reset, n.detach_reset, n.surrogate) == expected
        assert n.threshold == n.surrogate_width == 1.0


def test_changes():
    n = from_preset("esl", decay=0.9, threshold=None, time_steps=7)
    assert (n.decay, n.threshold, n.time_steps, n.reset) == (0.9, 1.0, 7, "zero")
    assert PRESETS["esl"]["decay"] == 0.5
    assert from_preset("esl", surrogate="sigmoid").surrogate_width == 4.0  # its own default
    assert from_preset("esl", surrogate="sigmoid", surrogate_width=2.0).surrogate_width == 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        n.decay = 0.1


@pytest.mark.parametrize(("option", "value"), [
    ("reset", "hard"), ("decay", -0.1), ("decay", 1.1), ("decay", float("nan")),
    ("threshold", 0.0), ("threshold", -1.0), ("surrogate_width", 0.0), ("surrogate_width", -2.0),
    ("time_steps", 0), ("surrogate", "step"),
    *[(option, value) for option in ("threshold", "surrogate_width", "gain")
      for value in (float("nan"), float("inf"))],
])  # fmt: skip
def test_impossible_neurons(option, value):
    with pytest.raises(UserError, match=option):
        Neuron(**{option: value})
