"""The page of an experiment, written from its finished cells: Markdown, CSV and a figure."""

import itertools
import os
import shlex
from collections import Counter
from pathlib import Path

from nsnn.errors import UserError
from nsnn.experiments import Experiment, figure, fingerprints, results
from nsnn.experiments.cells import cells
from nsnn.experiments.grid import csv_text, details, grid, paper_marks
from nsnn.experiments.measures import QUANTITIES, Group, group, measure
from nsnn.files import write_text
from nsnn.methods import METHODS, RunLength
from nsnn.plot.style import save
from nsnn.plugins import MODULE_PREFIX, as_options, loaded
from nsnn.text import plural
from nsnn.training.config import Config
from nsnn.training.config_file import changed, from_options

_WIDEST = 1150  # pixels of a figure: what a page shows at once
# Options of every cell, in the order in which the page names them.
_SHARED = (
    "model.name", "model.width", "neuron.preset", "neuron.time_steps", "data.augment",
    "data.validation", "data.batch", "train.epochs", "train.loss", "optim.name", "optim.lr",
    "optim.schedule", "optim.momentum", "optim.weight_decay",
)  # fmt: skip
_ROUNDS = "rounds"  # among the options of a cell: how many its method has come to


def write(experiment: Experiment, profile: str, out, data_dir="", picture=None) -> str:
    """Write table.md, table.csv and figure.png beside the cells of a profile; return the grid.

    `picture` is the path of another figure without title and note, such as a .pdf for a paper.
    Below the grid stands how many cells are left out because they are on other data, or how many of
    it are on other data than are here. Raises UserError when no cell is finished or the experiment
    asks for a measure that there is none of, RunError when a file is damaged or cannot be written.
    """
    figure.check(experiment)
    planned = cells(experiment, profile, data_dir=data_dir)
    found = results.read_cells(out, experiment.id, profile)
    records, left_out, outdated = fingerprints.current(planned, found)
    folder = results.folder(out, experiment.id, profile)
    if not records:
        first = f"nsnn reproduce {experiment.given}{_plugins()} --profile {profile} --out {out}"
        raise UserError(f"{folder} has no finished cell of this profile: first run {first}")
    others = results.finished_anywhere(out)
    groups, notes = group(planned, measure(records, others), experiment.paper), []
    if left_out:
        left = f"{plural(len(left_out), 'finished cell')} left out, on other data"
        notes.append(f"{left} ({data_line(left_out)}): nsnn reproduce trains them anew.")
    write_text(folder / "table.md", page(experiment, profile, groups, notes, out))
    write_text(folder / "table.csv", csv_text(experiment, groups))
    whole = figure.draw(experiment, groups, experiment.profile(profile).note)
    save(whole, folder / "figure.png", dpi=min(100, _WIDEST / whole.get_figwidth()))
    if picture is not None:
        save(figure.draw(experiment, groups, None), picture)
    if outdated:
        cells_above = f"{plural(len(outdated), 'cell')} above on other data than are here now"
        notes.append(f"{cells_above}: nsnn reproduce trains anew.")
    return "\n\n".join([grid(experiment, groups), *notes])


def page(experiment: Experiment, profile: str, groups: list[Group], notes, out) -> str:
    """The whole page in Markdown: what was measured, the grid, a line for each entry, `notes`."""
    quantity = QUANTITIES[experiment.table.metric]
    printed = any(each.paper for each in groups)
    options = f"{experiment.given}{_plugins()} --profile {profile}"
    if Path(out).resolve() != results.default_out(profile).resolve():
        options += f" --out {shlex.quote(os.path.relpath(out))}"
    parts = [
        f"# {experiment.title}",
        f"{experiment.source}, profile `{profile}`. This page is written by `nsnn table {options}` "
        f"from `cells.jsonl`; `nsnn reproduce {options}` trains what is missing.",
        experiment.profile(profile).note.strip(),
        f"{'*ours*: ' if printed else ''}{quantity}, mean ± standard "
        "deviation of the seeds (number of seeds; error bars or a band in the figure), measured by "
        "nsnn in the setting below. *n of m*: of m seeds that are planned n are finished."
        + f" *paper*: what {experiment.source} prints, for the paper's own setting; it was not "
        "measured here." * printed,
        grid(experiment, groups),
        "![The same numbers as a figure](figure.png)",
        "## What each entry reached, and what it cost",
        *details(experiment, groups),
        "## How it was measured",
        "\n".join(f"- {line}" for line in _facts(experiment, groups) + notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _plugins() -> str:
    """The options that name the plug-ins of this process: without them its commands fail."""
    return as_options(os.path.relpath(plugin["file"]) for plugin in loaded())


def _facts(experiment: Experiment, groups: list[Group]) -> list[str]:
    records = [record for each in groups for record in each.cells]
    planned = sum(each.planned for each in groups)
    missing = sum(max(each.planned - len(each.cells), 0) for each in groups)
    minutes = sum(record["seconds"] for record in records) / 60
    reasons = Counter(reason for record in records for reason in record["reasons"])
    machines = _counted(map(_machine, records), " cells", " | ")
    return [
        f"{len(records)} cells finished, {missing} of {planned} planned ones missing; "
        f"{minutes:.0f} minutes of training in all.",
        *setting_lines(experiment, records),
        f"Images trained on, without a validation split, by checksum: {data_line(records)}.",
        f"Machine: {machines}.",
        "cost / dense: NDSNN IV-C, the mean over the epochs of R_s·d/R_d (R: spike rate, d: mean "
        f"density of the epoch). {_references(records, 'dense')}",
        f"cost / LTH: quotient of two such costs. {_references(records, 'lth')}",
        "useful work / dense: terms of all products of the training with nothing that is known to "
        "be 0 (forward, weight and input gradients, dense gradients of growth; pixels too). "
        "executed work: what the kernels multiply. synaptic operations: of the forwards alone, "
        "without pixels. CPU time: of the processor, measured.",
        "memory: weights, gradients, optimiser state and indices; held at the peak of the run, "
        "with the snapshot of LTH, Z and U of ADMM or, in cells that count work, the block of a "
        "dense gradient; and by the formula of NDSNN III-D (T gradients, no momentum) for the "
        "final weights.",
        *(f"No {reason} ({plural(count, 'cell')})." for reason, count in reasons.items()),
        *(f"{mark} paper: {note}" for note, mark in paper_marks(groups).items()),
    ]


def _references(records: list[dict], method: str) -> str:
    pairs = [(own, its) for own in records if (its := own["partners"][method])]
    name, others = METHODS[method].title, sum(own["seed"] != its["seed"] for own, its in pairs)
    if not pairs:
        return f"No {name} cell is finished."
    cells = plural(len(pairs) - others, "cell")
    text = f"Compared with the {name} cell of the same seed ({cells})"
    if others:
        text += f", else of the smallest seed ({plural(others, 'cell')})"
    digests = {record["digest"] for record in records}
    if elsewhere := sum(its["digest"] not in digests for _, its in pairs):
        text += f"; it belongs to another experiment for {plural(elsewhere, 'cell')}"
    return text + "."


def setting_lines(experiment: Experiment, records: list[dict]) -> list[str]:
    """The configuration of the finished cells: what they share, then each method's own options.

    Of what they share the usual options, and all that are not at their defaults somewhere. Those of
    a method that are labels of an experiment have a value also where a cell has no such label.
    """
    axes = {*experiment.axes.values(), "train.seed", "method.name"}
    given = ({k: v for k, v in r["config"].items() if k != "plugins"} for r in records)
    configs = [from_options(options, "a cell") for options in given]
    unusual = sorted({key for config in configs for key in changed(config)}.difference(_SHARED))
    # Networks without time steps have no neuron of that table, and no width.
    keys = [*_SHARED, *(key for key in unusual if not key.startswith("method."))]
    keys = [key for key in keys if any(key in record["config"] for record in records)]
    shared = [f"{key} = {varying(records, key)}" for key in keys if key not in axes]
    lines = [f"Every cell: {', '.join(shared)}."]
    records = [_with_rounds(*pair) for pair in zip(records, configs, strict=True)]
    for method in dict.fromkeys(record["method"] for record in records):
        own = [record for record in records if record["method"] == method]
        options = [
            f"{key.removeprefix('method.')} = {varying(own, key)}"
            for key in dict.fromkeys(key for record in own for key in record["config"])
            if key.startswith("method.") and key not in axes
        ]
        silent = [
            f"{label} = {varying(without, key)}"
            for label, key in experiment.axes.items()
            if (without := [r for r in own if label not in r["labels"] and key in r["config"]])
        ]
        rounds = [f"rounds: {varying(own, _ROUNDS)}"] * any(_ROUNDS in r["config"] for r in own)
        for where, found in (("", options + rounds), (", where a table has –", silent)):
            lines += [f"`{method}`{where}: {', '.join(found)}."] * bool(found)
    used = {name for record in records for name in record["config"].get("plugins", [])}
    return lines + [f"Plug-in: {_plugin(name, records)}." for name in sorted(used)]


def _with_rounds(record: dict, config: Config) -> dict:
    """The record with the number of its rounds among its options, where its method has rounds."""
    length = RunLength(record["steps"] // record["epochs"], record["epochs"])
    plan = METHODS[config.method.name].cost_plan(config.method.options, length)
    return record | {"config": record["config"] | ({_ROUNDS: plan.rounds} if plan.rounds else {})}


def _plugin(name: str, records: list[dict]) -> str:
    """The file of a plug-in and its checksum, of which `name` is made."""
    checksum = name.removeprefix(MODULE_PREFIX)
    noted = [plugin for record in records for plugin in record["environment"].get("plugins", [])]
    files = {os.path.basename(each["file"]) for each in noted if each["sha256"] == checksum}
    return f"{', '.join(sorted(files))}, SHA-256 {checksum}".lstrip(", ")


def varying(records: list[dict], key: str) -> str:
    """An option's value, or its values and the one or two labels that they go with.

    Examples
    --------
    >>> cells = [{"labels": {"data": name}, "config": {"train.epochs": n}}
    ...          for name, n in (("mnist", 10), ("cifar10", 30), ("mnist", 10))]
    >>> varying(cells, "train.epochs")
    '10 (mnist), 30 (cifar10)'
    """
    pairs = [(record["labels"], record["config"].get(key, "")) for record in records]
    pairs = [(labels, "–" if value == "" else value) for labels, value in pairs]
    values = list(dict.fromkeys(value for _, value in pairs))
    if len(values) == 1:
        return str(values[0])
    names = list(dict.fromkeys(name for labels, _ in pairs for name in labels))
    for chosen in (*itertools.combinations(names, 1), *itertools.combinations(names, 2)):
        found = {}  # where: the values there
        for labels, value in pairs:
            found.setdefault(tuple(labels.get(name) for name in chosen), set()).add(value)
        if all(len(each) == 1 for each in found.values()):
            where = {value: [] for value in values}
            for place, (value,) in found.items():
                where[value].append(" ".join(str(x) for x in place if x is not None) or "–")
            return ", ".join(f"{value} ({'; '.join(words)})" for value, words in where.items())
    return " or ".join(map(str, values))


def data_line(records: list[dict]) -> str:
    """On what the cells were trained: a data set that came in two versions has two checksums."""
    found = {}
    for record in records:
        found.setdefault(record["data"], []).append(record["data_fingerprint"])
    return "; ".join(f"{name} {_counted(marks, '×', ' and ')}" for name, marks in found.items())


def _machine(record: dict) -> str:
    e = record["environment"]
    versions = ", ".join(f"{name} {e[name]}" for name in ("nsnn", "numpy", "numba", "python"))
    cores, threads = plural(e["cores"], "core"), plural(e["threads"], "thread")
    return f"{e['processor']}, {cores}, {threads} a cell; {versions}"


def _counted(found, noun: str, join: str) -> str:
    """Each value once; where they differ, with how often."""
    counts = Counter(found)
    texts = [f"{value} ({count}{noun})" for value, count in counts.items()]
    return join.join(texts if len(counts) > 1 else counts)
