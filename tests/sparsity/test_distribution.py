"""Densities of the layers, and positions drawn; of the papers' networks: tests/models."""

import itertools
import math

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.sparsity.distribution import layer_counts, layer_densities, random_positions


def conv(out, into, side=3):
    return (out, into, side, side)


WIDTHS = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
VGG16 = [conv(out, into) for into, out in itertools.pairwise(WIDTHS)] + [(10, 512)]
MIXED = [conv(64, 3), conv(128, 64), conv(128, 64, 1), conv(256, 128), (256, 512), (10, 256)]


def test_er_ignores_the_kernel():
    wide, narrow = layer_densities("er", [conv(32, 16, 1), (20, 10)], 0.05)
    assert wide / narrow == pytest.approx((48 / 512) / (30 / 200))
    same = layer_densities("er", [conv(32, 16, 5), (20, 10)], 0.05)
    assert same[0] / same[1] == pytest.approx(wide / narrow)


def test_er_of_linear_layers_is_epsilon_times_sum():
    """ESL Table 1: ε = 60 gives 60·1584 = 95,040 connections and a dense output layer."""
    dims = [(800, 784), (10, 800)]
    counts = layer_counts("er", dims, 103_040 / 635_200)
    assert counts.tolist() == [95_040, 8_000]


def test_uniform_is_the_same_everywhere():
    np.testing.assert_allclose(layer_densities("uniform", VGG16, 0.1), 0.1, rtol=1e-12)


@pytest.mark.parametrize("distribution", ["uniform", "er", "erk"])
@pytest.mark.parametrize("dims", [VGG16, MIXED])
def test_counts_add_up(distribution, dims):
    sizes = np.array([math.prod(d) for d in dims])
    previous = np.zeros(len(dims))
    for density in (0.001, 0.01, 0.05, 0.2, 0.5, 0.9, 1.0):
        counts = layer_counts(distribution, dims, density)
        assert abs(counts.sum() - density * sizes.sum()) <= 0.5 * len(dims)
        # A denser network is denser in every layer: what NDSNN's two ends rely on.
        assert np.all((previous <= counts) & (counts <= sizes))
        previous = counts
    np.testing.assert_array_equal(counts, sizes)


@pytest.mark.parametrize("density", [0.0, -0.1, 1.5, float("nan")])
def test_unreachable_density(density):
    with pytest.raises(UserError, match=r"density = .* \(0, 1\]"):
        layer_densities("erk", VGG16, density)


@pytest.mark.parametrize("count", [0, 1, 7, 59, 60])
def test_random_positions_are_those_that_were_always_drawn(count):
    """Sorted, unique, each set equally likely: tests/sparsity/test_grow.py."""
    found = random_positions((5, 12), count, np.random.default_rng(1))
    drawn = np.random.default_rng(1).choice(60, count, replace=False, shuffle=False)
    np.testing.assert_array_equal(found, np.sort(drawn))  # committed results stand on these
    assert (found.size, found.dtype) == (count, np.int64)
