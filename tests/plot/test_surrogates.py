"""Pictures of the surrogates."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.plot import surrogates
from nsnn.surrogate import SURROGATES


def test_each_surrogate_has_its_step_and_its_derivative():
    left, right = surrogates()
    steps, curves = left.lines[1:], right.lines[:-1]
    names = right.get_legend_handles_labels()[1]
    assert names == [*SURROGATES, "spike (no derivative)"]
    assert len(steps) == len(curves) == len(SURROGATES)
    for primitive, phi in zip(steps, curves, strict=True):
        x, y = primitive.get_data()
        slope = np.diff(y) / np.diff(x)
        assert np.sum(np.abs(slope - (phi.get_ydata()[1:] + phi.get_ydata()[:-1]) / 2) > 0.01) <= 4
        assert phi.get_ydata()[x == 0.0] == pytest.approx(1.0)
        assert primitive.get_color() == phi.get_color()


def test_one_width_for_those_that_are_named():
    _, right = surrogates(["rectangle"], width=2.0)
    assert right.lines[0].get_ydata().max() == 0.5
    with pytest.raises(UserError, match="choose one of arctan"):
        surrogates(["box"])
