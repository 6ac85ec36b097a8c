"""Groups of cells as Markdown tables: the compact grid, and a line for each entry."""

from nsnn.experiments.measures import QUANTITIES
from nsnn.experiments.names import label_name, value_name
from nsnn.experiments.spec import Experiment
from nsnn.experiments.summary import Group

# Columns of the table with a line for each entry, beside the experiment's own metric.
_DETAILS = (
    "test_accuracy",
    "density_asked",
    "density",
    "spike_rate",
    "relative_cost",
    "cost_to_lth",
    "operations_to_dense",
    "cpu_seconds_to_dense",
    "bytes_held_peak",
    "bytes_formula",
    "seconds",
)
_NONE = "–"
_MARKS = "¹²³⁴⁵⁶⁷⁸⁹"


def grid_text(experiment: Experiment, groups: list[Group]) -> str:
    """The compact table: rows and columns as the experiment says, ours beside the paper's."""
    metric = experiment.table.metric
    row_labels, column_labels = layout(experiment, groups)
    columns = list(dict.fromkeys(_pick(each, column_labels) for each in groups))
    # What has none of the columns' labels, such as the dense network, comes first.
    columns.sort(key=lambda column: any(value is not None for value in column))
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
        name = _column_name(experiment, column_labels, column)
        names = [f"{name} ours".strip(), f"{name} paper".strip()]
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


def detail_text(experiment: Experiment, groups: list[Group]) -> str:
    """A line for each entry with everything that is measured of it."""
    row_labels, column_labels = layout(experiment, groups)
    labels = [*row_labels, *column_labels]
    keys = _detail_keys(experiment, groups)
    marks = paper_marks(groups)
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


def _detail_keys(experiment: Experiment, groups: list[Group]) -> list[str]:
    """The experiment's own metric, what the paper prints, then the rest.

    Where validation accuracy chooses, the test accuracy is left out: nobody is to choose by it.
    """
    printed = [key for key in QUANTITIES if any(each.printed(key) for each in groups)]
    keys = dict.fromkeys((experiment.table.metric, "test_accuracy", *printed, *_DETAILS))
    if experiment.table.metric == "validation_accuracy":
        del keys["test_accuracy"]
    return list(keys)


def _pick(each: Group, labels) -> tuple:
    return tuple(each.labels.get(label) for label in labels)


def _column_name(experiment: Experiment, labels, values) -> str:
    if labels and all(value is None for value in values):
        return "none"
    return ", ".join(value_name(experiment, *pair) for pair in zip(labels, values, strict=True))


def _ours(each: Group, key: str) -> str:
    """Mean ± sd (n), or "n of planned" when cells are missing."""
    found, quantity = each.spread(key), QUANTITIES[key]
    n = found.n if found else 0
    count = f"({n} of {each.planned})" if n < each.planned else f"({n})"
    if found is None:
        return f"{_NONE} {count}"
    text = f"{found.mean * quantity.scale:.{quantity.digits}f}"
    if found.sd is not None:
        text += f" ± {found.sd * quantity.scale:.{quantity.digits}f}"
    return f"{text} {count}"


def _mean(each: Group, key: str) -> str:
    found, quantity = each.spread(key), QUANTITIES[key]
    return _NONE if found is None else f"{found.mean * quantity.scale:.{quantity.digits}f}"


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
