"""BatchNormLIF is BatchNorm, then LIF: the same spikes, gradients and statistics."""

import numpy as np
import pytest

from nsnn.layers import LIF, BatchNorm, BatchNormLIF, Sequential
from nsnn.neuron import PRESETS, from_preset

T = 5
SHAPES = [(3, 4, 5, T, 6), (3, 4, 5, 1, 6), (7, T, 4), (7, 1, 4), (2, 1, 1, 1, 9)]
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def parts(channels, preset):
    """A norm and a LIF, the same ones each time, with statistics of their own."""
    rng = np.random.default_rng(30)
    norm = BatchNorm(channels, np.float64, "norm1")
    norm.gamma.data[...] = rng.uniform(0.5, 2, channels)
    norm.beta.data[...] = rng.normal(0.5, 0.3, channels)
    norm.running_mean = rng.normal(2, 1, channels)
    norm.running_variance = rng.uniform(0.5, 3, channels)
    return norm, LIF(from_preset(preset, time_steps=T), np.float64, "lif1")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_one_layer_after_the_other(preset, shape):
    fused, separate = BatchNormLIF(*parts(shape[0], preset)), Sequential(parts(shape[0], preset))
    rng = np.random.default_rng(31)
    for training in (False, True, True):  # the last forward starts from moved statistics
        x, dy = rng.normal(2, 1.5, shape), rng.normal(size=(*shape[:-2], T, shape[-1]))
        s = fused.forward(x, training)
        assert 0 < s.mean() < 1
        assert s.dtype == np.uint8
        np.testing.assert_array_equal(s, separate.forward(x, training))
        np.testing.assert_allclose(fused.lif.v, separate.parts[1].v, **EXACT)
        assert fused.lif.rate() == s.mean()
        np.testing.assert_equal(fused.norm.state(), separate.parts[0].state())
        if not training:
            continue
        kept = dy.copy()
        dx = fused.backward(dy)
        assert dx.any()
        np.testing.assert_allclose(dx, separate.backward(dy), **EXACT)
        np.testing.assert_array_equal(dy, kept)
        for p, q in zip(fused.parameters(), separate.parameters(), strict=True):
            np.testing.assert_allclose(p.gradient, q.gradient, **EXACT)
