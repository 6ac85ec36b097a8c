"""Groups of cells as tables: the compact grid, two with a line for each entry, and CSV."""

import csv
import io
import itertools

from nsnn.experiments import Experiment
from nsnn.experiments.cells import label_name, rank, value_name
from nsnn.experiments.measures import QUANTITIES, Group
from nsnn.methods import DENSE, REFERENCES
from nsnn.text import MARKDOWN, table

# Columns of the tables with a line for each entry: what it reached, besides the metric, and cost.
_REACHED = ("test_accuracy", "density_asked", "density", "spike_rate")
_COST = (
    "useful_to_dense", "executed_to_dense", "relative_cost", "cost_to_lth", "operations_to_dense",
    "cpu_seconds_to_dense", "cpu_seconds", "seconds", "bytes_held_peak", "bytes_formula",
    "inference_operations", "multiply_adds", "energy", "energy_gpu", "energy_truenorth",
)  # fmt: skip
# Only where a cell has them: those of an older nsnn have not.
_WORK = ("useful_to_dense", "executed_to_dense")
_MARKS = "¹²³⁴⁵⁶⁷⁸⁹"


def csv_text(experiment: Experiment, groups: list[Group]) -> str:
    """A line for each entry with all numbers at full precision; empty where there is none."""
    labels, printed = [*itertools.chain(*_layout(experiment, groups))], _printed(groups)
    unknown = [key for key in _WORK if not any(each.spread(key) for each in groups)]
    lines = []
    for each in groups:
        seeds = [cell["seed"] for cell in each.cells]
        line = dict(zip(labels, each.pick(labels), strict=True))
        line |= {"planned": each.planned, "n": len(seeds), "seeds": " ".join(map(str, seeds))}
        for method in REFERENCES:
            partners = [cell["partners"][method] for cell in each.cells]
            line[f"{method}_seeds"] = " ".join(str(p["seed"] if p else "none") for p in partners)
        for key in (key for key in QUANTITIES if key not in unknown):
            (mean, sd, _), unit = each.spread(key) or (None, None, 0), QUANTITIES[key].unit
            line |= {f"{key}_mean ({unit})": mean, f"{key}_sd ({unit})": sd}
        line |= {f"{key}_paper ({QUANTITIES[key].unit})": each.printed(key) for key in printed}
        lines.append(line)
    text = io.StringIO()
    writer = csv.DictWriter(text, lines[0], lineterminator="\n")  # None as nothing
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def grid(experiment: Experiment, groups: list[Group]) -> str:
    """The compact table: rows and columns as the experiment says, ours beside the paper's."""
    metric, (row_labels, column_labels) = experiment.table.metric, _layout(experiment, groups)
    entries = {(each.pick(row_labels), each.pick(column_labels)): each for each in groups}
    # What has none of the columns' labels, such as the dense network, comes first.
    columns = sorted({column for _, column in entries}, key=lambda c: [rank(value) for value in c])
    with_paper = {column for (_, column), each in entries.items() if metric in each.paper}
    head, marks = [label_name(label) for label in row_labels], paper_marks(groups)
    if column_labels:
        head[-1] += f" ↓ {', '.join(label_name(label) for label in column_labels)} →"
    for column in columns:
        name = ", ".join(_words(experiment, column_labels, column))
        if column and all(value is None for value in column):
            methods = {each.labels.get("method") for (_, c), each in entries.items() if c == column}
            name = DENSE if methods == {DENSE} else "none"
        head.append(f"{name} ours".strip() if with_paper else name or "ours")
        head += [f"{name} paper".strip()] * (column in with_paper)
    lines = []
    for row in dict.fromkeys(row for row, _ in entries):
        line = _words(experiment, row_labels, row)
        for column in columns:
            each = entries.get((row, column))
            line.append(_ours(each, metric) if each else "")
            line += [_paper(each, metric, marks) if each else ""] * (column in with_paper)
        lines.append(line)
    return table(head, lines, len(row_labels), MARKDOWN)


def details(experiment: Experiment, groups: list[Group]) -> list[str]:
    """A line for each finished entry, in two tables: what it reached, and what it cost.

    A column without any value is left out; so is test accuracy where validation accuracy chooses.
    """
    # What all entries share the grid shows.
    labels = itertools.chain(*_layout(experiment, groups))
    labels = [label for label in labels if len({each.labels.get(label) for each in groups}) > 1]
    names, metric = [label_name(label) for label in labels], experiment.table.metric
    marks, printed = paper_marks(groups), _printed(groups)
    reached = dict.fromkeys((metric, "test_accuracy", *printed, *_REACHED))
    if metric == "validation_accuracy":
        del reached["test_accuracy"]
    groups = [each for each in groups if each.cells]
    known = {metric, *printed, *(k for k in QUANTITIES if any(each.spread(k) for each in groups))}
    texts = []
    for keys in ([key for key in reached if key not in _COST], _COST):
        lines = []
        for each in groups:
            words = _words(experiment, labels, each.pick(labels))
            line = dict(zip(names, words, strict=True))
            for key in (key for key in keys if key in known):
                shown = _ours if key in (metric, "test_accuracy") else _mean
                name, paper = str(QUANTITIES[key]), key in printed
                line[f"{name}, ours" if paper else name] = shown(each, key)
                if paper:
                    line[f"{name}, paper"] = _paper(each, key, marks)
            lines.append(line)
        rows = [line.values() for line in lines]
        texts.append(table(lines[0], rows, len(labels), MARKDOWN))
    return texts


def paper_marks(groups: list[Group]) -> dict[str, str]:
    """A mark for each note on a value of the paper."""
    notes = dict.fromkeys(p.note for each in groups for p in each.paper.values() if p.note)
    return {note: _MARKS[i] if i < len(_MARKS) else f" [{i + 1}]" for i, note in enumerate(notes)}


def _layout(experiment: Experiment, groups: list[Group]) -> tuple[list[str], list[str]]:
    columns = list(experiment.table.columns)
    present = {label for each in groups for label in each.labels}
    # Labels that the table does not name but cells have: entries are never mixed.
    rows = dict.fromkeys((*experiment.table.rows, *experiment.axes))
    return [label for label in rows if label in present and label not in columns], columns


def _printed(groups: list[Group]) -> list[str]:
    """The measures of which the paper prints values."""
    return [key for key in QUANTITIES if any(key in each.paper for each in groups)]


def _words(experiment: Experiment, labels, values) -> list[str]:
    return [value_name(experiment, *pair) for pair in zip(labels, values, strict=True)]


def _ours(each: Group, key: str) -> str:
    """Mean ± sd (n), or "n of planned" when cells are missing."""
    found = each.spread(key)
    n = found.n if found else 0
    return f"{_mean(each, key)} " + (f"({n} of {each.planned})" if n < each.planned else f"({n})")


def _mean(each: Group, key: str) -> str:
    """Mean, and ± sd where it is not 0 as printed."""
    found, digits = each.spread(key), QUANTITIES[key].digits
    if found is None:
        return "–"
    sd = f"{found.sd or 0.0:.{digits}f}"
    return f"{found.mean:.{digits}f}" + (f" ± {sd}" if float(sd) else "")


def _paper(each: Group, key: str, marks: dict) -> str:
    """As the paper prints it, with the mark of its note."""
    printed = each.paper.get(key)
    if printed is None:
        return ""
    digits = max(QUANTITIES[key].digits, len(str(printed.value).partition(".")[2]))
    return f"{printed.value:.{digits}f}{marks.get(printed.note, '')}"
