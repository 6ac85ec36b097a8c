"""LIF kernels against the equations, and against values worked by hand."""

import numpy as np
import pytest

from nsnn import surrogate
from nsnn.kernels import lif as kernels
from nsnn.neuron import PRESETS, from_preset
from nsnn.reference import lif as reference

SHAPES = [(5, 2, 6, 7), (1, 1, 1, 1), (3, 1, 1, 4), (3, 4, 5, 1), (2, 1, 4, 33)]


def affine(C, dtype=float):
    """A scale and a shift for each channel, multiples of 1/4."""
    return (1 + np.arange(C) / 4).astype(dtype), (np.arange(C) / 4 - 0.25).astype(dtype)


def constants(neuron, dtype):
    number = np.dtype(dtype).type
    return number(neuron.decay), number(neuron.threshold), neuron.reset == "zero"


def forward(x, scale, shift, neuron, T):
    s = np.full((*x.shape[:2], T, x.shape[3]), 7, np.uint8)
    kernels.lif_forward(x, scale, shift, *constants(neuron, x.dtype), s, 0, x.shape[0])
    v = np.full(s.shape, np.nan, x.dtype)
    kernels.lif_membrane(x, scale, shift, s, *constants(neuron, x.dtype), v, 0, x.shape[0])
    return v, s


def backward(delta, x, scale, shift, s, neuron):
    number = delta.dtype.type
    d = np.full(x.shape, np.nan, delta.dtype)
    decay, threshold, zero = constants(neuron, delta.dtype)
    kernels.lif_backward(
        delta, x, scale, shift, s, decay, number(neuron.gain), threshold, zero,
        neuron.detach_reset, surrogate.code(neuron.surrogate), number(neuron.surrogate_width),
        d, 0, x.shape[0],
    )  # fmt: skip
    return d


def problem(shape, constant, rng):
    C, P, T, B = shape
    # Multiples of 1/8 make ties with the threshold common; the arithmetic on them is exact.
    return rng.integers(-4, 16, (C, P, 1 if constant else T, B)) / 8


def current(x, scale, shift, T):
    """I = scale x + shift at every step: what the kernel adds up while it integrates."""
    I = scale[:, None, None, None] * x + shift[:, None, None, None]
    return np.broadcast_to(I, (*x.shape[:2], T, x.shape[3]))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("constant", [False, True])
def test_forward_equals_the_equations_exactly(preset, shape, constant):
    x = problem(shape, constant, np.random.default_rng(1))
    neuron = from_preset(preset)
    scale, shift = affine(shape[0])
    v, s = forward(x, scale, shift, neuron, shape[2])
    expected_v, expected_s = reference.lif_forward(current(x, scale, shift, shape[2]), neuron)
    np.testing.assert_array_equal(s, expected_s)
    np.testing.assert_allclose(v, expected_v, rtol=1e-15, atol=1e-15)


def test_float32_ties_are_not_decided_in_float64():
    """0.1 in float32 is above 0.1 in float64: a promoted comparison would lose spikes."""
    neuron = from_preset("ndsnn", threshold=0.1, decay=0.3)
    number = np.float32
    x = np.full((4, 1, 3, 50), 0.1, number)
    x[1:, :, :, ::3] = number(0.07)
    x[2:, :, :, ::3] = number(0.3) * number(0.1)
    v, s = forward(x, np.ones(4, number), np.zeros(4, number), neuron, 3)
    expected, spikes = np.zeros_like(v), np.zeros_like(s)
    for t in range(3):
        expected[:, :, t] = x[:, :, t]
        if t:
            reset = np.where(spikes[:, :, t - 1] == 1, number(0.1), number(0))
            expected[:, :, t] = number(0.3) * expected[:, :, t - 1] - reset + x[:, :, t]
        spikes[:, :, t] = expected[:, :, t] >= number(0.1)
    assert s[0, 0, 0].all()  # fires at equality
    np.testing.assert_array_equal(v, expected)
    np.testing.assert_array_equal(s, spikes)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("name", surrogate.SURROGATES)
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("smooth", [False, True])
def test_backward_equals_the_equations(preset, detach, name, constant, smooth):
    rng = np.random.default_rng(2)
    neuron = from_preset(preset, detach_reset=detach, surrogate=name)
    for shape in SHAPES:
        x = rng.normal(1, 1, (*shape[:2], 1 if constant else shape[2], shape[3]))
        scale, shift = affine(shape[0])
        v, s = forward(x, scale, shift, neuron, shape[2])
        if smooth:  # gradient checks fire with real numbers
            s = rng.random(shape)
            I = current(x, scale, shift, shape[2])
            v, _ = reference.lif_forward(I, neuron, held=s)
        delta = rng.normal(size=shape)
        d = backward(delta, x, scale, shift, s, neuron)
        epsilon = reference.lif_backward(delta, v, s, neuron)
        expected = neuron.gain * (epsilon.sum(axis=2, keepdims=True) if constant else epsilon)
        np.testing.assert_allclose(d, expected, rtol=1e-12, atol=1e-12)


def test_membrane_by_hand():
    """Two steps of each reset, worked on paper."""
    x = np.array([1.2, 0.7]).reshape(1, 1, 2, 1)
    one, none = np.ones(1), np.zeros(1)
    v, s = forward(x, one, none, from_preset("ndsnn"), 2)
    np.testing.assert_allclose(v.ravel(), [1.2, 0.5 * 1.2 + 0.7 - 1.0])
    assert s.ravel().tolist() == [1, 0]
    v, s = forward(x, one, none, from_preset("sdsnn"), 2)
    np.testing.assert_allclose(v.ravel(), [1.2, 0.7])
    v, s = forward(x, 0.75 * one, none, from_preset("lth"), 2)
    np.testing.assert_allclose(v.ravel(), [0.9, 0.25 * 0.9 + 0.75 * 0.7])
    v, s = forward(x, one, none + 0.1, from_preset("ndsnn"), 2)
    np.testing.assert_allclose(v.ravel(), [1.3, 0.5 * 1.3 + 0.8 - 1.0])
