"""Groups of cells as Markdown tables: the compact grid, and two with a line for each entry."""

from nsnn.experiments.measures import QUANTITIES
from nsnn.experiments.names import label_name, rank, value_name
from nsnn.experiments.spec import Experiment
from nsnn.experiments.summary import Group

# Columns of the tables with a line for each entry: what it reached, after the experiment's own
# metric, and what it cost.
_REACHED = ("test_accuracy", "density_asked", "density", "spike_rate")
_COST = (
    "relative_cost",
    "cost_to_lth",
    "operations_to_dense",
    "cpu_seconds_to_dense",
    "cpu_seconds",
    "seconds",
    "bytes_held_peak",
    "bytes_formula",
)
_NONE = "–"
_MARKS = "¹²³⁴⁵⁶⁷⁸⁹"


def grid_text(experiment: Experiment, groups: list[Group]) -> str:
    """The compact table: rows and columns as the experiment says, ours beside the paper's."""
    metric = experiment.table.metric
    row_labels, column_labels = layout(experiment, groups)
    columns = {_pick(each, column_labels) for each in groups}
    # What has none of the columns' labels, such as the dense network, comes first.
    columns = sorted(columns, key=lambda column: [rank(value) for value in column])
    table = {}
    for each in groups:
        table.setdefault(_pick(each, row_labels), {})[_pick(each, column_labels)] = each
    marks = paper_marks(groups)
    header = [label_name(label) for label in row_labels]
    if column_labels:
        across = ", ".join(label_name(label) for label in column_labels)
        header[-1] += f" ↓ {across} →"
    with_paper = [
        any(column in row and row[column].printed(metric) for row in table.values())
        for column in columns
    ]
    for column, paper in zip(columns, with_paper, strict=True):
        members = [row[column] for row in table.values() if column in row]
        name = _column_name(experiment, column_labels, column, members)
        names = [f"{name} ours".strip(), f"{name} paper".strip()]
        if not any(with_paper):
            names = [name or "ours"]
        header += names if paper else names[:1]
    lines = []
    for row, entries in table.items():
        line = [value_name(experiment, *pair) for pair in zip(row_labels, row, strict=True)]
        for column, paper in zip(columns, with_paper, strict=True):
            each = entries.get(column)
            line += ["" if each is None else _ours(each, metric)]
            line += ["" if each is None else _paper(each, metric, marks)] if paper else []
        lines.append(line)
    return _markdown_table(header, lines, len(row_labels))


def detail_texts(experiment: Experiment, groups: list[Group]) -> list[str]:
    """A line for each finished entry with all that is measured of it: what it reached, its cost."""
    row_labels, column_labels = layout(experiment, groups)
    # What all entries share the grid shows.
    labels = [
        label
        for label in (*row_labels, *column_labels)
        if len({each.labels.get(label) for each in groups}) > 1
    ]
    marks = paper_marks(groups)
    groups = [each for each in groups if each.cells]
    return [
        _detail_text(experiment, groups, labels, keys, marks)
        for keys in _detail_keys(experiment, groups)
    ]


def _detail_text(experiment: Experiment, groups, labels, keys, marks) -> str:
    header = [label_name(label) for label in labels]
    printed = {key: any(each.printed(key) for each in groups) for key in keys}
    for key in keys:
        quantity = QUANTITIES[key]
        name = f"{quantity.heading} ({quantity.unit})"
        header += [f"{name}, ours", f"{name}, paper"] if printed[key] else [name]
    lines = []
    for each in groups:
        line = [value_name(experiment, label, each.labels.get(label)) for label in labels]
        for key in keys:
            full = key in (experiment.table.metric, "test_accuracy")
            line.append(_ours(each, key) if full else _mean(each, key))
            line += [_paper(each, key, marks)] if printed[key] else []
        lines.append(line)
    return _markdown_table(header, lines, len(labels))


def layout(experiment: Experiment, groups: list[Group]) -> tuple[list[str], list[str]]:
    """The labels of the rows and those of the columns."""
    columns = list(experiment.table.columns)
    present = {label for each in groups for label in each.labels}
    # Labels that the table does not name but cells have: entries are never mixed.
    rest = [
        label
        for label in experiment.axes
        if label in present and label not in columns and label not in experiment.table.rows
    ]
    rows = [label for label in experiment.table.rows if label in present]
    return [*rows, *rest], columns


def _detail_keys(experiment: Experiment, groups: list[Group]) -> tuple[list[str], list[str]]:
    """The measures of the two tables of details.

    Where validation accuracy chooses, the test accuracy is left out: nobody is to choose by it.
    """
    metric = experiment.table.metric
    printed = [key for key in QUANTITIES if any(each.printed(key) for each in groups)]
    reached = dict.fromkeys((metric, "test_accuracy", *printed, *_REACHED))
    if metric == "validation_accuracy":
        del reached["test_accuracy"]
    return [key for key in reached if key not in _COST], list(_COST)


def _pick(each: Group, labels) -> tuple:
    return tuple(each.labels.get(label) for label in labels)


def _column_name(experiment: Experiment, labels, values, members: list[Group]) -> str:
    if labels and all(value is None for value in values):
        return "dense" if all(each.labels.get("method") == "dense" for each in members) else "none"
    return ", ".join(value_name(experiment, *pair) for pair in zip(labels, values, strict=True))


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
    notes = dict.fromkeys(p.note for each in groups for p in (each.paper or {}).values() if p.note)
    return {note: _MARKS[i] if i < len(_MARKS) else f" [{i + 1}]" for i, note in enumerate(notes)}


def _markdown_table(header, lines, left: int) -> str:
    """A Markdown table, its columns padded so that the source reads as well; `left` of text."""
    widths = [max(3, *map(len, column)) for column in zip(header, *lines, strict=True)]

    def row(values):
        padded = [
            value.ljust(width) if i < left else value.rjust(width)
            for i, (value, width) in enumerate(zip(values, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if i < left else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "\n".join([row(header), row(rule), *map(row, lines)])
