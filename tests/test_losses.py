"""Losses against hand values, a literal softmax and central differences."""

import math
from functools import partial

import numpy as np
import pytest

from nsnn.losses import cross_entropy, mse_rate, tet

ALL = [
    pytest.param(cross_entropy, id="cross_entropy"),
    pytest.param(partial(tet, lam=0.0), id="tet-0"),
    pytest.param(partial(tet, lam=0.3), id="tet-0.3"),
    pytest.param(mse_rate, id="mse_rate"),
]
SHAPES = [(3, 4, 5), (2, 1, 1), (10, 1, 3), (4, 6, 1)]


def draw(shape, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape).astype(dtype), rng.integers(0, shape[0], size=shape[2])


def softmax_loss(z, y):
    """−ln softmax(z)[y] of one sample, literally."""
    return -math.log(math.exp(z[y]) / sum(math.exp(x) for x in z))


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_by_central_differences(loss, shape):
    outputs, labels = draw(shape)
    gradient = loss(outputs, labels)[1]
    h = 1e-6
    for index in np.ndindex(shape):
        up, down = outputs.copy(), outputs.copy()
        up[index] += h
        down[index] -= h
        difference = (loss(up, labels)[0] - loss(down, labels)[0]) / (2 * h)
        assert gradient[index] == pytest.approx(difference, rel=1e-6, abs=2e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy_is_that_of_the_mean(shape):
    outputs, labels = draw(shape, seed=1)
    mean = outputs.mean(axis=1)
    expected = np.mean([softmax_loss(mean[:, b], labels[b]) for b in range(shape[2])])
    assert cross_entropy(outputs, labels)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("lam", [0.0, 0.25, 1.0])
def test_tet_literally(lam):
    outputs, labels = draw((3, 4, 5), seed=2)
    each = [softmax_loss(outputs[:, t, b], labels[b]) for t in range(4) for b in range(5)]
    expected = (1 - lam) * np.mean(each) + lam * np.mean((outputs - 1.0) ** 2)
    assert tet(outputs, labels, lam)[0] == pytest.approx(expected, rel=1e-12)


def test_mse_rate_by_hand():
    # Rates over four steps: 0.5 and 0.25; label 0.
    spikes = np.array([[1, 0, 1, 0], [0, 0, 0, 1]], dtype=np.float64)[:, :, np.newaxis]
    loss, gradient = mse_rate(spikes, np.array([0]))
    assert loss == (0.5**2 + 0.25**2) / 2
    np.testing.assert_allclose(gradient[:, :, 0], [[-0.125] * 4, [0.0625] * 4])


@pytest.mark.parametrize("loss", ALL)
def test_no_overflow_and_right_at_extremes(loss):
    outputs = np.array([1e4, -1e4, 0.0]).reshape(3, 1, 1)
    for label in range(3):
        value, gradient = loss(outputs, np.array([label]))
        assert math.isfinite(value)
        assert np.all(np.isfinite(gradient))
    assert cross_entropy(outputs, np.array([0]))[0] == 0.0
    assert cross_entropy(outputs, np.array([1]))[0] == 2e4


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_and_input_untouched(loss, dtype):
    outputs, labels = draw((3, 4, 5), dtype=dtype)
    before = outputs.copy()
    value, gradient = loss(outputs, labels)
    assert type(value) is float
    assert gradient.dtype == dtype
    assert gradient.shape == outputs.shape
    assert gradient.flags.c_contiguous
    np.testing.assert_array_equal(outputs, before)
    # float32 in, float64 inside: the loss is that of the same numbers in float64.
    assert value == loss(outputs.astype(np.float64), labels)[0]
