"""Frames of events as a strip."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from nsnn.plot import event_strip
from nsnn.plot.style import BLUE, ORANGE


@pytest.fixture
def frames():
    """Three frames of 4 × 5 pixels: one ON, one OFF, both at one pixel."""
    frames = np.zeros((3, 2, 4, 5), dtype=np.uint8)
    frames[0, 1, 1, 2] = frames[1, 0, 3, 4] = 2
    frames[2, :, 0, 0] = 2
    return frames


def shown(ax):
    return np.asarray(ax.images[0].get_array())


def test_a_frame_a_time_step_on_blue_off_orange_both_dark(frames):
    ax = event_strip(frames)
    strip = shown(ax)
    assert strip.shape == (4, 3 * 5 + 2 * 2, 3)
    np.testing.assert_allclose(strip[1, 2], to_rgb(BLUE))
    np.testing.assert_allclose(strip[3, 7 + 4], to_rgb(ORANGE))
    assert strip[0, 14].max() < 0.2
    white = (strip[:, [*range(5), *range(7, 12), *range(14, 19)]] == 1).all(axis=2)
    assert white.sum() == 60 - 3
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "2", "3"]
    assert ax.get_xticks().tolist() == [2, 9, 16]  # the middle of each frame
    assert ax.get_title(loc="left").startswith("8 events")


def test_fewer_events_are_paler(frames):
    frames[0, 1, 1, 2] = 1
    pale = shown(event_strip(frames))[1, 2]
    np.testing.assert_allclose(pale, (1 + np.array(to_rgb(BLUE))) / 2)


def test_a_sample_without_events_is_white():
    strip = shown(event_strip(np.zeros((1, 2, 4, 5), dtype=np.uint8)))
    assert (strip == 1).all()
