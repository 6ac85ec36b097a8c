"""What an event camera saw of one sample: a strip of frames, and an animation."""

import tempfile
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb

from nsnn.files import make_folder, write_atomic
from nsnn.plot.style import BLUE, ORANGE, axes_or_new, new_figure, titled


def event_strip(frames, ax=None):
    """The frames of one sample side by side: ON events blue, OFF events orange, both black.

    `frames`, uint8 (T, 2, H, W), count events of each polarity (OFF, ON) in each time step.
    """
    pictures = _coloured(frames)
    steps, height, width, _ = pictures.shape
    ax = axes_or_new(ax, max(1.1 * steps, 4.0), 1.1 * height / width + 0.7)
    strip = np.full((height, steps, width + 2, 3), 0.85)  # grey between the frames
    strip[:, :, :width] = pictures.transpose(1, 0, 2, 3)
    ax.imshow(strip.reshape(height, -1, 3)[:, :-2], interpolation="nearest")
    ax.set_xticks((np.arange(steps) + 0.5) * (width + 2) - 1.5, range(1, steps + 1))
    ax.set_yticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return titled(ax, f"{frames.sum():,} events: ON blue, OFF orange", "time step", "")


def save_animation(frames, path) -> Path:
    """Write the frames of one sample (see `event_strip`) as a GIF, five in a second, without end.

    Raises RunError where the file cannot be written.
    """
    from matplotlib.animation import PillowWriter

    figure, writer = new_figure(2.4, 2.4), PillowWriter(fps=5)
    ax = figure.add_subplot()
    ax.set_axis_off()
    pictures, path = _coloured(frames), Path(path)
    shown = ax.imshow(pictures[0], interpolation="nearest")
    make_folder(path.parent)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "events.gif")
        with writer.saving(figure, whole, dpi=100):
            for step, picture in enumerate(pictures, 1):
                shown.set_data(picture)
                ax.set_title(f"time step {step} of {len(pictures)}", fontsize=9)
                writer.grab_frame()
        write_atomic(path, lambda file: file.write(whole.read_bytes()))
    return path


def _coloured(frames) -> np.ndarray:
    """Frames (T, 2, H, W) as colours (T, H, W, 3) in [0, 1]; the 99th percentile is full colour."""
    counts = frames[frames > 0]
    full = np.percentile(counts, 99) if counts.size else 1.0
    shares = np.minimum(frames / full, 1.0)[..., None]
    orange, blue = (1.0 - np.array(to_rgb(colour)) for colour in (ORANGE, BLUE))
    return np.clip(1.0 - shares[:, 0] * orange - shares[:, 1] * blue, 0.0, 1.0)
