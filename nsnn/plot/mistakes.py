"""What a trained network gets wrong: the confusion matrix and the worst mistakes."""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import PowerNorm

from nsnn.errors import UserError
from nsnn.plot.style import GREY, axes_or_new, new_figure, titled
from nsnn.text import percent, plural

# Above this many classes the numbers in the cells would not be readable.
_MOST_NUMBERED = 20


def confusion_matrix(confusion, ax=None):
    """How often each true class was called each class.

    `confusion` (classes, classes) counts samples, a row a true class, a column a predicted one.
    Only mistakes are coloured: in a good classifier the diagonal would use up the whole scale.
    """
    confusion = np.asarray(confusion)
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1]:
        raise UserError(f"confusion_matrix: needs classes × classes, got shape {confusion.shape}")
    ax = axes_or_new(ax, 5.6, 5.0)
    classes = confusion.shape[0]
    diagonal = np.eye(classes, dtype=bool)
    per_class = np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    wrong = np.ma.masked_array(100.0 * confusion / per_class, mask=diagonal)
    worst = max(float(wrong.max()) if classes > 1 else 0.0, 1e-9)
    # The square root keeps single mistakes visible beside the frequent ones.
    colours = colormaps["Blues"].with_extremes(bad="#EEEEEE")
    image = ax.imshow(wrong, cmap=colours, norm=PowerNorm(0.5, 0.0, worst))
    ax.figure.colorbar(image, ax=ax, shrink=0.8, label="mistakes (% of the true class)")
    numbered = np.argwhere(confusion) if classes <= _MOST_NUMBERED else []
    for row, col in numbered:  # in a colour that can be read there
        colour = GREY if row == col else "white" if wrong[row, col] > 0.4 * worst else "black"
        options = {"ha": "center", "va": "center", "fontsize": 8 if classes <= 12 else 6}
        ax.text(col, row, str(confusion[row, col]), color=colour, **options)
    ticks = range(classes) if classes <= _MOST_NUMBERED else range(0, classes, classes // 10)
    ax.set(xticks=ticks, yticks=ticks)
    total, right = int(confusion.sum()), int(np.trace(confusion))
    title = f"{_mistakes(total - right, total)} ({percent(right / max(total, 1))} right)"
    return titled(ax, title, "predicted class", "true class")


def worst_mistakes(images, true, predicted, confidence, count=10, confusion=None):
    """A figure of the mistakes the network was most sure of, surest first.

    At most `count` of `images`, uint8 or float (n, C, H, W): C = 1 or 3 is drawn as grey or colour,
    anything else as the mean of the channels. `true` and `predicted` are classes, `confidence` the
    probability that the network gave to its prediction, arrays (n,). `confusion` is that of the
    whole split, where these are its first samples only.
    """
    true, predicted, confidence = map(np.asarray, (true, predicted, confidence))
    wrong = np.flatnonzero(true != predicted)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
    mistakes, samples, part = wrong.size, true.size, ""
    if confusion is not None and np.sum(confusion) > true.size:
        part = f" of the first {plural(true.size, 'sample')}"
        mistakes, samples = int(np.sum(confusion) - np.trace(confusion)), int(np.sum(confusion))
    part = f": the {worst.size} surest{part}" if mistakes else ""
    figure = new_figure(9.0, 1.65)
    figure.suptitle(f"{_mistakes(mistakes, samples)}{part}", x=0.01, ha="left", fontsize=10)
    for ax, sample in zip(figure.subplots(1, count, squeeze=False)[0], worst, strict=False):
        pixels = np.moveaxis(images[sample], 0, -1) / (255 if images.dtype == np.uint8 else 1)
        if pixels.shape[2] not in (1, 3):
            pixels = pixels.mean(axis=2, keepdims=True)
        ax.imshow(pixels, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
        said = f"said {predicted[sample]} ({100 * confidence[sample]:.0f} %)"
        ax.set_xlabel(f"{said}\nwas {true[sample]}", fontsize=8)
    for ax in figure.axes:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    return figure


def _mistakes(wrong: int, samples: int) -> str:
    """What both pictures say of one split."""
    return f"{plural(wrong, 'mistake')} in {plural(samples, 'sample')}"
