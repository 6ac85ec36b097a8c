"""Sparsity, rounds, masks and weights as drawn."""

import numpy as np
import pytest

from nsnn import plot
from nsnn.plot.topology import block_density


def test_layer_sparsity_draws_what_was_reached_over_what_was_asked():
    steps = {"conv1.weight": np.array([0, 10, 20]), "fc1.weight": np.array([0, 10, 20])}
    sparsity = {"conv1.weight": np.array([0.1, 0.2, 0.3]), "fc1.weight": np.array([0.8, 0.9, 0.95])}
    asked = {"fc1.weight": (np.arange(21), np.linspace(0.8, 0.95, 21))}
    ax = plot.layer_sparsity(steps, sparsity, asked, "Mine")
    conv1, behind, fc1 = ax.lines[:3]
    np.testing.assert_allclose(conv1.get_ydata(), [10, 20, 30])
    np.testing.assert_allclose(behind.get_ydata(), 100 * np.linspace(0.8, 0.95, 21))
    np.testing.assert_array_equal(fc1.get_xdata(), [0, 10, 20])
    assert fc1.get_zorder() > behind.get_zorder()
    assert fc1.get_color() == behind.get_color()
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["conv1 (30.0 %)", "fc1 (95.0 %)", "asked by Mine"]


def test_rewiring_sums_the_layers_of_a_round():
    counts = {"step": [10, 10, 20, 20, 30], "grown": [1, 2, 3, 4, 5], "dropped": [6, 7, 8, 9, 10]}
    ax = plot.rewiring(counts)
    grown, dropped = ax.containers
    assert [bar.get_height() for bar in grown] == [3, 7, 5]
    assert [bar.get_height() for bar in dropped] == [-13, -17, -10]
    np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in grown], [10, 20, 30])
    assert grown.get_label() == "grown (15)"


def test_masks_show_both_matrices_on_one_scale_large_ones_as_densities():
    rng = np.random.default_rng(0)
    before, after = rng.random((5, 7)) < 0.5, rng.random((5, 7)) < 0.2
    axes = plot.masks(before, after, "fc1.weight")
    for ax, mask in zip(axes, (before, after), strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), mask)
        assert ax.images[0].get_clim() == (0.0, 1.0)
    title = axes[1].get_title(loc="left")
    assert title == f"fc1 after: {after.sum()} synapses ({100 * after.mean():.1f} %)"
    large = rng.random((300, 1000)) < 0.1
    first, second = (ax.images[0] for ax in plot.masks(large, ~large))
    assert first.get_array().shape == (150, 143)
    assert first.get_clim()[1] == second.get_clim()[1]
    assert first.get_extent() == [-0.5, 999.5, 299.5, -0.5]


@pytest.mark.parametrize("shape", [(4, 6), (7, 5), (10, 9), (1, 8)])
def test_block_density_is_the_mean_of_each_block(shape):
    mask = np.random.default_rng(2).random(shape) < 0.4
    picture = block_density(mask, longest=4)
    rows, cols = (-(-side // 4) for side in shape)
    for r, c in np.ndindex(picture.shape):
        block = mask[r * rows : (r + 1) * rows, c * cols : (c + 1) * cols]
        assert picture[r, c] == pytest.approx(block.mean())


def test_weight_histogram_has_a_row_a_layer():
    rng = np.random.default_rng(3)
    weights = {"conv1.weight": rng.normal(size=300), "fc1.weight": rng.normal(size=900)}
    ax = plot.weight_histogram(weights, bins=10)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["conv1\n300", "fc1\n900"]
    edges = np.histogram_bin_edges(np.concatenate(list(weights.values())), 10)
    for area, values, base in zip(ax.collections, weights.values(), (1, 0), strict=True):
        expected = np.histogram(values, edges)[0]
        tops = area.get_paths()[0].vertices[:, 1]
        assert tops.max() - base == pytest.approx(0.85)
        drawn = {round(float(y), 9) for y in tops}
        assert {round(base + 0.85 * n / expected.max(), 9) for n in expected} <= drawn


def test_grown_synapses_have_another_colour_than_those_of_the_start():
    masks = np.array([[[[1, 0], [1, 0]], [[0, 1], [1, 0]]]], bool)  # (1, 2, 2, 2)
    W = np.array([[[0, -1.0], [2.0, 0]]])
    figure = plot.receptive_fields(masks, W, [7], ["start", "epoch 1"])
    start, after, weights = figure.axes
    np.testing.assert_array_equal(start.images[0].get_array(), [[1, 0], [1, 0]])
    np.testing.assert_array_equal(after.images[0].get_array(), [[0, 2], [1, 0]])
    assert start.get_ylabel() == "neuron 7"
    assert weights.images[0].get_clim() == (-2.0, 2.0)
