"""The spiking layer: every preset, constant input, dtypes, memory."""

import numpy as np
import pytest

import nsnn
from nsnn import surrogate
from nsnn.layers import LIF
from nsnn.neuron import PRESETS, from_preset
from nsnn.reference import lif as reference


def problem(shape, T=5, seed=15):
    rng = np.random.default_rng(seed)
    return rng.normal(0.6, 1, shape), rng.normal(size=(*shape[:-2], T, shape[-1]))


def literal(layer, x, dy):
    """v, s and dL/dx at each step, by the equations."""
    n = layer.neuron
    v, s = reference.lif_forward(np.broadcast_to(n.gain * x, dy.shape), n)
    return v, s, n.gain * reference.lif_backward(dy, v, s, n)


@pytest.mark.parametrize("name", surrogate.SURROGATES)
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_options_reach_the_kernel(name, detach, reset):
    neuron = from_preset(
        "ndsnn", reset=reset, detach_reset=detach, surrogate=name, surrogate_width=1.7,
        threshold=0.8, decay=0.7, gain=0.75, time_steps=5,
    )  # fmt: skip
    layer = LIF(neuron, np.float64)
    x, dy = problem((7, 5, 3))
    v, s, dx = literal(layer, x, dy)
    np.testing.assert_array_equal(layer.forward(x), s)
    np.testing.assert_allclose(layer.v, v, rtol=1e-13, atol=1e-13)
    assert layer.rate() == pytest.approx(s.mean())
    np.testing.assert_allclose(layer.backward(dy), dx, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("constant", [False, True])
def test_the_membrane_is_that_of_the_spikes_to_the_last_bit(preset, constant):
    """It is computed again: another order of rounding would show spikes below the threshold."""
    layer = LIF(from_preset(preset, time_steps=8))
    rng = np.random.default_rng(18)
    x = rng.normal(0.5, 1, (6, 5, 1 if constant else 8, 40)).astype(np.float32)
    affine = [rng.uniform(0.5, 2, 6).astype(np.float32) for _ in range(2)]
    for given in (None, affine):
        s = layer.forward(x, affine=given)
        assert 0 < s.mean() < 1
        np.testing.assert_array_equal(s, layer.v >= np.float32(layer.neuron.threshold))


def test_constants_have_the_type_of_the_arithmetic():
    """A float of Python or NumPy's float64 would promote every step of a kernel."""
    for dtype in (np.float32, np.float64):
        constants = LIF(from_preset("lth", time_steps=5), dtype).constants()[:3]
        assert {type(c) for c in constants} == {dtype}


def test_the_membrane_is_that_of_the_last_forward_and_held_by_nobody():
    layer = LIF(from_preset("ndsnn", time_steps=5), np.float64)
    x, dy = problem((7, 5, 3))
    layer.forward(x)
    held, v = layer.buffer_bytes(), layer.v
    expected = v.copy()
    v[...] = np.nan
    layer.backward(dy)
    np.testing.assert_array_equal(layer.v, expected)
    assert layer.v is not layer.v
    assert layer.buffer_bytes() == held
    x_new, dy_new = problem((4, 1, 6), seed=19)
    layer.forward(x_new)
    np.testing.assert_allclose(layer.v, literal(layer, x_new, dy_new)[0], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shape", [(9,), (1,), (4, 9), (2, 3, 9)])
def test_one_neuron_or_many_are_simulated_by_the_equations(preset, shape):
    neuron = from_preset(preset, time_steps=3)
    current = np.random.default_rng(20).normal(0.8, 1, shape)
    v, o = nsnn.simulate(current, neuron)
    v_literal, o_literal = reference.lif_forward(neuron.gain * current[..., None], neuron)
    np.testing.assert_allclose(v, v_literal[..., 0], rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(o, o_literal[..., 0])
    assert (v.shape, o.shape, v.dtype) == (shape, shape, np.float64)


def test_simulated_spikes_can_be_counted_and_subtracted():
    v, o = nsnn.simulate([1, 0, 0], from_preset("ndsnn"))
    assert v.tolist() == [1.0, -0.5, -0.25]
    assert o.sum() - 5 == -4
    for wrong in (3.0, [], np.zeros((4, 0))):
        with pytest.raises(nsnn.UserError, match="current of shape"):
            nsnn.simulate(wrong, from_preset("ndsnn"))


def test_a_neuron_is_simulated_by_the_name_of_its_paper_and_a_current_is_a_number():
    named, made = (nsnn.simulate([2, 1, 1], each)[0] for each in ("lth", from_preset("lth")))
    np.testing.assert_array_equal(named, made)
    with pytest.raises(nsnn.UserError, match=r"neuron\.preset = 'ndsn': did you mean ndsnn"):
        nsnn.simulate([1.0], "ndsn")
    for wrong in (np.nan, np.inf):
        with pytest.raises(nsnn.UserError, match="current: nan or inf"):
            nsnn.simulate([1.0, wrong], "ndsnn")
