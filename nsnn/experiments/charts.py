"""What a panel of a figure can be: lines, curves, bars, a tradeoff or the neurons of a layer.

Each is a function of the axes to draw in, the experiment and the groups of the panel (a list of
`measures.Group`; those without what is drawn are left out), and returns the axes.
"""

from collections import Counter

import numpy as np
from matplotlib.ticker import LogLocator, NullLocator

from nsnn.experiments import Experiment
from nsnn.experiments.cells import is_sparsity, label_name, value_name, words
from nsnn.experiments.measures import QUANTITIES, Group
from nsnn.methods import METHODS
from nsnn.plot.spines import importance
from nsnn.plot.style import BLUE, GREY, ORANGE, PALETTE, titled

# Of curves over epochs: the list of a record, the name of the y axis, value to drawn value.
CURVES = {
    "sparsity": ("mean_density", "sparsity, mean of the epoch (%)", lambda d: 100.0 * (1.0 - d)),
    "density": ("mean_density", "density, mean of the epoch (%)", lambda d: 100.0 * d),
    "spike_rate": ("spike_rate", "spike rate (spikes/neuron/step)", lambda r: r),
    "train_accuracy": ("train_accuracy", "training accuracy (%)", lambda a: 100.0 * a),
    "validation_accuracy": ("validation_accuracy", "validation accuracy (%)", lambda a: 100.0 * a),
    "train_loss": ("train_loss", "training loss (nats)", lambda x: x),
    "learning_rate": ("learning_rate", "learning rate", lambda x: x),
}
# Of bars: the ways to tell what training costs.
COSTS = {
    "relative_cost": ("estimate of NDSNN IV-C", BLUE),
    "operations_to_dense": ("synaptic operations, exact", ORANGE),
    "cpu_seconds_to_dense": ("CPU time, measured", GREY),
}

# A method has one look in all figures, by its place in METHODS: colour, marker, dash.
_LOOKS = (
    ("#000000", "D", "-"), ("#D55E00", "v", "-"), ("#CC79A7", "p", "-."), ("#E69F00", "s", "-"),
    ("#009E73", "^", "--"), ("#0072B2", "o", "-"), ("#56B4E9", "X", "-"), ("#6A3D9A", "P", "-"),
    ("#882255", "h", "-"), ("#999933", "<", "--"), ("#44AA99", ">", "-."),
)  # fmt: skip
_MARKERS, _DASHES = "os^vDpX", ("-", "--", "-.", ":")
# Corners of a point for its label: to the right, up (in points), flush.
_CORNERS = ((5, -9, "left"), (5, 4, "left"), (-5, 4, "right"), (-5, -9, "right"))


def _series(experiment: Experiment, groups: list[Group]) -> list[tuple[str, dict, list[Group]]]:
    """The lines of a panel with name and look, each of the groups that agree in the series' labels.

    A line looks as its method does; a method's further lines differ in marker and dash.
    """
    labels, members = experiment.figure.series, {}
    for each in groups:
        members.setdefault(each.pick(labels), []).append(each)
    found, drawn = [], Counter()
    for key, line in members.items():
        method = dict(zip(labels, key, strict=True)).get("method")
        place = [*METHODS].index(method) if method in METHODS else None
        number = drawn[place]  # of the lines before it that are of its method
        drawn[place] += 1
        if place is None:
            colour, marker, dash = PALETTE[number % len(PALETTE)], _MARKERS[0], _DASHES[0]
        else:
            colour, marker, dash = _LOOKS[place % len(_LOOKS)]
            number += place // len(_LOOKS)
        look = {"color": colour, "marker": _other(_MARKERS, marker, number)}
        look["linestyle"] = _other(_DASHES, dash, number)
        found.append((words(experiment, labels, key) or "dense", look, line))
    return found


def _other(choices, first: str, number: int) -> str:
    """The choice of this number, of which `first` has the number 0."""
    return [first, *(each for each in choices if each != first)][number % len(choices)]


def lines(ax, experiment: Experiment, groups: list[Group], paper: bool = False):
    """A measure against a label, a line for each series with ± sd; what lacks it is a level.

    `paper`: draw the values that the paper prints, hollow and dotted, instead of ours.
    """
    spec = experiment.figure
    ticks = sorted({each.labels[spec.x] for each in groups if spec.x in each.labels})
    places, scale = _places(experiment, spec.x, ticks)
    if spec.y == "accuracy_change":  # that of dense is 0 by definition
        groups = [each for each in groups if spec.x in each.labels]
        _level(ax, 0.0, 0.0, "dense", "black", paper)
    members = _series(experiment, groups)
    low, high = min(places.values(), default=0.0), max(places.values(), default=0.0)
    hair = 0.008 * (high - low or 1.0)
    for index, (name, look, line) in enumerate(members):
        found = [(each, _value(each, spec.y, paper)) for each in line]
        found = [(each.labels.get(spec.x), *value) for each, value in found if value]
        for _, mean, sd in (point for point in found if point[0] is None):
            _level(ax, mean, sd, name, look["color"], paper)
        points = sorted(point for point in found if point[0] is not None)
        if points:
            x, y, sd = zip(*((places[tick], mean, sd) for tick, mean, sd in points), strict=True)
            # Side by side by a hair, so that error bars and lone points do not cover each other.
            apart = any(sd) or len(points) == 1
            aside = hair * (index - (len(members) - 1) / 2) * apart
            _line(ax, np.add(x, aside), y, sd, name, look, paper)
    if spec.bars and not paper:
        _bars_behind(ax, spec, groups, places)
    names = [value_name(experiment, spec.x, tick).removesuffix(" %") for tick in ticks]
    ax.set_xticks([*places.values()], names)
    margin = 0.35 * _gap(places)
    ax.set_xlim(low - margin, high + margin)
    _rule(ax)
    unit = " (%)" if is_sparsity(experiment, spec.x) else ""
    return titled(ax, "", label_name(spec.x) + unit + scale, str(QUANTITIES[spec.y]))


def _places(experiment: Experiment, label: str, ticks: list) -> tuple[dict, str]:
    """Where each value of a label stands on its axis, and what the axis says of its scale.

    Numbers stand to scale: what grows by factors on a logarithmic one, where that spaces them more
    evenly; of sparsities it is the density that falls by factors. Names stand side by side.
    """
    if any(isinstance(tick, str | bool) for tick in ticks):
        return {tick: place for place, tick in enumerate(ticks)}, ""
    places, sparse = np.array(ticks, dtype=np.float64), is_sparsity(experiment, label)
    factors, words = (1.0 - places, "density on a log scale") if sparse else (places, "log scale")
    if len(ticks) > 2 and factors.min() > 0.0 and factors.max() >= 5.0 * factors.min():
        logs = -np.log10(factors) if sparse else np.log10(factors)
        gaps, even = np.diff(places), np.diff(logs)
        if even.max() / even.min() < gaps.max() / gaps.min():
            return dict(zip(ticks, logs.tolist(), strict=True)), f", {words}"
    return dict(zip(ticks, places.tolist(), strict=True)), ""


def _gap(places: dict) -> float:
    """Between the two places that are closest to each other; 1 where there is one place."""
    return min(np.diff(sorted(places.values())), default=1.0)


def curves(ax, experiment: Experiment, groups: list[Group]):
    """A quantity of every epoch (`CURVES`), a line for each series: mean ± sd of its seeds."""
    key, name, shown = CURVES[experiment.figure.y]
    for label, look, line in _series(experiment, groups):
        runs = [cell["per_epoch"][key] for each in line for cell in each.cells]
        # Only in a profile that mixes budgets are some longer than others.
        for epochs in sorted({len(run) for run in runs}):
            values = shown(np.array([run for run in runs if len(run) == epochs], dtype=np.float64))
            options = {"markersize": 4, "markevery": max(1, epochs // 12), "linewidth": 1.5}
            x, y = np.arange(1, epochs + 1), values.mean(axis=0)
            ax.plot(x, y, label=label, **look, **options)
            if len(values) > 1:
                sd = values.std(axis=0, ddof=1)
                ax.fill_between(x, y - sd, y + sd, color=look["color"], alpha=0.15, linewidth=0)
    if experiment.figure.y.endswith("_accuracy"):
        _rule(ax)  # differences of tenths of a point: not from 0
    elif "%" in name:
        ax.set_ylim(-3.0, 103.0)  # a line at 0 or 100 is seen whole
    return titled(ax, "", "epoch", name, whole="x", zero="%" not in name)


def bars(ax, experiment: Experiment, groups: list[Group]):
    """The training cost of each group relative to dense: estimated, counted and measured.

    Containers: one for each of `COSTS`, and a hollow one for the paper's values if it has any.
    """
    groups = [each for each in groups if each.cells]
    rows = [(*look, [_value(each, key) for each in groups]) for key, look in COSTS.items()]
    printed = [_value(each, "relative_cost", paper=True) for each in groups]
    if any(printed):
        rows.insert(0, ("paper's estimate, full size", "white", printed))
    places, width = np.arange(len(groups)), 0.84 / len(rows)
    for index, (name, colour, values) in enumerate(rows):
        mean, sd = np.array([value or (np.nan, 0.0) for value in values]).reshape(-1, 2).T
        x = places + (index - (len(rows) - 1) / 2) * width
        options = {"color": colour, "label": name, "error_kw": {"elinewidth": 1}}
        if colour == "white":
            options |= {"edgecolor": BLUE, "linestyle": ":", "linewidth": 1.2}
        made = ax.bar(x, mean, 0.9 * width, yerr=sd, **options)
        texts = ["" if np.isnan(v) else f"{v:.{1 if v < 99.95 else 0}f}" for v in mean]
        ax.bar_label(made, texts, fontsize=6.5, padding=2)
    ax.axhline(100.0, color=GREY, linewidth=0.8, linestyle="--", zorder=0)
    labels, names = dict.fromkeys((experiment.figure.x, *experiment.figure.series)), []
    for each in groups:
        told = [value_name(experiment, n, each.labels[n]) for n in labels if n in each.labels]
        names.append("\n".join(told))
    ax.set_xticks(places, names, fontsize=8)
    return titled(ax, "", "", "training cost (% of dense)", zero=True)


def tradeoff(ax, experiment: Experiment, groups: list[Group]):
    """A measure against what it costs, a line for each series, the label `x` written at its points.

    The cost is on a logarithmic axis; ± sd in both directions.
    """
    spec = experiment.figure
    for index, (name, look, line) in enumerate(_series(experiment, groups)):
        points = []
        for each in line:
            cost, value = _value(each, spec.cost), _value(each, spec.y)
            if cost and value:
                moves = each.labels.get(spec.x)  # along the line, such as the 10 of 10 epochs
                name_of = "" if moves is None else value_name(experiment, spec.x, moves)
                points.append((*cost, *value, name_of))
        if not points:
            continue
        x, x_sd, y, y_sd, names = zip(*sorted(points), strict=True)
        _line(ax, x, y, y_sd, name, look, paper=False, x_sd=x_sd)
        # Each series has a corner of its own for its labels: points of several may be close.
        *corner, flush = _CORNERS[index % len(_CORNERS)]
        options = {"xytext": corner, "textcoords": "offset points", "ha": flush, "fontsize": 7}
        for text, *place in zip(names, x, y, strict=True):
            ax.annotate(text, place, color=look["color"], **options)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    ax.xaxis.set_major_formatter("{x:g}")  # 20, not 2 × 10¹
    ax.xaxis.set_minor_locator(NullLocator())
    ax.margins(x=0.12, y=0.1)
    _rule(ax)
    below = f"{QUANTITIES[spec.cost]}; at the points: {label_name(spec.x)}"
    return titled(ax, "", below, str(QUANTITIES[spec.y]))


def neurons(ax, experiment: Experiment, groups: list[Group]):
    """Importance and synapses of each neuron of a layer, after the first cell that has them.

    They come in two axes in place of `ax`, of which the left is returned.
    """
    measured = [cell.get("final_measures") for each in groups for cell in each.cells]
    measured = next(filter(None, measured), None)
    if measured is None:  # dense, or finished by an older nsnn
        return titled(ax, "", "", "no cell with numbers of each neuron")
    pair = ax.get_subplotspec().subgridspec(1, 2).subplots()
    ax.remove()
    return importance(measured, axes=pair)[0]


def _line(ax, x, y, sd, name: str, look: dict, paper: bool, x_sd=None) -> None:
    """Points with error bars, joined."""
    options = look | {"markersize": 5, "linewidth": 1.4, "label": name}
    if paper:
        ax.plot(x, y, **options | {"linestyle": ":", "markerfacecolor": "white"})
    else:
        # No caps where there is no spread.
        sd, x_sd = ([value or np.nan for value in each] if each else None for each in (sd, x_sd))
        ax.errorbar(x, y, sd, x_sd, capsize=3, elinewidth=1, **options | {"linestyle": "-"})


def _bars_behind(ax, spec, groups: list[Group], places: dict) -> None:
    """Bars of another measure at the ticks, the mean over the series, read off at the right."""
    behind, found = ax.twinx(), {}
    for each in groups:
        if (value := _value(each, spec.bars)) and spec.x in each.labels:
            found.setdefault(each.labels[spec.x], []).append(value[0])
    heights = [np.mean(found[tick]) if tick in found else np.nan for tick in places]
    behind.bar(places.values(), heights, 0.6 * _gap(places), color="#DDDDDD")
    behind.set_ylabel(f"bars: {QUANTITIES[spec.bars]}")
    behind.spines["top"].set_visible(False)
    ax.set_zorder(behind.get_zorder() + 1)
    ax.patch.set_visible(False)  # else it would cover the bars


def _rule(ax) -> None:
    """Quiet lines across, below what is drawn, to read values by."""
    ax.grid(axis="y", color="#E5E5E5", linewidth=0.6)
    ax.set_axisbelow(True)


def _level(ax, mean: float, sd: float, name: str, colour: str, paper: bool) -> None:
    ax.axhline(mean, color=colour, linestyle=":" if paper else "--", linewidth=1.2, label=name)
    if sd:
        ax.axhspan(mean - sd, mean + sd, color=colour, alpha=0.1, linewidth=0)


def _value(each: Group, key: str, paper: bool = False) -> tuple[float, float] | None:
    """Mean and sd (0 for a single cell) in the unit of the table, or what the paper prints."""
    if paper:
        return None if (printed := each.printed(key)) is None else (printed, 0.0)
    found = each.spread(key)
    return found and (found.mean, found.sd or 0.0)


KINDS = {"lines": lines, "curves": curves, "bars": bars, "tradeoff": tradeoff, "neurons": neurons}
