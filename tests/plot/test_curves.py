"""Curves over epochs hold the records' values."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.plot import accuracy, compare, comparison, loss, spike_rates


def records(seed=0, epochs=4, validation=True):
    rng = np.random.default_rng(seed)
    return [
        {
            "epoch": epoch,
            "train_loss": float(rng.random()),
            "train_accuracy": float(rng.random()),
            "validation_accuracy": float(rng.random()) if validation else None,
            "density": float(rng.random()),
            "spike_rate": float(rng.random()),
            "relative_cost": float(rng.random()),
        }
        for epoch in range(epochs)
    ]


def column(lines, key):
    return np.array([line[key] for line in lines])


def test_loss_is_the_records_loss():
    run = records()
    ax = loss(run)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), column(run, "train_loss"))
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 3, 4])
    assert f"→ {run[-1]['train_loss']:.3f}" in ax.get_title(loc="left")


def test_accuracy_is_in_percent_for_both_splits():
    run = records(1)
    ax = accuracy(run)
    assert [line.get_label() for line in ax.lines] == ["train", "validation"]
    for line, key in zip(ax.lines, ("train_accuracy", "validation_accuracy"), strict=True):
        np.testing.assert_allclose(line.get_ydata(), 100 * column(run, key))
    assert "%" in ax.get_ylabel()


def test_accuracy_without_validation_draws_training_only():
    ax = accuracy(records(validation=False))
    assert [line.get_label() for line in ax.lines] == ["train"]


def test_axes_from_zero_leave_room_above_a_flat_line():
    flat = [line | {"train_loss": 2.3} for line in records()]
    bottom, top = loss(flat).get_ylim()
    assert bottom == 0
    assert top == pytest.approx(1.08 * 2.3)


def test_a_run_without_epochs_gives_empty_axes():
    assert not accuracy([]).lines
    assert loss([]).get_title(loc="left") == "Training loss"


def test_compare_overlays_runs_by_name():
    runs = {"dense": records(2), "ndsnn": records(3, epochs=6)}
    ax = compare(runs, "density")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["dense", "ndsnn"]
    for line, run in zip(ax.lines, runs.values(), strict=True):
        np.testing.assert_allclose(line.get_ydata(), 100 * column(run, "density"))
    assert len({line.get_color() for line in ax.lines}) == 2


def test_compare_names_the_quantities_it_knows():
    with pytest.raises(UserError, match="spike_rate"):
        compare({"dense": records()}, "speed")


def test_accuracy_has_the_test_where_the_run_ends():
    run = records()
    ax = accuracy(run, test=0.875)
    star = ax.lines[-1]
    assert (star.get_label(), star.get_marker()) == ("test, at the end", "*")
    np.testing.assert_array_equal(star.get_xydata(), [[4, 87.5]])
    assert ax.get_title(loc="left").endswith("test 87.50 %")


def test_comparison_shows_every_accuracy_that_a_run_has():
    runs = {"a": records(4), "b": records(5, validation=False), "c": records(6, epochs=2)}
    figure = comparison(runs, {"b": 0.5, "c": 0.25})
    ax = figure.axes[1]
    assert ax.get_title(loc="left") == "Accuracy: training (pale), validation, test (★)"
    drawn = [line for line in ax.lines if line.get_xdata().size]
    pale = [line for line in drawn if line.get_alpha()]
    stars = [line for line in drawn if line.get_marker() == "*"]
    full = [line for line in drawn if line not in (*pale, *stars)]
    for line, run in zip(pale, runs.values(), strict=True):
        np.testing.assert_allclose(line.get_ydata(), 100 * column(run, "train_accuracy"))
    for line, name in zip(full, "ac", strict=True):
        accuracies = column(runs[name], "validation_accuracy")
        np.testing.assert_allclose(line.get_ydata(), 100 * accuracies)
    assert [star.get_xydata().tolist() for star in stars] == [[[4, 50]], [[2, 25]]]
    assert [line.get_color() for line in stars] == [line.get_color() for line in pale[1:]]


def test_comparison_has_four_axes_and_one_legend():
    figure = comparison({"a": records(4), "b": records(5)}, {"b": 0.5})
    assert len(figure.axes) == 4
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b (test 50.00 %)"]
    assert all(ax.get_legend() is None for ax in figure.axes)


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
