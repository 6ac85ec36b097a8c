"""LIF kernels against their NumPy twins, and against values worked by hand."""

import numpy as np
import pytest

from nsnn import surrogate
from nsnn.kernels import lif as kernels
from nsnn.neuron import PRESETS, from_preset
from nsnn.reference import lif as reference

SHAPES = [(5, 6, 7), (1, 1, 1), (3, 1, 4), (3, 5, 1), (2, 4, 33)]


def forward(current, neuron, time_steps):
    N, _, B = current.shape
    v = np.full((N, time_steps, B), np.nan, current.dtype)
    s = np.full((N, time_steps, B), 7, np.uint8)
    number = current.dtype.type
    kernels.lif_forward(
        current, number(neuron.decay), number(neuron.gain), number(neuron.threshold),
        neuron.reset == "zero", v, s, 0, N,
    )  # fmt: skip
    return v, s


def backward(delta, v, s, neuron, constant):
    number = delta.dtype.type
    N, T, B = delta.shape
    d = np.full((N, 1 if constant else T, B), np.nan, delta.dtype)
    kernels.lif_backward(
        delta, v, s, number(neuron.decay), number(neuron.gain), number(neuron.threshold),
        neuron.reset == "zero", neuron.detach_reset, surrogate.code(neuron.surrogate),
        number(neuron.surrogate_scale), d, 0, N,
    )  # fmt: skip
    return d


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("constant", [False, True])
def test_forward_equals_its_twin_exactly(preset, shape, constant):
    rng = np.random.default_rng(1)
    N, T, B = shape
    # Multiples of 1/8 make ties with the threshold common; the arithmetic on them is exact.
    current = rng.integers(-4, 16, (N, 1 if constant else T, B)) / 8
    neuron = from_preset(preset)
    v, s = forward(current, neuron, T)
    expected_v, expected_s = reference.lif_forward(
        current, neuron.decay, neuron.gain, neuron.threshold, neuron.reset == "zero", T
    )
    np.testing.assert_array_equal(s, expected_s)
    np.testing.assert_allclose(v, expected_v, rtol=1e-15, atol=1e-15)


def test_float32_ties_are_not_decided_in_float64():
    """0.1 in float32 is above 0.1 in float64: a promoted comparison would lose spikes."""
    neuron = from_preset("ndsnn", threshold=0.1, decay=0.3)
    current = np.full((4, 3, 50), 0.1, np.float32)
    current[1:, :, ::3] = np.float32(0.07)
    current[2:, :, ::3] = np.float32(0.3) * np.float32(0.1)
    v, s = forward(current, neuron, 3)
    number = np.float32
    expected = np.zeros_like(v)
    spikes = np.zeros_like(s)
    for t in range(3):
        expected[:, t] = current[:, t]
        if t:
            reset = np.where(spikes[:, t - 1] == 1, number(0.1), number(0))
            expected[:, t] = number(0.3) * expected[:, t - 1] + current[:, t] - reset
        spikes[:, t] = expected[:, t] >= number(0.1)
    assert s[0, 0].all()  # fires at equality
    np.testing.assert_array_equal(v, expected)
    np.testing.assert_array_equal(s, spikes)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("name", surrogate.SURROGATES)
@pytest.mark.parametrize("constant", [False, True])
def test_backward_equals_its_twin(preset, detach, name, constant):
    rng = np.random.default_rng(2)
    for shape in SHAPES:
        v = rng.normal(1, 1, shape)
        s = (v >= 1).astype(np.uint8)
        delta = rng.normal(size=shape)
        neuron = from_preset(preset, detach_reset=detach, surrogate=name)
        d = backward(delta, v, s, neuron, constant)
        expected = reference.lif_backward(
            delta, v, s, neuron.decay, neuron.gain, neuron.threshold, neuron.reset == "zero",
            detach, name, neuron.surrogate_scale, constant,
        )  # fmt: skip
        np.testing.assert_allclose(d, expected, rtol=1e-12, atol=1e-12)


def test_backward_in_float32_stays_close():
    rng = np.random.default_rng(3)
    v = rng.normal(1, 1, (9, 5, 40))
    s = (v >= 1).astype(np.uint8)
    delta = rng.normal(size=v.shape)
    neuron = from_preset("ndsnn", detach_reset=False)
    exact = backward(delta, v, s, neuron, False)
    single = backward(delta.astype(np.float32), v.astype(np.float32), s, neuron, False)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=2e-4, atol=2e-5)


def test_membrane_by_hand():
    """Two steps of each reset, worked on paper."""
    current = np.array([1.2, 0.7]).reshape(1, 2, 1)
    v, s = forward(current, from_preset("ndsnn"), 2)
    np.testing.assert_allclose(v.ravel(), [1.2, 0.5 * 1.2 + 0.7 - 1.0])
    assert s.ravel().tolist() == [1, 0]
    v, s = forward(current, from_preset("sdsnn"), 2)
    np.testing.assert_allclose(v.ravel(), [1.2, 0.7])
    v, s = forward(current, from_preset("lth"), 2)
    np.testing.assert_allclose(v.ravel(), [0.9, 0.25 * 0.9 + 0.75 * 0.7])


def test_ranges_do_not_matter():
    rng = np.random.default_rng(4)
    current = rng.normal(0.5, 1, (10, 4, 6))
    v, s = np.zeros((10, 4, 6)), np.zeros((10, 4, 6), np.uint8)
    for start, stop in ((0, 3), (3, 4), (4, 10)):
        kernels.lif_forward(current, 0.5, 1.0, 1.0, False, v, s, start, stop)
    expected = forward(current, from_preset("ndsnn"), 4)
    np.testing.assert_array_equal(v, expected[0])
    np.testing.assert_array_equal(s, expected[1])
