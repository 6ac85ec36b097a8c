"""The page of an experiment, written from its finished cells: Markdown, CSV and a figure."""

import csv
import io
import itertools
from collections import Counter

from nsnn.errors import RunError, UserError
from nsnn.experiments import figure, results
from nsnn.experiments.cells import cells, label_name, rank, value_name
from nsnn.experiments.measures import QUANTITIES, REFERENCES, Group, group, measure
from nsnn.experiments.spec import Experiment
from nsnn.files import write_text
from nsnn.methods import METHODS
from nsnn.plot.style import save
from nsnn.text import MARKDOWN, plural
from nsnn.text import table as text_table

# Columns of the tables with a line for each entry: what it reached, after the experiment's own
# metric, and what it cost.
_REACHED = ("test_accuracy", "density_asked", "density", "spike_rate")
_COST = (
    "relative_cost", "cost_to_lth", "operations_to_dense", "cpu_seconds_to_dense", "cpu_seconds",
    "seconds", "bytes_held_peak", "bytes_formula",
)  # fmt: skip
# Options of every cell, in the order in which the page names them.
_SHARED = (
    "model.name", "model.width", "neuron.preset", "neuron.time_steps", "data.augment",
    "data.validation", "data.batch", "train.epochs", "train.loss", "optim.name", "optim.lr",
    "optim.schedule", "optim.momentum", "optim.weight_decay",
)  # fmt: skip
# What no measure, note or curve can do without.
_NEEDED = {
    "method": str, "data": str, "data_fingerprint": str, "epochs": int, "per_epoch": dict,
    "test_accuracy": int | float, "seconds": int | float, "environment": dict,
}  # fmt: skip
_NONE = "–"
_MARKS = "¹²³⁴⁵⁶⁷⁸⁹"


def write(experiment: Experiment, profile: str, out) -> str:
    """Write `table.md`, `table.csv` and `figure.png` beside the cells of a profile.

    Parameters
    ----------
    experiment : Experiment
    profile : str
    out : path-like
        Folder of all results; the files go to `<out>/<id>/<profile>/`.

    Returns
    -------
    str
        The table's grid as text.

    Raises
    ------
    UserError
        When no cell is finished, or the experiment asks for a measure that there is none of.
    RunError
        For a damaged cell, and when a file cannot be written.
    """
    figure.check(experiment)
    planned = cells(experiment, profile)
    records = results.current(planned, results.read_cells(out, experiment.id, profile))
    folder = results.folder(out, experiment.id, profile)
    if not records:
        raise UserError(
            f"{folder} has no finished cell of this profile: first run nsnn reproduce "
            f"{experiment.given} --profile {profile} --out {out}"
        )
    for record in records:
        if lacking := _lacking(record):
            raise RunError(
                f"{folder / results.CELLS}: the cell {record['labels']}, seed {record['seed']}, "
                f"lacks {lacking}: remove its line, then run nsnn reproduce again"
            )
    others = [r for r in results.finished_anywhere(out).values() if not _lacking(r)]
    groups = group(planned, measure(records, others), experiment.paper)
    write_text(folder / "table.md", page(experiment, profile, groups))
    write_text(folder / "table.csv", csv_text(experiment, groups))
    picture = figure.draw(experiment, groups, experiment.profile(profile).note)
    save(picture, folder / "figure.png", dpi=110)
    return grid(experiment, groups)


def _lacking(record: dict) -> str:
    """What a record lacks, or has as something that it cannot be; "" if nothing."""
    # Measures may be None: such as the validation accuracy of a run without that split.
    kinds = dict.fromkeys(QUANTITIES, int | float | None) | _NEEDED
    return ", ".join(k for k, kind in kinds.items() if not isinstance(record.get(k), kind))


def csv_text(experiment: Experiment, groups: list[Group]) -> str:
    """A line for each entry with all numbers at full precision; empty where there is none."""
    labels = [*itertools.chain(*_layout(experiment, groups))]
    printed = [key for key in QUANTITIES if any(each.printed(key) for each in groups)]
    head = [*labels, "planned", "n", "seeds", *(f"{method}_seeds" for method in REFERENCES)]
    for key, quantity in QUANTITIES.items():
        head += [f"{key}_mean ({quantity.unit})", f"{key}_sd ({quantity.unit})"]
    head += [f"{key}_paper ({QUANTITIES[key].unit})" for key in printed]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for each in groups:
        seeds = [str(cell.record["seed"]) for cell in each.cells]
        line = [*each.pick(labels), each.planned, len(seeds), " ".join(seeds)]
        for method in REFERENCES:
            partners = [cell.partners[method] for cell in each.cells]
            line.append(" ".join("none" if p is None else str(p.seed) for p in partners))
        for key, quantity in QUANTITIES.items():
            found = each.spread(key)
            pair = (None, None) if found is None else (found.mean, found.sd)
            line += [None if value is None else value * quantity.scale for value in pair]
        line += [each.printed_value(key) for key in printed]
        writer.writerow(line)  # None as nothing
    return text.getvalue()


def page(experiment: Experiment, profile: str, groups: list[Group]) -> str:
    """The whole page in Markdown: what was measured, the grid, a line for each entry, notes."""
    quantity = QUANTITIES[experiment.table.metric]
    printed = any(each.paper for each in groups)
    parts = [
        f"# {experiment.title}",
        f"{experiment.source}, profile `{profile}`. This page is written by "
        f"`nsnn table {experiment.given} --profile {profile}` from `cells.jsonl`.",
        experiment.profile(profile).note.strip(),
        f"{'*ours*: ' if printed else ''}{quantity.heading} ({quantity.unit}), mean ± standard "
        "deviation of the seeds (number of seeds; error bars or a band in the figure), measured by "
        "nsnn in the setting below. *n of m*: of m seeds that are planned n are finished."
        + f" *paper*: what {experiment.source} prints, for the paper's own setting; it was not "
        "measured here." * printed,
        grid(experiment, groups),
        "![The same numbers as a figure](figure.png)",
        "## What each entry reached, and what it cost",
        *details(experiment, groups),
        "## How it was measured",
        "\n".join(f"- {line}" for line in _facts(experiment, groups)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def grid(experiment: Experiment, groups: list[Group]) -> str:
    """The compact table: rows and columns as the experiment says, ours beside the paper's."""
    metric, (row_labels, column_labels) = experiment.table.metric, _layout(experiment, groups)
    entries = {(each.pick(row_labels), each.pick(column_labels)): each for each in groups}
    # What has none of the columns' labels, such as the dense network, comes first.
    columns = sorted({column for _, column in entries}, key=lambda c: [rank(value) for value in c])
    marks, with_paper = _marks(groups), {}
    for (_, column), each in entries.items():
        with_paper[column] = with_paper.get(column, False) or each.printed(metric) is not None
    head = [label_name(label) for label in row_labels]
    if column_labels:
        head[-1] += f" ↓ {', '.join(label_name(label) for label in column_labels)} →"
    for column in columns:
        pairs = zip(column_labels, column, strict=True)
        name = ", ".join(value_name(experiment, *pair) for pair in pairs)
        if column and not any(column):
            methods = {each.labels.get("method") for (_, c), each in entries.items() if c == column}
            name = "dense" if methods == {"dense"} else "none"
        if any(with_paper.values()):
            head.append(f"{name} ours".strip())
            head += [f"{name} paper".strip()] * with_paper[column]
        else:
            head.append(name or "ours")
    lines = []
    for row in dict.fromkeys(row for row, _ in entries):
        line = [value_name(experiment, *pair) for pair in zip(row_labels, row, strict=True)]
        for column in columns:
            each = entries.get((row, column))
            line.append("" if each is None else _ours(each, metric))
            paper = "" if each is None else _paper(each, metric, marks)
            line += [paper] * with_paper[column]
        lines.append(line)
    return text_table(head, lines, len(row_labels), MARKDOWN)


def details(experiment: Experiment, groups: list[Group]) -> list[str]:
    """A line for each finished entry, in two tables: what it reached, and what it cost.

    Where validation accuracy chooses, the test accuracy is left out: nobody is to choose by it.
    """
    # What all entries share the grid shows.
    labels = [
        label
        for label in itertools.chain(*_layout(experiment, groups))
        if len({each.labels.get(label) for each in groups}) > 1
    ]
    metric, marks = experiment.table.metric, _marks(groups)
    printed = [key for key in QUANTITIES if any(each.printed(key) for each in groups)]
    reached = dict.fromkeys((metric, "test_accuracy", *printed, *_REACHED))
    if metric == "validation_accuracy":
        del reached["test_accuracy"]
    groups = [each for each in groups if each.cells]
    texts = []
    for keys in ([key for key in reached if key not in _COST], _COST):
        head = [label_name(label) for label in labels]
        lines = [[value_name(experiment, n, each.labels.get(n)) for n in labels] for each in groups]
        for key in keys:
            name = f"{QUANTITIES[key].heading} ({QUANTITIES[key].unit})"
            paper = any(each.printed(key) for each in groups)
            head += [f"{name}, ours", f"{name}, paper"] if paper else [name]
            shown = _ours if key in (metric, "test_accuracy") else _mean
            for line, each in zip(lines, groups, strict=True):
                line.append(shown(each, key))
                line += [_paper(each, key, marks)] * paper
        texts.append(text_table(head, lines, len(labels), MARKDOWN))
    return texts


def _layout(experiment: Experiment, groups: list[Group]) -> tuple[list[str], list[str]]:
    """The labels of the rows and those of the columns."""
    columns = list(experiment.table.columns)
    present = {label for each in groups for label in each.labels}
    # Labels that the table does not name but cells have: entries are never mixed.
    rows = dict.fromkeys((*experiment.table.rows, *experiment.axes))
    return [label for label in rows if label in present and label not in columns], columns


def _ours(each: Group, key: str) -> str:
    """Mean ± sd (n), or "n of planned" when cells are missing."""
    found = each.spread(key)
    n = found.n if found else 0
    count = f"({n} of {each.planned})" if n < each.planned else f"({n})"
    return f"{_mean(each, key)} {count}"


def _mean(each: Group, key: str) -> str:
    """Mean, and ± sd where it is not 0 as printed."""
    found, quantity = each.spread(key), QUANTITIES[key]
    if found is None:
        return _NONE
    mean, sd = (
        f"{(value or 0.0) * quantity.scale:.{quantity.digits}f}" for value in (found.mean, found.sd)
    )
    return f"{mean} ± {sd}" if float(sd) else mean


def _paper(each: Group, key: str, marks: dict) -> str:
    """As the paper prints it, with the mark of its note."""
    printed = each.printed(key)
    if printed is None:
        return ""
    digits = max(QUANTITIES[key].digits, len(str(printed.value).partition(".")[2]))
    return f"{printed.value:.{digits}f}{marks.get(printed.note, '')}"


def _marks(groups: list[Group]) -> dict[str, str]:
    """A mark for each note on a value of the paper."""
    notes = dict.fromkeys(p.note for each in groups for p in each.paper.values() if p.note)
    return {note: _MARKS[i] if i < len(_MARKS) else f" [{i + 1}]" for i, note in enumerate(notes)}


def _facts(experiment: Experiment, groups: list[Group]) -> list[str]:
    """The notes under the table."""
    measured = [cell for each in groups for cell in each.cells]
    records = [cell.record for cell in measured]
    planned = sum(each.planned for each in groups)
    missing = sum(max(each.planned - len(each.cells), 0) for each in groups)
    minutes = sum(record["seconds"] for record in records) / 60
    reasons = Counter(reason for cell in measured for reason in cell.reasons)
    return [
        f"{len(records)} cells finished, {missing} of {planned} planned ones missing; "
        f"{minutes:.0f} minutes of training in all.",
        *setting_lines(experiment, records),
        f"Images trained on, without a validation split, by checksum: {data_line(records)}.",
        f"Machine: {_environment_line(records)}.",
        "cost / dense: NDSNN IV-C, the mean over the epochs of R_s·d/R_d (R: spike rate, d: mean "
        f"density of the epoch). {_references(measured, 'dense')}",
        f"cost / LTH: quotient of two such costs. {_references(measured, 'lth')}",
        "synaptic operations / dense: of all forwards of the training, counted exactly, without "
        "the products with pixels. CPU time / dense: of the processor, measured.",
        "memory: weights, gradients, optimiser state and indices; held at the peak of the run, "
        "with the snapshot of LTH or Z and U of ADMM, and by the formula of NDSNN III-D "
        "(T gradients, no momentum) for the final weights.",
        *(f"No {reason} ({plural(count, 'cell')})." for reason, count in reasons.items()),
        *(f"{mark} paper: {note}" for note, mark in _marks(groups).items()),
    ]


def _references(measured: list, method: str) -> str:
    """With which cells the cells were compared."""
    name = METHODS[method].title
    pairs = [(cell.record["seed"], cell.partners[method]) for cell in measured]
    compared = [(seed, other) for seed, other in pairs if other is not None]
    if not compared:
        return f"No {name} cell is finished."
    same = sum(seed == other.seed for seed, other in compared)
    text = f"Compared with the {name} cell of the same seed ({plural(same, 'cell')})"
    if same < len(compared):
        text += f", else of the smallest seed ({plural(len(compared) - same, 'cell')})"
    elsewhere = sum(other.elsewhere for _, other in compared)
    if elsewhere:
        text += f"; it belongs to another experiment for {plural(elsewhere, 'cell')}"
    return text + "."


def setting_lines(experiment: Experiment, records: list[dict]) -> list[str]:
    """The configuration of the finished cells: what they share, then each method's own options.

    Those of a method that are labels of an experiment have a value also where a cell has no such
    label.
    """
    axes = set(experiment.axes.values())
    shared = [f"{key} = {varying(records, key)}" for key in _SHARED if key not in axes]
    lines = [f"Every cell: {', '.join(shared)}."]
    for method in dict.fromkeys(record["method"] for record in records):
        own = [record for record in records if record["method"] == method]
        options = [
            f"{key.removeprefix('method.')} = {varying(own, key)}"
            for key in dict.fromkeys(key for record in own for key in record["config"])
            if key.startswith("method.") and key not in ("method.name", *axes)
        ]
        silent = [
            f"{label} = {varying(without, key)}"
            for label, key in experiment.axes.items()
            if (without := [r for r in own if label not in r["labels"] and key in r["config"]])
        ]
        lines += [f"`{method}`: {', '.join(options)}."] * bool(options)
        lines += [f"`{method}`, where a table has –: {', '.join(silent)}."] * bool(silent)
    return lines


def varying(records: list[dict], key: str) -> str:
    """An option's value, or its values and the labels that they go with.

    Examples
    --------
    >>> cells = [{"labels": {"data": name}, "config": {"train.epochs": n}}
    ...          for name, n in (("mnist", 10), ("cifar10", 30), ("mnist", 10))]
    >>> varying(cells, "train.epochs")
    '10 (mnist), 30 (cifar10)'
    """
    values = list(dict.fromkeys(record["config"].get(key) for record in records))
    if len(values) == 1:
        return str(values[0])
    labels = list(dict.fromkeys(label for record in records for label in record["labels"]))
    for chosen in (*((label,) for label in labels), *itertools.combinations(labels, 2)):
        found = {}
        for record in records:
            where = tuple(record["labels"].get(label) for label in chosen)
            found.setdefault(where, set()).add(record["config"].get(key))
        if all(len(each) == 1 for each in found.values()):
            return ", ".join(
                f"{value} ({'; '.join(_words(w) for w, each in found.items() if value in each)})"
                for value in values
            )
    return " or ".join(map(str, values))


def _words(values: tuple) -> str:
    return " ".join(str(value) for value in values if value is not None)


def data_line(records: list[dict]) -> str:
    """On what the cells were trained: a data set that came in two versions has two checksums.

    The official CIFAR-10 and a copy of other pixels bear the same name, and a validation split
    takes images away.
    """
    found = {}
    for record in records:
        found.setdefault(record["data"], []).append(record["data_fingerprint"])
    return "; ".join(f"{name} {_counted(marks, '×', ' and ')}" for name, marks in found.items())


def _environment_line(records: list[dict]) -> str:
    """On what machines and with what versions the cells were trained."""
    found = []
    for e in (record["environment"] for record in records):
        cores, threads = plural(e["cores"], "core"), plural(e["threads"], "thread")
        versions = ", ".join(f"{name} {e[name]}" for name in ("nsnn", "numpy", "numba", "python"))
        found.append(f"{e['processor']}, {cores}, {threads} a cell; {versions}")
    return _counted(found, " cells", " | ")


def _counted(found: list[str], noun: str, join: str) -> str:
    """Each value once; where they differ, with how often."""
    counts = Counter(found)
    return (
        found[0] if len(counts) == 1 else join.join(f"{x} ({n}{noun})" for x, n in counts.items())
    )
