"""Pictures of SD-SNN: bounds of a synapse, importance and fate of neurons."""

import numpy as np
import pytest

from nsnn.experiments import results
from nsnn.files import read_json, write_json
from nsnn.plot import bounds, importance, pictures
from nsnn.plot.style import BLUE, GREEN, ORANGE


def record(epoch, **synapses):
    own = {"growth_rate": 60.0}
    for position, values in synapses.items():
        names = (f"synapse/{position[1:]}/{name}" for name in ("weight", "upper", "lower"))
        own |= dict(zip(names, values, strict=True))
    return {"epoch": epoch, "method": own}


RECORDS = [
    record(0, p7=(0.1, 1.0, -1.0), p9=(0.5, 1.0, -1.0)),
    record(1, p7=(0.1, 1.0, -1.0), p9=(0.4, 0.75, -0.75)),
    record(2, p7=(0.1, 1.0, -1.0)),
    record(3, p7=(0.1, 1.0, -1.1), p9=(0.2, 2.0, -2.0)),
]


def test_the_synapse_whose_bounds_move_is_drawn_where_it_exists():
    ax = bounds(RECORDS)
    assert "position 9" in ax.get_title(loc="left")
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(
        lines["weight"].get_data(), [[1, 2, 3, 4], [0.5, 0.4, np.nan, 0.2]]
    )
    np.testing.assert_array_equal(lines["lower bound R⁻"].get_ydata(), [-1, -0.75, np.nan, -2])
    assert lines["pruned"].get_xdata()[0] == 3


def heights(ax):
    """Height of the bars by colour."""
    found = {}
    for bar in ax.patches:
        colour = "#{:02X}{:02X}{:02X}".format(*(round(255 * c) for c in bar.get_facecolor()[:3]))
        found.setdefault(colour, {})[round(bar.get_x() + 0.5)] = bar.get_height()
    return found


def test_neurons_are_drawn_by_importance_in_the_colour_of_their_fate():
    measured = {"layer": "lif1", "D": [4.0, 9.0, 1.0, 2.0], "now": [3.0, 8.0, 0.0, 0.5]}
    measured |= {"synapses": [6, 6, 0, 2], "pruned": [False, False, True, True]}
    left, right = importance(measured)
    assert heights(left) == {BLUE: {0: 9, 1: 4}, GREEN: {2: 2}, ORANGE: {3: 1}}
    assert heights(right) == {BLUE: {0: 6, 1: 6}, GREEN: {2: 2}, ORANGE: {3: 0}}
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [8, 3, 0.5, 0])
    assert left.get_xlabel() == "neuron of lif1, by D when pruning began"
    assert right.get_title(loc="left") == "2 of 4 neurons pruned (50 %)"
    assert [text.get_text() for text in right.get_legend().texts][:3] == [
        "kept: 2", "pruned: 1", "regenerated: 1\n(2 synapses)",
    ]  # fmt: skip


@pytest.fixture
def developed(bare, train):
    """A run in which neurons go and come back."""
    options = ["train.epochs=9", "method.name=sdsnn", "method.growth_start=10.0"]
    return pictures.RunData(train([*bare, *options]))


def test_a_run_is_drawn_as_it_ended(developed):
    method = developed.records[-1]["method"]
    left, right = pictures.draw(developed, "spines.png").axes
    p = {p.name: p for p in developed.network.parameters()}["linear1.weight"]
    drawn = [h for bars in heights(right).values() for h in bars.values()]
    inputs = np.bincount(p.positions() // p.shape[1], minlength=30)
    assert sorted(drawn) == sorted(inputs)
    assert left.get_xlabel().startswith("neuron of lif2, ")
    assert right.get_title(loc="left").startswith(f"{method['pruned/lif2']} of 30 neurons")
    width = p.attached["upper"] - p.attached["lower"]
    assert left.lines[0].get_ydata().sum() == pytest.approx(width.sum(), abs=30 * 1e-4)
    (ax,) = pictures.draw(developed, "bounds.png").axes
    assert ax.lines[0].get_xdata().tolist() == list(range(1, 10))


def test_a_record_keeps_what_the_picture_shows(developed):
    assert results.make_record(developed.config, developed.folder)["final_measures"]["D"]
    # A run that ended before there was such a thing is whole all the same.
    summary = read_json(developed.folder / "summary.json")
    del summary["final_measures"]
    write_json(developed.folder / "summary.json", summary)
    assert "final_measures" not in results.make_record(developed.config, developed.folder)
    assert pictures.draw(pictures.RunData(developed.folder), "spines.png") is None
