"""Figures of finished cells: what is drawn, looked up in the axes."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer

from nsnn.experiments import figure, table
from nsnn.experiments.cells import cells
from nsnn.experiments.figure import panels
from nsnn.experiments.measures import Group, group, measure

BARS = ('x = "sparsity"\ny = "test_accuracy"', 'kind = "bars"\nx = "method"\ny = "relative_cost"')
CURVES = ('x = "sparsity"\ny = "test_accuracy"', 'kind = "curves"\nx = "epoch"\ny = "sparsity"')

TRADEOFF = (
    'x = "sparsity"\ny = "test_accuracy"',
    'kind = "tradeoff"\nx = "sparsity"\ncost = "operations_to_dense"\ny = "test_accuracy"',
)


def draw(experiment, records, note=""):
    groups = group(cells(experiment, "small"), measure(records), experiment.paper)
    return figure.draw(experiment, groups, note)


@pytest.fixture
def drawn(make_record):
    """Returns the figure of an experiment with some cells finished."""

    def drawing(experiment, note=""):
        records = [
            make_record(experiment, method="dense", seed=seed, test_accuracy=accuracy)
            for seed, accuracy in ((0, 0.98), (1, 0.96))
        ]
        for method, sparsity, seed, accuracy, densities in (
            ("lth", 0.99, 0, 0.80, (1.0, 0.5)),
            ("ndsnn", 0.99, 0, 0.90, (0.5, 0.2)),
            ("ndsnn", 0.99, 1, 0.88, (0.5, 0.1)),
            ("ndsnn", 0.90, 0, 0.95, (0.5, 0.2)),
        ):
            where = {"sparsity": sparsity, "seed": seed, "densities": densities}
            where |= {"cpu_seconds": 30.0, "test_accuracy": accuracy}
            records.append(make_record(experiment, method=method, **where))
        return draw(experiment, records, note)

    return drawing


def handle_of(ax, name):
    handles, names = ax.get_legend_handles_labels()
    assert names.count(name) == 1
    return handles[names.index(name)]


def line_of(ax, name):
    found = handle_of(ax, name)
    return found.lines[0] if isinstance(found, ErrorbarContainer) else found


def heights(line):
    """matplotlib keeps those of error bars as objects."""
    return np.asarray(line.get_ydata(), dtype=np.float64)


def test_lines_are_ours_and_the_papers_in_axes_of_their_own(make_experiment, drawn):
    picture = drawn(make_experiment())
    ours, paper = picture.axes
    assert ours.get_title(loc="left") == "MNIST"
    assert paper.get_title(loc="left") == "MNIST: printed in the paper"
    assert [tick.get_text() for tick in ours.get_xticklabels()] == ["90", "99"]
    line = line_of(ours, "NDSNN")
    np.testing.assert_allclose(heights(line), [95.0, 89.0])
    np.testing.assert_allclose(np.asarray(line.get_xdata(), float), [0.90, 0.99], atol=0.002)
    segments = handle_of(ours, "NDSNN").lines[2][0].get_segments()
    spans = [np.ptp(segment[:, 1]) for segment in segments if len(segment)]
    assert spans == [pytest.approx(2 * 2**0.5)]  # ± sd at 99 %; one seed has none
    np.testing.assert_allclose(heights(line_of(ours, "LTH")), [80.0])
    np.testing.assert_allclose(line_of(ours, "dense").get_ydata(), [97.0, 97.0])
    assert line_of(ours, "dense").get_linestyle() == "--"
    printed = line_of(paper, "NDSNN")
    np.testing.assert_array_equal(printed.get_ydata(), [91.84, 88.1])
    assert printed.get_markerfacecolor() == "white"
    assert printed.get_linestyle() == ":"
    assert to_hex(printed.get_color()) == to_hex(line.get_color())
    np.testing.assert_array_equal(line_of(paper, "dense").get_ydata(), [92.5, 92.5])
    assert ours.get_ylim() == paper.get_ylim()
    assert paper.get_ylabel() == "test accuracy (%)"


def test_axes_say_where_ours_and_the_papers_have_another_scale(make_experiment, drawn):
    printed = ("91.84, 88.1", "9.184, 8.81"), ("92.5", "9.25")
    ours, paper = drawn(make_experiment(*printed)).axes
    assert ours.get_ylim()[0] > paper.get_ylim()[1]
    assert paper.get_ylabel() == "test accuracy (%), another scale"


@pytest.mark.parametrize(("option", "values", "places", "scale"), [
    ("method.final_sparsity", [0.4, 0.5, 0.6, 0.75], [40, 50, 60, 75], " (%)"),
    ("method.final_sparsity", [0.9, 0.95, 0.98, 0.99], -np.log([10, 5, 2, 1]),
     " (%), density on a log scale"),
    ("optim.lr", [0.03, 0.05, 0.1, 0.2, 0.3], np.log([3, 5, 10, 20, 30]), ", log scale"),
    ("train.epochs", [10, 20, 30, 40, 60], [1, 2, 3, 4, 6], ""),
    ("model.name", ["mlp", "vgg16", "lenet5"], [1, 2, 3], ""),
])  # fmt: skip
def test_numbers_stand_to_scale(make_experiment, make_record, option, values, places, scale):
    axis = ("method.final_sparsity", option), ("sparsity = [0.90, 0.99]", f"sparsity = {values}")
    printed = "91.84, 88.1", ", ".join(["90"] * len(values))
    experiment = make_experiment(*axis, printed, ('"lth", "ndsnn"]', '"lth"]'))
    ax = draw(experiment, [make_record(experiment, method="lth")]).axes[0]
    ticks = ax.get_xticks()
    np.testing.assert_allclose(np.ptp(places) * np.diff(ticks), np.ptp(ticks) * np.diff(places))
    assert ax.get_xlabel() == "sparsity" + scale
    assert ax.get_xlim()[0] < ticks[0] < ticks[-1] < ax.get_xlim()[1]


def test_where_no_seed_spreads_all_stand_at_their_very_value(make_experiment, make_record):
    experiment = make_experiment()
    records = [
        make_record(experiment, method=method, sparsity=sparsity)
        for method in ("lth", "ndsnn") for sparsity in (0.90, 0.99)
    ]  # fmt: skip
    ax = draw(experiment, records).axes[0]
    for name in ("LTH", "NDSNN"):
        np.testing.assert_array_equal(line_of(ax, name).get_xdata(), [0.90, 0.99])


def test_bars_of_another_measure_stand_behind_the_lines(make_experiment, drawn):
    bars = ('y = "test_accuracy"', 'y = "test_accuracy"\nbars = "density"')
    experiment = make_experiment(('sparsity"\n' + bars[0], 'sparsity"\n' + bars[1]))
    ours, paper, behind = drawn(experiment).axes
    assert behind.get_ylabel() == "bars: density reached (%)"
    assert ours.get_zorder() > behind.get_zorder()
    assert paper.get_title(loc="left").endswith("printed in the paper")
    middles = [bar.get_x() + bar.get_width() / 2 for bar in behind.patches]
    np.testing.assert_allclose(middles, [0.90, 0.99])
    found = [bar.get_height() for bar in behind.patches]
    np.testing.assert_allclose(found, [20.0, (50.0 + 15.0) / 2])
    np.testing.assert_allclose(heights(line_of(ours, "NDSNN")), [95.0, 89.0])


def test_one_legend_below_names_every_line(make_experiment, drawn):
    picture = drawn(make_experiment(), "a note")
    (legend,) = picture.legends
    assert [text.get_text() for text in legend.get_texts()] == ["dense", "LTH", "NDSNN"]
    assert all(ax.get_legend() is None for ax in picture.axes)
    picture.canvas.draw()
    top = legend.get_window_extent().y1
    assert all(ax.get_tightbbox().y0 >= top for ax in picture.axes)
    assert picture.get_suptitle() == "A small comparison\na note"


def test_curves_are_the_sparsity_of_each_epoch(make_experiment, drawn):
    picture = drawn(make_experiment(CURVES))
    titles = [ax.get_title(loc="left") for ax in picture.axes]
    assert titles == ["MNIST, sparsity 90 %", "MNIST, sparsity 99 %"]
    line = line_of(picture.axes[1], "NDSNN")
    np.testing.assert_array_equal(line.get_xdata(), [1, 2])
    np.testing.assert_allclose(line.get_ydata(), [50.0, 85.0])  # mean of 80 and 90 %
    np.testing.assert_allclose(line_of(picture.axes[1], "LTH").get_ydata(), [0.0, 50.0])
    band = picture.axes[1].collections[-1]  # NDSNN's: ± sd, none in the first epoch
    np.testing.assert_allclose(np.ptp(band.get_paths()[0].vertices[:, 1]), 35.0 + 50**0.5)
    for ax in picture.axes:
        np.testing.assert_allclose(line_of(ax, "dense").get_ydata(), [0.0, 0.0])
        assert ax.get_ylim() == (-3.0, 103.0)


def test_bars_are_the_three_costs_and_the_papers(make_experiment, drawn):
    printed = '[[paper]]\nmetric = "relative_cost"\nlabels = ["method", "sparsity"]\n'
    printed += 'rows = [["ndsnn", 0.99, 10.5]]\n[profiles.small]'
    experiment = make_experiment(BARS, ("[profiles.small]", printed))
    first, second = drawn(experiment).axes
    assert [tick.get_text() for tick in second.get_xticklabels()] == ["dense", "LTH", "NDSNN"]
    assert [c.get_label() for c in first.containers if hasattr(c, "patches")] == [
        "estimate of NDSNN IV-C", "synaptic operations, exact", "CPU time, measured",
    ]  # fmt: skip
    found = {
        c.get_label(): [bar.get_height() for bar in c.patches]
        for c in second.containers if hasattr(c, "patches")
    }  # fmt: skip
    # equal spike rates: the cost is the mean density; NDSNN: 0.35 and 0.3
    np.testing.assert_allclose(found["estimate of NDSNN IV-C"], [100.0, 75.0, 32.5])
    np.testing.assert_allclose(found["synaptic operations, exact"], [100.0] * 3)
    np.testing.assert_allclose(found["CPU time, measured"], [100.0, 25.0, 25.0])
    np.testing.assert_allclose(found["paper's estimate, full size"], [np.nan, np.nan, 10.5])
    assert "10.5" in [text.get_text() for text in second.texts]


def test_a_tradeoff_is_accuracy_against_cost(make_experiment, make_record):
    experiment = make_experiment(TRADEOFF)
    records = []
    for operations, accuracy, seed, labels in (
        (200, 0.9, 0, {"method": "dense"}),
        (100, 0.6, 0, {"method": "ndsnn", "sparsity": 0.90}),
        (20, 0.5, 0, {"method": "ndsnn", "sparsity": 0.99}),
        (40, 0.7, 1, {"method": "ndsnn", "sparsity": 0.99}),
    ):
        record = make_record(experiment, seed, test_accuracy=accuracy, **labels)
        record["synaptic_operations_training"] = {"total": operations, "static": 7}
        records.append(record)
    (ax,) = draw(experiment, records).axes
    line = line_of(ax, "NDSNN")
    # relative to the dense cell, the cheapest first; at 99 % the means of 10 and 20, 50 and 70
    np.testing.assert_allclose(np.asarray(line.get_xdata(), float), [15.0, 50.0])
    np.testing.assert_allclose(heights(line), [60.0, 60.0])
    np.testing.assert_allclose(heights(line_of(ax, "dense")), [90.0])
    assert [text.get_text() for text in ax.texts] == ["", "99 %", "90 %"]
    assert "LTH" not in ax.get_legend_handles_labels()[1]  # nothing of it is finished
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "synaptic operations / dense (%); at the points: sparsity"
    across, along = (part.get_segments() for part in handle_of(ax, "NDSNN").lines[2])
    assert np.ptp(across[0][:, 0]) == pytest.approx(2 * 50**0.5)  # sd of 10 and 20
    assert np.ptp(along[0][:, 1]) == pytest.approx(2 * 200**0.5)  # sd of 50 and 70


def test_the_level_of_a_change_is_zero(make_experiment, drawn):
    ax = drawn(make_experiment(('y = "test_accuracy"', 'y = "accuracy_change"'))).axes[0]
    np.testing.assert_array_equal(line_of(ax, "dense").get_ydata(), [0.0, 0.0])
    np.testing.assert_allclose(heights(line_of(ax, "NDSNN")), [-3.0, -8.0])


def test_neurons_are_those_of_the_first_cell_that_has_them(make_experiment, make_record):
    kind = ('x = "sparsity"\ny = "test_accuracy"\nseries = ["method"]',
            'kind = "neurons"\nx = "neuron"\ny = "importance"\nseries = ["sparsity"]')  # fmt: skip
    experiment = make_experiment(kind)
    figure.check(experiment)
    shown = {"layer": "lif7", "D": [4.0, 9.0, 1.0], "now": [3.0, 8.0, 0.0]}
    shown |= {"synapses": [6, 5, 0], "pruned": [False, False, True]}
    records = [make_record(experiment, method="dense", final_measures={})]
    records += [make_record(experiment, method="ndsnn", sparsity=0.90)]  # of an older nsnn
    records += [make_record(experiment, method="ndsnn", sparsity=0.99, final_measures=shown)]
    dense, left, right = draw(experiment, records).axes
    assert dense.get_ylabel() == "no cell with numbers of each neuron"
    assert left.get_title(loc="left") == "MNIST, NDSNN"
    assert left.get_xlabel().startswith("neuron of lif7")
    assert [bar.get_height() for bar in left.patches] == [9, 4, 1]
    assert [bar.get_height() for bar in right.patches] == [5, 6, 0]


def test_a_label_that_is_not_drawn_makes_panels_and_dense_is_in_each(make_experiment):
    experiment = make_experiment(('series = ["method"]', 'series = ["data"]'))
    found = panels(experiment, group(cells(experiment, "small"), []))
    assert list(found) == ["dense", "LTH", "NDSNN"]
    experiment = make_experiment(('x = "sparsity"', 'x = "method"'))
    found = panels(experiment, group(cells(experiment, "small"), []))
    assert list(found) == ["MNIST, sparsity 90 %", "MNIST, sparsity 99 %"]
    assert all(members[0].labels["method"] == "dense" for members in found.values())


def test_lines_of_one_name_come_in_one_order_in_all_panels(make_experiment):
    """So they look the same there: one legend speaks for all."""
    experiment = make_experiment(('series = ["method"]', 'series = ["data"]'))
    cases = (
        ("set", "mnist", 0.9),
        ("set", "cifar10", 0.9),
        ("rigl", "cifar10", 0.8),
        ("rigl", "mnist", 0.9),
    )
    names = "method", "data", "sparsity"
    groups = [Group(dict(zip(names, case, strict=True)), 1) for case in cases]
    found = panels(experiment, groups)
    assert list(found) == ["SET", "RigL"]
    for members in found.values():
        assert [each.labels["data"] for each in members] == ["mnist", "cifar10"]


def test_lines_without_methods_get_looks_of_their_own(make_experiment, drawn):
    experiment = make_experiment(
        ('x = "sparsity"', 'x = "method"'), ('series = ["method"]', 'series = ["sparsity"]')
    )
    ax = drawn(experiment).axes[0]
    names = ax.get_legend_handles_labels()[1]
    assert names == ["dense", "sparsity 90 %", "sparsity 99 %"]
    looks = {(line_of(ax, name).get_color(), line_of(ax, name).get_marker()) for name in names}
    assert len(looks) == 3


def test_a_method_has_one_colour_and_each_of_its_lines_a_marker(make_experiment, drawn):
    series = ('series = ["method"]', 'series = ["method", "sparsity"]')
    ax = drawn(make_experiment(('x = "sparsity"', 'x = "data"'), series)).axes[0]
    one, two = (line_of(ax, f"NDSNN, sparsity {percent} %") for percent in (90, 99))
    assert one.get_color() == two.get_color() != line_of(ax, "LTH, sparsity 99 %").get_color()
    assert one.get_marker() != two.get_marker()


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_a_figure_for_a_paper_has_no_title(make_experiment, make_record, finish, suffix, tmp_path):
    experiment = make_experiment()
    out = finish(experiment, [make_record(experiment, method="ndsnn", sparsity=0.90)])
    path = tmp_path / f"mine{suffix}"
    table.write(experiment, "small", out, picture=path)
    content = path.read_bytes()
    assert content[:4] in (b"%PDF", b"<?xm")
    if suffix == ".svg":  # texts stand beside their outlines
        assert b"NDSNN" in content
        assert b"comparison" not in content
        assert b"made-up copy" not in content
