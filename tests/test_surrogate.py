"""Each surrogate is the derivative of its primitive; in the kernel: tests/layers/test_lif.py."""

import numpy as np
import pytest

from nsnn import surrogate
from nsnn.errors import UserError
from nsnn.gradcheck import check_surrogate

NAMES = list(surrogate.SURROGATES)
SCALES = [None, 0.7, 2.5]


def points(name, scale, margin=1e-4):
    x = np.linspace(-3, 3, 1201)
    for kink in surrogate.kinks(name, scale):
        x = x[np.abs(x - kink) > margin]
    return x


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", SCALES)
def test_phi_is_the_derivative_of_the_primitive(name, scale):
    result = check_surrogate(name, np.random.default_rng(0), scale)
    assert result.error <= result.tolerance < result.planted


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", SCALES)
def test_the_primitive_rises_from_0_to_1(name, scale):
    x = np.linspace(-1e4, 1e4, 100_001)
    y = surrogate.primitive(name, x, scale)
    assert np.all(np.diff(y) >= 0)
    assert surrogate.primitive(name, np.zeros(1), scale)[0] == 0.5
    np.testing.assert_allclose(y[[0, -1]], [0, 1], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_phi_is_even_and_1_at_the_threshold(name):
    x = np.linspace(0, 3, 100)
    np.testing.assert_allclose(surrogate.derivative(name, x), surrogate.derivative(name, -x))
    assert surrogate.derivative(name, np.zeros(1))[0] == 1.0
    if name == "arctan":
        np.testing.assert_allclose(surrogate.derivative(name, x), 1 / (1 + (np.pi * x) ** 2))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(name, dtype):
    x = np.linspace(-2, 2, 9).astype(dtype)
    for function in (surrogate.derivative, surrogate.primitive):
        for scale in (None, 1.5):
            y = function(name, x, scale)
            assert y.dtype == dtype
            assert np.isfinite(function(name, 1e15 * x, scale)).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [None, 0.7])
def test_kinks_are_where_phi_is_not_smooth(name, scale):
    """One-sided differences of φ disagree at a kink and agree elsewhere."""
    h = 1e-7

    def bend(x):
        left, mid, right = (
            surrogate.derivative(name, np.array([x + d]), scale)[0] for d in (-h, 0, h)
        )
        return abs(left + right - 2 * mid) / h

    kinks = surrogate.kinks(name, scale)
    assert all(bend(x) > 0.1 for x in kinks)
    assert all(bend(x) < 1e-2 for x in points(name, scale, margin=1e-3)[::40])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("function", [surrogate.derivative, surrogate.primitive])
def test_whole_numbers_and_lists_give_what_float64_gives(name, function):
    wanted = function(name, np.arange(-2.0, 3.0), 0.5)
    assert np.any(wanted)
    for x in (np.arange(-2, 3), [-2, -1, 0, 1, 2], np.arange(-2, 3, dtype=np.int8)):
        found = function(name, x, 0.5)
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, wanted)
    assert function(name, 1, 0.5) == wanted[3]


def test_spike_fires_at_equality():
    assert surrogate.spike([-1, 0, 2]).tolist() == [0, 1, 1]
    s = surrogate.spike(np.array([-1e-9, 0.0, 1e-9]))
    assert s.tolist() == [0, 1, 1]
    assert s.dtype == np.uint8


def test_unknown_name():
    for function in (surrogate.code, surrogate.default_width):
        with pytest.raises(UserError, match="surrogate = 'step': choose one of arctan"):
            function("step")
