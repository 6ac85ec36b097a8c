"""Connections, exploration and receptive fields over the epochs."""

import numpy as np

from nsnn.plot import connections, exploration, receptive_fields

RECORDS = [
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
    left, right = connections(RECORDS)
    assert left.get_title(loc="left") == "Connections per layer: 23 in all"
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [20, 19, 18])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [50, 47.5, 45])
    np.testing.assert_array_equal(right.lines[1].get_xdata(), [1, 2, 3])
    assert right.lines[1].get_label() == "b (100.0 %)"


def test_exploration_of_one_layer_is_a_line_of_several_one_more():
    (line,) = exploration(RECORDS).lines
    np.testing.assert_allclose(line.get_ydata(), [50, 60, 70])
    more = [r | {"method": r["method"] | {"exploration/b.weight": 0.9}} for r in RECORDS]
    labels = [line.get_label() for line in exploration(more).lines]
    assert labels == ["all that evolve (70.0 %)", "a (40.0 %)", "b (90.0 %)"]


def test_grown_synapses_have_another_colour_than_those_of_the_start():
    masks = np.array([[[[1, 0], [1, 0]], [[0, 1], [1, 0]]]], bool)  # (1, 2, 2, 2)
    figure = receptive_fields(masks, np.array([[[0, -1.0], [2.0, 0]]]), [7], ["start", "epoch 1"])
    start, after, weights = figure.axes
    np.testing.assert_array_equal(start.images[0].get_array(), [[1, 0], [1, 0]])
    np.testing.assert_array_equal(after.images[0].get_array(), [[0, 2], [1, 0]])
    assert start.get_ylabel() == "neuron 7"
    assert weights.images[0].get_clim() == (-2.0, 2.0)
