"""From images and events to the neuron-major input."""

import numpy as np
import pytest

from nsnn.encoding import encode
from nsnn.errors import UserError

MEAN, STD = np.array([0.1, 0.2]), np.array([0.5, 2.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_direct_coding(dtype):
    images = np.random.default_rng(50).integers(0, 256, (3, 2, 4, 5)).astype(np.uint8)
    x = encode(images, MEAN, STD, dtype)
    assert x.shape == (2, 4, 5, 1, 3)
    assert x.dtype == dtype
    assert x.flags.c_contiguous
    expected = (images / 255 - MEAN[:, None, None]) / STD[:, None, None]
    np.testing.assert_allclose(x[:, :, :, 0], expected.transpose(1, 2, 3, 0), rtol=1e-5, atol=1e-6)
    # The same images as float in [0, 1].
    again = encode((images / 255).astype(dtype), MEAN, STD, dtype)
    np.testing.assert_allclose(again, x, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 2, 1, 1), (1, 1, 2, 3, 4)])
def test_images_and_events_are_neither_changed_nor_shared(shape):
    """Although one of the right type is in the network's order already."""
    given = np.random.default_rng(51).random(shape)
    before = given.copy()
    assert not np.shares_memory(encode(given, MEAN, STD, np.float64), given)
    np.testing.assert_array_equal(given, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_events(dtype):
    frames = np.random.default_rng(52).integers(0, 3, (4, 6, 2, 3, 5)).astype(np.uint8)
    x = encode(frames, MEAN, STD, dtype)
    assert x.dtype == dtype  # uint8 would mean spikes, and a count of 2 would pass for one
    assert x.max() == 2
    assert x.shape == (2, 3, 5, 6, 4)
    assert x.flags.c_contiguous
    assert x[1, 2, 4, 5, 3] == frames[3, 5, 1, 2, 4]
    np.testing.assert_array_equal(x, frames.transpose(2, 3, 4, 1, 0))
    for given in (np.float64, np.int64, bool, dtype):
        again = encode(frames.astype(given), MEAN, STD, dtype)
        assert again.dtype == dtype
        np.testing.assert_array_equal(again, x > 0 if given is bool else x)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5), (1, 2, 3, 4, 5, 6)])
def test_other_shapes(shape):
    with pytest.raises(UserError, match=r"give images \(B, C, H, W\) or events"):
        encode(np.zeros(shape), MEAN, STD, np.float32)


@pytest.mark.parametrize("dtype", [np.int64, np.int16, bool, complex])
def test_images_of_another_type_are_refused(dtype):
    """Integers other than uint8 would be taken for brightness 0 to 255 on the scale [0, 1]."""
    with pytest.raises(UserError, match="uint8"):
        encode(np.ones((3, 2, 4, 5), dtype), MEAN, STD, np.float32)
