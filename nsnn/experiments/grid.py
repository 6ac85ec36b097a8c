"""Groups of cells as tables: the compact grid, two with a line for each entry, and CSV."""

import csv
import io
import itertools

from nsnn.experiments import Experiment
from nsnn.experiments.cells import label_name, rank, value_name
from nsnn.experiments.measures import QUANTITIES, REFERENCES, Group
from nsnn.text import MARKDOWN, table

# Columns of the tables with a line for each entry: what it reached, after the experiment's own
# metric, and what it cost.
_REACHED = ("test_accuracy", "density_asked", "density", "spike_rate")
_COST = (
    "relative_cost", "cost_to_lth", "operations_to_dense", "cpu_seconds_to_dense", "cpu_seconds",
    "seconds", "bytes_held_peak", "bytes_formula",
)  # fmt: skip
_NONE = "–"
_MARKS = "¹²³⁴⁵⁶⁷⁸⁹"


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


def grid(experiment: Experiment, groups: list[Group]) -> str:
    """The compact table: rows and columns as the experiment says, ours beside the paper's."""
    metric, (row_labels, column_labels) = experiment.table.metric, _layout(experiment, groups)
    entries = {(each.pick(row_labels), each.pick(column_labels)): each for each in groups}
    # What has none of the columns' labels, such as the dense network, comes first.
    columns = sorted({column for _, column in entries}, key=lambda c: [rank(value) for value in c])
    marks, with_paper = paper_marks(groups), {}
    for (_, column), each in entries.items():
        with_paper[column] = with_paper.get(column, False) or each.printed(metric) is not None
    head = [label_name(label) for label in row_labels]
    if column_labels:
        head[-1] += f" ↓ {', '.join(label_name(label) for label in column_labels)} →"
    for column in columns:
        pairs = zip(column_labels, column, strict=True)
        name = ", ".join(value_name(experiment, *pair) for pair in pairs)
        if column and all(value is None for value in column):
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
    return table(head, lines, len(row_labels), MARKDOWN)


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
    metric, marks = experiment.table.metric, paper_marks(groups)
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
        texts.append(table(head, lines, len(labels), MARKDOWN))
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


def paper_marks(groups: list[Group]) -> dict[str, str]:
    """A mark for each note on a value of the paper."""
    notes = dict.fromkeys(p.note for each in groups for p in each.paper.values() if p.note)
    return {note: _MARKS[i] if i < len(_MARKS) else f" [{i + 1}]" for i, note in enumerate(notes)}
