"""Pictures of networks whose neurons fire once."""

import numpy as np
import pytest

from nsnn.plot import race, spike_times


def test_each_layer_has_a_row_and_silent_neurons_are_in_none():
    z = {"input": np.array([[1.0, 6.0], [6.0, 1.0]]), "linear1": np.array([[np.e, np.inf]])}
    ax = spike_times(z, bins=10)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["input\n100.0 % fire", "linear1\n50.0 % fire"]
    assert len(ax.collections) == 2
    top = [each.get_paths()[0].vertices for each in ax.collections]
    assert top[0][:, 1].max() == pytest.approx(1.85)
    high = top[1][top[1][:, 1] > 0.5, 0]  # the bin of the only spike
    assert high.min() <= 1.0 <= high.max()


def test_a_layer_that_never_fires_is_drawn():
    assert len(spike_times({"linear1": np.full((3, 2), np.inf)}).collections) == 1


def test_a_race_ends_at_the_threshold():
    """Spikes at z = 1 and 6; outputs 2/(2 − 1) = 2, 3/(3 − 2) …; the third never fires."""
    W, z = np.array([[2.0, 0.0], [0.0, 3.0], [0.5, 0.0]]), np.array([1.0, 6.0])
    z_out = np.array([2.0, 9.0, np.inf])
    ax = race(W, z, z_out, label=1)
    assert ax.get_title(loc="left") == "Race of the outputs: class 1, 0 fires first"
    lines = [line for line in ax.lines if len(line.get_xdata()) == 300]
    ends = [(line.get_xdata()[-1], line.get_ydata()[-1]) for line in lines]
    np.testing.assert_allclose(ends[0], (np.log(2), 1), atol=1e-12)
    np.testing.assert_allclose(ends[1], (np.log(9), 1), atol=1e-12)
    assert ends[2][1] < 0.5
    silent = race(W, z, np.full(3, np.inf), label=0)
    assert silent.get_title(loc="left").endswith("none fires")
