"""What an event camera saw of one sample."""

import numpy as np
from matplotlib.colors import to_rgb

from nsnn.plot.style import BLUE, ORANGE, axes_or_new, titled


def event_strip(frames, ax=None):
    """The frames of one sample side by side: ON events blue, OFF events orange, both black.

    `frames`, uint8 (T, 2, H, W), count events of each polarity (OFF, ON) in each time step.
    """
    steps, _, height, width = frames.shape
    counts = frames[frames > 0]
    full = np.percentile(counts, 99) if counts.size else 1.0  # full colour
    shares = np.minimum(frames / full, 1.0)[..., None]
    orange, blue = (1.0 - np.array(to_rgb(colour)) for colour in (ORANGE, BLUE))
    pictures = np.clip(1.0 - shares[:, 0] * orange - shares[:, 1] * blue, 0.0, 1.0)
    ax = axes_or_new(ax, max(1.1 * steps, 4.0), 1.1 * height / width + 0.7)
    strip = np.full((height, steps, width + 2, 3), 0.85)  # grey between the frames
    strip[:, :, :width] = pictures.transpose(1, 0, 2, 3)
    ax.imshow(strip.reshape(height, -1, 3)[:, :-2], interpolation="nearest")
    ax.set_xticks((np.arange(steps) + 0.5) * (width + 2) - 1.5, range(1, steps + 1))
    ax.set_yticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return titled(ax, f"{frames.sum():,} events: ON blue, OFF orange", "time step", "")
