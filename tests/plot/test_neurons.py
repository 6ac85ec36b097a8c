"""Traces, rasters and rates show the numbers they were given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from nsnn.errors import UserError
from nsnn.plot import membrane_trace, most_telling, raster, spike_rates


def spikes(seed=0, shape=(6, 9), rate=0.3):
    return (np.random.default_rng(seed).random(shape) < rate).astype(np.uint8)


def test_trace_draws_the_membrane_of_the_chosen_neurons():
    v = np.random.default_rng(1).normal(size=(6, 9))
    s = (v >= 0.7).astype(np.uint8)
    ax = membrane_trace(v, s, threshold=0.7, neurons=[4, 1])
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(lines["neuron 4"].get_ydata(), v[4])
    np.testing.assert_array_equal(lines["neuron 1"].get_xdata(), np.arange(9))
    np.testing.assert_array_equal(lines["threshold"].get_ydata(), [0.7, 0.7])
    assert "neuron 0" not in lines


def test_trace_marks_each_spike_on_the_membrane():
    v = np.random.default_rng(2).normal(size=(3, 8))
    s = (v >= 0.5).astype(np.uint8)
    ax = membrane_trace(v, s, threshold=0.5, neurons=[2])
    (marks,) = [line for line in ax.lines if line.get_marker() == "^" and len(line.get_xdata())]
    np.testing.assert_array_equal(marks.get_xdata(), np.flatnonzero(s[2]))
    np.testing.assert_array_equal(marks.get_ydata(), v[2][s[2] == 1])
    assert f"{s[2].sum()} spikes" in ax.get_title(loc="left")


def test_trace_draws_on_the_given_axes_only():
    ax = Figure().add_subplot()
    assert membrane_trace(np.zeros((2, 3)), np.zeros((2, 3), np.uint8), ax=ax) is ax


@pytest.mark.parametrize("shape", [(6, 8), (6,), (6, 9, 1)])
def test_trace_refuses_arrays_that_do_not_match(shape):
    with pytest.raises(UserError, match="one sample"):
        membrane_trace(np.zeros((6, 9)), np.zeros(shape, np.uint8))


def test_raster_has_one_tick_a_spike():
    s = spikes()
    ax = raster(s)
    row, time = np.nonzero(s)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), time)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), row)
    assert f"{s.sum()} spikes of 6 neurons: {s.mean():.3f}" in ax.get_title(loc="left")


def test_raster_of_chosen_neurons_and_of_silence():
    s = spikes(3)
    np.testing.assert_array_equal(
        raster(s, [5, 0]).lines[0].get_xdata()[: s[5].sum()], np.flatnonzero(s[5])
    )
    assert raster(np.zeros((4, 5), np.uint8)).lines[0].get_xdata().size == 0
    with pytest.raises(UserError, match="neurons, time steps"):
        raster(np.zeros((4, 5, 2), np.uint8))


def test_most_telling_spans_from_the_most_active_to_the_least_that_fires():
    s = np.zeros((6, 10), np.uint8)
    for neuron, count in enumerate([0, 3, 9, 1, 5, 7]):
        s[neuron, :count] = 1
    assert most_telling(s, 2).tolist() == [2, 3]
    assert 0 not in most_telling(s, 4)
    s[:4] = 0
    s[5] = 0
    assert most_telling(s, 2).tolist() == [0, 4]  # the only one that fires is shown
    assert most_telling(np.zeros((3, 4), np.uint8)).tolist() == [0, 1, 2]


def test_spike_rates_has_a_line_a_layer_over_the_epochs():
    rates = np.random.default_rng(4).random((5, 2))
    records = [
        {"epoch": e, "spike_rate": float(r.mean()), "spike_rates": {"lif1": r[0], "lif2": r[1]}}
        for e, r in enumerate(rates)
    ]
    ax = spike_rates(records)
    assert [line.get_label() for line in ax.lines] == ["lif1", "lif2"]
    for column, line in enumerate(ax.lines):
        np.testing.assert_array_equal(line.get_ydata(), rates[:, column])
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4, 5])
    assert "spikes per neuron and time step" in ax.get_ylabel()
