"""The figure of an experiment: its panels with one title, one note and one legend."""

import textwrap

import numpy as np

from nsnn.errors import UserError
from nsnn.experiments import Experiment
from nsnn.experiments.cells import words
from nsnn.experiments.charts import COSTS, CURVES, KINDS
from nsnn.experiments.measures import QUANTITIES, Group
from nsnn.plot.style import GREY, new_figure
from nsnn.text import nearest

# What figure.y can be where it is no quantity of a table.
_MEASURES = {"curves": CURVES, "bars": COSTS, "neurons": ("importance",)}

_WIDTH, _HEIGHT = 4.3, 3.4  # of a panel, inches
_PAIR = 11.0  # of the two axes of neurons, with their legend
_CLUSTER = 1.25  # of a group of bars
_MANY = 8  # names in a legend: more are written smaller
_LINE = 0.19  # of a line of text in the title or the legend, in height


def draw(experiment: Experiment, groups: list[Group], note: str | None = ""):
    """The figure of an experiment, of the kind that it asks for, with a note below the title.

    One axes for each panel that has finished cells; lines have a second one with the paper's
    values where it prints some: on the same scale, or it says that it is another. The legend is
    below all. Without a note (None) there is no title either: a paper has a caption.
    """
    # Those without finished cells keep their place, so that no line changes its colour.
    found = panels(experiment, groups).items()
    found = {name: part for name, part in found if any(each.cells for each in part)}
    kind, width, parts = experiment.figure.kind, _WIDTH, []
    for name, members in found.items():
        parts.append((name, members, {}))
        if kind == "lines" and any(experiment.figure.y in each.paper for each in members):
            parts.append((f"{name}: printed in the paper", members, {"paper": True}))
    if kind == "bars":
        width = max(_WIDTH, _CLUSTER * max(map(len, found.values())))
    elif kind == "neurons":
        width = _PAIR
    figure, axes = _canvas(len(parts), width)
    for place, (ax, (name, members, paper)) in enumerate(zip(axes, parts, strict=True)):
        ax = KINDS[kind](ax, experiment, members, **paper)
        ax.set_title(name, loc="left", fontsize=10, color=GREY if paper else "black")
        if paper:
            _compare(axes[place - 1], ax)
    if note is not None:
        lines_of_note = textwrap.wrap(" ".join(note.split()), int(13 * figure.get_figwidth()))
        title = "\n".join([experiment.title, *lines_of_note])
        figure.suptitle(title, x=0.01, ha="left", fontsize=9)
        figure.set_figheight(figure.get_figheight() + _LINE * len(lines_of_note))
    return _with_legend(figure, axes)


def _compare(ours, theirs) -> None:
    """One range for two axes if it is at most half as long again as the longer one, else words."""
    ranges = np.array([ours.get_ylim(), theirs.get_ylim()])
    both = ranges.min(), ranges.max()
    if np.ptp(both) <= 1.5 * np.ptp(ranges, axis=1).max():
        ours.set_ylim(both)
        theirs.set_ylim(both)
    else:
        theirs.set_ylabel(f"{theirs.get_ylabel()}, another scale")


def panels(experiment: Experiment, groups: list[Group]) -> dict[str, list[Group]]:
    """The groups of each panel by its title: those that agree in all labels not drawn otherwise.

    A group that lacks a label, as the dense network may, is in all panels it does not contradict.
    """
    spec = experiment.figure
    labels = [label for label in experiment.axes if label not in (spec.x, *spec.series)]
    labels.sort(key=lambda label: label != spec.panels)
    keys = list(dict.fromkeys(each.pick(labels) for each in groups))
    order = list(dict.fromkeys(each.pick(spec.series) for each in groups))  # of lines, in all
    groups = sorted(groups, key=lambda each: order.index(each.pick(spec.series)))
    found = {}
    for key in keys:
        if not any(_fits(key, other) for other in keys if other != key):  # else in its panel
            title = words(experiment, labels, key)
            found[title] = [each for each in groups if _fits(each.pick(labels), key)]
    return found


def check(experiment: Experiment) -> None:
    """Raise UserError where table or figure ask for a measure that there is none of."""
    spec = experiment.figure
    wanted = [
        ("figure.kind", spec.kind, KINDS),
        ("table.metric", experiment.table.metric, QUANTITIES),
        ("figure.y", spec.y, _MEASURES.get(spec.kind, QUANTITIES)),
        *([("figure.bars", spec.bars, QUANTITIES)] if spec.bars else []),
        *(("paper.metric", printed.metric, QUANTITIES) for printed in experiment.paper),
    ]
    if spec.kind == "tradeoff":
        wanted.append(("figure.cost", spec.cost, QUANTITIES))
    elif spec.cost:
        raise UserError(f"{experiment.id}: figure.cost: for the kind tradeoff only, leave it out")
    if spec.kind not in ("curves", "neurons"):
        wanted.append(("figure.x", spec.x, experiment.axes))
    for where, value, choices in wanted:
        if value not in choices:
            raise UserError(f"{experiment.id}: {where} = {value!r}: {nearest(value, choices)}")
    for printed in experiment.paper:
        units = (QUANTITIES[printed.metric].unit, "fraction")
        if printed.unit not in units:
            what = f"{experiment.id}: paper.unit = {printed.unit!r} of {printed.metric}"
            raise UserError(f"{what}: use {' or '.join(units)}")


def _fits(key: tuple, other: tuple) -> bool:
    """Whether each label is missing or equal."""
    return all(mine in (None, theirs) for mine, theirs in zip(key, other, strict=True))


def _canvas(count: int, width: float):
    """A figure with so many axes, two or three in a row."""
    columns = count if count <= 3 and width <= 5 else min(count, 2)
    rows = -(-count // columns)
    figure = new_figure(max(width * columns, 5.4), _HEIGHT * rows + 0.3)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax in axes[count:]:
        ax.remove()
    return figure, axes[:count]


def _with_legend(figure, axes):
    """One legend for all panels, below them, where it cannot cover data."""
    found = {}
    for ax in axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    size = 9 if len(found) <= _MANY else 7.5
    widest = 0.7 + 0.0083 * size * max(map(len, found), default=0)  # inches: handle and letters
    columns = max(1, min(len(found), int(figure.get_figwidth() / widest)))
    options = {"loc": "outside lower center", "ncols": columns, "frameon": False, "fontsize": size}
    figure.legend(found.values(), found.keys(), **options)
    # Room for it, so that the panels keep their height.
    figure.set_figheight(figure.get_figheight() + _LINE * -(-len(found) // columns))
    return figure
