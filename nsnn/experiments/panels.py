"""Which cells a figure's panels and lines show, and how each line looks and is called."""

from dataclasses import dataclass

from nsnn.experiments.names import label_name, value_name
from nsnn.experiments.spec import Experiment
from nsnn.experiments.summary import Group
from nsnn.plot.style import PALETTE


@dataclass(frozen=True)
class Style:
    """Look of a line; `dash` only where lines may lie on each other."""

    colour: str
    marker: str
    dash: str


# A method has one look in all figures.
_METHODS = {
    "dense": Style("#000000", "D", "-"),
    "lth": Style("#D55E00", "v", "-"),
    "set": Style("#E69F00", "s", "-"),
    "rigl": Style("#009E73", "^", "--"),
    "admm": Style("#CC79A7", "p", "-."),
    "ndsnn": Style("#0072B2", "o", "-"),
}
_MARKERS = "os^vDpX"
_DASHES = ("-", "--", "-.", ":")


def panels(experiment: Experiment, groups: list[Group]) -> dict[str, list[Group]]:
    """The groups of each panel by its title: those that agree in all labels not drawn otherwise.

    Parameters
    ----------
    experiment : Experiment
    groups : list of Group

    Returns
    -------
    dict of str to list of Group
        A group that lacks a label, as the dense network has none of the methods' options, is in
        every panel that it does not contradict.
    """
    spec = experiment.figure
    labels = [label for label in experiment.axes if label not in (spec.x, *spec.series)]
    labels.sort(key=lambda label: label != spec.panels)
    keys = list(dict.fromkeys(_pick(each, labels) for each in groups))
    found = {}
    for key in keys:
        if any(_fits(key, other) for other in keys if other != key):
            continue  # these groups are in the other's panel
        words = [
            series_word(experiment, label, value)
            for label, value in zip(labels, key, strict=True)
            if value is not None
        ]
        found[", ".join(words)] = [each for each in groups if _fits(_pick(each, labels), key)]
    return found


def series(experiment: Experiment, groups: list[Group]) -> dict[tuple, list[Group]]:
    """The groups of each line: those that agree in the labels of the series."""
    found = {}
    for each in groups:
        found.setdefault(_pick(each, experiment.figure.series), []).append(each)
    return found


def series_name(experiment: Experiment, key: tuple) -> str:
    """How the legend calls a line."""
    pairs = zip(experiment.figure.series, key, strict=True)
    words = [series_word(experiment, label, value) for label, value in pairs if value is not None]
    return ", ".join(words) or "dense"


def series_word(experiment: Experiment, label: str, value) -> str:
    """A name says what it is, a number needs its label."""
    text = value_name(experiment, label, value)
    plain = isinstance(value, str) or "=" in text
    return text if plain else f"{label_name(label)} {text}"


def styles(experiment: Experiment, keys) -> dict[tuple, Style]:
    """The look of each line: its method's; a method's further lines differ in marker and dash."""
    known, seen = {}, {}
    if "method" in experiment.figure.series:
        at = experiment.figure.series.index("method")
        for key in keys:
            if key[at] in _METHODS:
                known[key] = _variant(_METHODS[key[at]], seen.setdefault(key[at], 0))
                seen[key[at]] += 1
    used = {style.colour for style in known.values()}
    free = [colour for colour in PALETTE if colour.upper() not in used]
    for i, key in enumerate(key for key in keys if key not in known):
        look = free[i % len(free)], _MARKERS[i % len(_MARKERS)], _DASHES[i % len(_DASHES)]
        known[key] = Style(*look)
    return known


def _variant(style: Style, number: int) -> Style:
    """The look of a method's line `number`, from 0."""
    if number == 0:
        return style
    others = [marker for marker in _MARKERS if marker != style.marker]
    dashes = [dash for dash in _DASHES if dash != style.dash]
    marker = others[(number - 1) % len(others)]
    return Style(style.colour, marker, dashes[(number - 1) % len(dashes)])


def _pick(each: Group, labels) -> tuple:
    return tuple(each.labels.get(label) for label in labels)


def _fits(key: tuple, other: tuple) -> bool:
    """Whether each label is missing or equal."""
    return all(mine in (None, theirs) for mine, theirs in zip(key, other, strict=True))
