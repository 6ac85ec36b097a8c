"""Traces, rasters and rates show the numbers they were given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import nsnn
from nsnn.errors import UserError
from nsnn.neuron import Neuron
from nsnn.plot import membrane_trace, most_telling, raster
from nsnn.plot.neurons import trace


def spikes(seed=0, shape=(6, 9), rate=0.3):
    return (np.random.default_rng(seed).random(shape) < rate).astype(np.uint8)


def test_trace_draws_the_membrane_and_the_spikes_of_the_chosen_neurons():
    v = np.random.default_rng(1).normal(size=(6, 9))
    s = (v >= 0.7).astype(np.uint8)
    ax = Figure().add_subplot()
    assert membrane_trace(v, s, threshold=0.7, neurons=[4, 1], ax=ax) is ax
    lines = {line.get_label(): line for line in ax.lines}
    dots = [line for line in ax.lines if line.get_marker() == "."]
    marks = [line for line in ax.lines if line.get_marker() == "^"]
    np.testing.assert_array_equal(lines["threshold"].get_ydata(), [0.7, 0.7])
    assert "neuron 0" not in lines
    for neuron, dotted, mark in zip([4, 1], dots, marks, strict=False):
        np.testing.assert_array_equal(dotted.get_data(), [np.arange(9), v[neuron]])
        fired = np.flatnonzero(s[neuron])
        np.testing.assert_array_equal(mark.get_data(), [fired, v[neuron, fired]])
        assert lines[f"neuron {neuron}"].get_color() == dotted.get_color() == mark.get_color()
    assert f"{s[[4, 1]].sum()} spikes" in ax.get_title(loc="left")


@pytest.mark.parametrize(("reset", "after"), [("subtract", -0.05), ("zero", 0.0)])
def test_trace_decays_between_the_steps_and_jumps_at_a_reset(reset, after):
    """v = 1.3 fires: half of it is left when the reset, and then the next input, arrive."""
    v, s = np.array([1.3, 0.4, 0.6]), np.array([1, 0, 0], np.uint8)
    (time, membrane), (when, jump) = trace(v, s, threshold=0.7, decay=0.5, reset=reset, end=0.8)
    np.testing.assert_allclose(jump[:2], [0.65, after], atol=1e-12)
    np.testing.assert_array_equal(when[:2], [0.8, 0.8])
    half = np.searchsorted(time, 0.4)
    expected = 1.3 * 0.5 ** (time[half] / 0.8)
    assert membrane[half] == pytest.approx(expected)
    at = {t: membrane[time == t].tolist() for t in (1.0, 2.0)}
    np.testing.assert_allclose(at[1.0], [after, 0.4, 0.4], atol=1e-12)  # input, then decay again
    np.testing.assert_allclose(at[2.0], [0.2, 0.6])  # no reset: half of 0.4, then the input
    assert jump.size == 3


def test_trace_takes_the_arrays_of_one_simulated_neuron():
    v, s = nsnn.simulate([0.75, 0.75, 0.75], Neuron(decay=0.5))
    ax = membrane_trace(v, s)
    assert ax.get_title(loc="left") == "Membrane of 1 neuron: 1 spike"
    dots = next(line for line in ax.lines if line.get_marker() == ".")
    np.testing.assert_array_equal(dots.get_ydata(), v)


@pytest.mark.parametrize("shape", [(6, 8), (6,), (6, 9, 1)])
def test_trace_refuses_arrays_that_do_not_match(shape):
    with pytest.raises(UserError, match="one sample"):
        membrane_trace(np.zeros((6, 9)), np.zeros(shape, np.uint8))


@pytest.mark.parametrize("rows", [None, [5, 0]])
def test_raster_has_one_tick_a_spike_of_the_neurons_chosen(rows):
    s = spikes()
    ax = raster(s, rows)
    drawn = s if rows is None else s[rows]
    row, time = np.nonzero(drawn)
    np.testing.assert_array_equal(ax.lines[0].get_data(), [time, row])
    title = f"{drawn.sum()} spikes of {len(drawn)} neurons: {drawn.mean():.3f}"
    assert title in ax.get_title(loc="left")


def test_raster_of_silence_and_of_an_array_that_is_none():
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
