"""What all plots share: where axes come from, colours that everyone can tell apart, legends."""

import io
from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nsnn.errors import UserError
from nsnn.files import make_folder, write_atomic

# Okabe and Ito's palette without its yellow, which vanishes on white: told apart with every
# common colour blindness. Source: Okabe, Ito, "Color Universal Design", 2008.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
BLUE, ORANGE, GREEN, RED = PALETTE[:4]
GREY = "#767676"

# Formats by suffix, with the entry that would make equal figures unequal files.
FORMATS = {".png": "Software", ".pdf": "CreationDate", ".svg": "Date"}


class Picture(Figure):
    """A figure that a notebook shows, though pyplot, whose figures it knows, is not used."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def new_figure(width=6.4, height=3.8) -> Picture:
    """An empty figure in inches, drawn by Agg.

    It belongs to nobody but its holder: pyplot keeps no list of it, so there is nothing to close,
    no display is needed, the user's backend stays as it is, and pyplot (0.7 s) is not imported.
    """
    figure = Picture(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def picture_format(path) -> str:
    """The suffix of a picture's path, such as ".png"; a UserError for one that cannot be drawn."""
    suffix = Path(path).suffix.lower() or ".png"
    if suffix not in FORMATS:
        raise UserError(f"{path}: a picture is {' or '.join(FORMATS)}, by the end of its name")
    return suffix


def save(figure, path, dpi=100) -> Path:
    """Write a figure in one piece, in the format of its suffix; equal figures are equal files.

    The folder is made. Raises UserError for a suffix that is not in `FORMATS`, RunError where the
    file cannot be written.
    """
    path, suffix = Path(path), picture_format(path)
    make_folder(path.parent)
    options = {"format": suffix[1:], "dpi": dpi, "metadata": {FORMATS[suffix]: None}}
    with rc_context({"svg.hashsalt": "nsnn"}):
        write_atomic(path, lambda file: figure.savefig(file, **options))
    return path


def axes_or_new(ax, width=6.4, height=3.8, columns=1):
    """The caller's axes, or those of a new figure: one, or an array of them side by side."""
    return new_figure(width, height).subplots(1, columns) if ax is None else ax


def titled(ax, title, xlabel, ylabel, whole="", most=9, zero=False, legend=None):
    """Title, labels with units and a quiet frame; returns `ax`.

    The axes of `whole`, such as "xy", have at most about `most` ticks, at integers only: there is
    no epoch 2.5. With `zero` the y axis starts at 0 and leaves room above the highest point. A
    `legend` with that title, or none (""), stands to the right of the axes, where it cannot cover
    data, if there is anything to name.
    """
    if zero:
        highest = ax.dataLim.y1 if ax.has_data() else 1.0
        ax.set_ylim(0.0, 1.08 * highest if highest > 0 else 1.0)
    if legend is not None and ax.get_legend_handles_labels()[0]:
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "frameon": False}
        ax.legend(**place, fontsize=8, title=legend, title_fontsize=8)
    ax.set_title(title, loc="left", fontsize=10)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    for name in whole:
        locator = MaxNLocator(most, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
        getattr(ax, f"{name}axis").set_major_locator(locator)
    return ax


def colours(count) -> list:
    """`count` colours: the palette, or for more than it has, a dark-to-light order of depth."""
    if count <= len(PALETTE):
        return list(PALETTE[:count])
    return [colormaps["viridis"](x) for x in np.linspace(0.0, 0.9, count)]


def ridges(ax, rows, edges, labels) -> None:
    """Distributions below each other: for each row its histogram, scaled to its highest bin.

    `rows` are arrays of numbers, the first is drawn at the top; `labels` stand beside them.
    """
    baselines = np.arange(len(rows))[::-1]
    for values, base, colour in zip(rows, baselines, colours(len(rows)), strict=True):
        counts = np.histogram(values, edges)[0]
        tops = np.append(base + 0.85 * counts / max(counts.max(), 1), base)
        ax.fill_between(edges, base, tops, step="post", color=colour, alpha=0.75, linewidth=0)
        ax.axhline(base, color=GREY, linewidth=0.5, zorder=0)
    ax.set_yticks(baselines, labels, va="bottom", fontsize=8)
    ax.tick_params(axis="y", length=0)
