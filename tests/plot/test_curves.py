"""Curves over epochs hold the records' values."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.plot import accuracy, compare, comparison, loss


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


@pytest.mark.parametrize(("validation", "title"), [(True, "Validation"), (False, "Training")])
def test_comparison_falls_back_to_training_accuracy(validation, title):
    figure = comparison({"a": records(4), "b": records(5, validation=validation)})
    assert len(figure.axes) == 4
    assert figure.axes[1].get_title(loc="left").startswith(f"{title} accuracy")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    assert all(ax.get_legend() is None for ax in figure.axes)
