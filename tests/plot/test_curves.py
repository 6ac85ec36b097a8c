"""Curves over epochs hold the records' values."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from nsnn.plot import accuracy, comparison, connections, exploration, loss, spike_rates
from nsnn.plot.curves import seconds_of_density

FRACTIONS = ("train_loss", "train_accuracy", "density", "spike_rate", "relative_cost")


def records(seed=0, epochs=4, validation=True):
    rng = np.random.default_rng(seed)
    made = []
    for epoch in range(epochs):
        rates = dict(zip(("lif1", "lif2"), rng.random(2).tolist(), strict=True))
        held_out = float(rng.random()) if validation else None
        made.append({"epoch": epoch, "spike_rates": rates, "validation_accuracy": held_out})
        made[-1] |= {key: float(rng.random()) for key in FRACTIONS}
    return made


def column(lines, key):
    return np.array([line[key] for line in lines])


def labels(ax):
    return [line.get_label() for line in ax.lines]


def test_loss_is_the_records_loss():
    run = records()
    ax = loss(run)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), column(run, "train_loss"))
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 3, 4])
    assert f"→ {run[-1]['train_loss']:.3f}" in ax.get_title(loc="left")


def test_a_notebook_shows_the_figure_without_pyplot():
    shown = loss(records()).figure._repr_png_()  # as IPython asks for it
    assert imread(io.BytesIO(shown), format="png").shape == (380, 640, 4)


@pytest.mark.parametrize("validation", [True, False])
def test_accuracy_is_in_percent_for_the_splits_that_a_run_has(validation):
    run = records(1, validation=validation)
    ax = accuracy(run)
    assert labels(ax) == ["train", "validation"][: 1 + validation]
    for line in ax.lines:
        expected = 100 * column(run, f"{line.get_label()}_accuracy")
        np.testing.assert_allclose(line.get_ydata(), expected)
    assert "%" in ax.get_ylabel()


def test_accuracy_has_the_test_where_the_run_ends():
    ax = accuracy(records(), test=0.875)
    star = ax.lines[-1]
    assert (star.get_label(), star.get_marker()) == ("test, at the end", "*")
    np.testing.assert_array_equal(star.get_xydata(), [[4, 87.5]])
    assert ax.get_title(loc="left").endswith("test 87.50 %")


def test_axes_from_zero_leave_room_above_a_flat_line():
    flat = [line | {"train_loss": 2.3} for line in records()]
    assert loss(flat).get_ylim() == (0, pytest.approx(1.08 * 2.3))


def test_spike_rates_has_a_line_a_layer_over_the_epochs():
    run = records(4, epochs=5)
    ax = spike_rates(run)
    for line, layer in zip(ax.lines, ("lif1", "lif2"), strict=True):
        rates = column(column(run, "spike_rates"), layer)
        assert line.get_label() == f"{layer} ({rates[-1]:.3f})"
        np.testing.assert_array_equal(line.get_xydata().T, [[1, 2, 3, 4, 5], rates])
    assert "spikes per neuron and time step" in ax.get_ylabel()


EVOLVED = [
    {
        "epoch": i,
        "layers": {
            "a.weight": {"active": 20 - i, "size": 40},
            "b.weight": {"active": 5, "size": 5},
        },
        "method": {"exploration": 0.5 + 0.1 * i, "exploration/a.weight": 0.4, "other": 3.0},
    }
    for i in range(3)
]


def test_connections_and_density_of_each_layer():
    left, right = connections(EVOLVED)
    assert left.get_title(loc="left") == "Connections per layer: 23 in all"
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [20, 19, 18])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [50, 47.5, 45])
    np.testing.assert_array_equal(right.lines[1].get_xdata(), [1, 2, 3])
    assert right.lines[1].get_label() == "b (100.0 %)"


def test_exploration_of_one_layer_is_a_line_of_several_one_more():
    (line,) = exploration(EVOLVED).lines
    np.testing.assert_allclose(line.get_ydata(), [50, 60, 70])
    more = [r | {"method": r["method"] | {"exploration/b.weight": 0.9}} for r in EVOLVED]
    labels = [line.get_label() for line in exploration(more).lines]
    assert labels == ["all that evolve (70.0 %)", "a (40.0 %)", "b (90.0 %)"]


def test_seconds_of_density_say_the_straight_line_and_how_well_it_fits():
    seconds = {"binary": [5, 7, 9, 11, 13], "noisy": [1, -1, 1, -1, 1]}
    ax = seconds_of_density([0.01, 0.02, 0.03, 0.04, 0.05], seconds)
    assert ax.get_legend_handles_labels()[1] == [
        "binary: 3.00 s + 2.000 s for each % of density, R² = 1.000",
        "noisy: 0.20 s + 0.000 s for each % of density, R² = 0.000",
    ]
    np.testing.assert_allclose(ax.lines[1].get_data(), ([0, 5], [3, 13]))


def test_comparison_shows_every_accuracy_that_a_run_has():
    runs = {"a": records(4), "b": records(5, validation=False), "c": records(6, epochs=2)}
    figure = comparison(runs, {"b": 0.5, "c": 0.25})
    assert len(figure.axes) == 4
    named = ["a", "b (test 50.00 %)", "c (test 25.00 %)"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == named
    assert all(ax.get_legend() is None for ax in figure.axes)
    ax = figure.axes[1]
    assert ax.get_title(loc="left") == "Accuracy: training (pale), validation, test (★)"
    drawn = [line for line in ax.lines if line.get_xdata().size]
    pale = [line for line in drawn if line.get_alpha()]
    stars = [line for line in drawn if line.get_marker() == "*"]
    full = [line for line in drawn if line not in (*pale, *stars)]
    for lines, names, key in ((pale, "abc", "train"), (full, "ac", "validation")):
        for line, name in zip(lines, names, strict=True):
            accuracies = 100 * column(runs[name], f"{key}_accuracy")
            np.testing.assert_allclose(line.get_ydata(), accuracies)
    assert [star.get_xydata().tolist() for star in stars] == [[[4, 50]], [[2, 25]]]
    assert [line.get_color() for line in stars] == [line.get_color() for line in pale[1:]]
