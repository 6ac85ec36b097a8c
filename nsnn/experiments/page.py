"""The page of an experiment in Markdown: what was measured, the tables, how it was measured."""

from collections import Counter

from nsnn.experiments.grid import detail_texts, grid_text, paper_marks
from nsnn.experiments.measures import QUANTITIES
from nsnn.experiments.settings import data_line, environment_line, setting_lines
from nsnn.experiments.spec import Experiment
from nsnn.experiments.summary import Group


def markdown(experiment: Experiment, profile: str, groups: list[Group]) -> str:
    """The whole page: what was measured, the grid, a line for each entry, notes."""
    records = [cell.record for each in groups for cell in each.cells]
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
        + (
            f" *paper*: what {experiment.source} prints, for the paper's own setting; it was not "
            "measured here."
            if printed
            else ""
        ),
        grid_text(experiment, groups),
        "![The same numbers as a figure](figure.png)",
        "## What each entry reached, and what it cost",
        *detail_texts(experiment, groups),
        "## How it was measured",
        "\n".join(f"- {line}" for line in _facts(experiment, groups, records)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(experiment: Experiment, groups: list[Group], records: list[dict]) -> list[str]:
    """The notes under the table."""
    planned = sum(each.planned for each in groups)
    missing = sum(max(each.planned - len(each.cells), 0) for each in groups)
    minutes = sum(record["seconds"] for record in records) / 60
    lines = [
        f"{len(records)} cells finished, {missing} of {planned} planned ones missing; "
        f"{minutes:.0f} minutes of training in all.",
        *setting_lines(experiment, records),
        f"Images trained on, without a validation split, by checksum: {data_line(records)}.",
        f"Machine: {environment_line(records)}.",
        "cost / dense: NDSNN IV-C, the mean over the epochs of R_s·d/R_d (R: spike rate, d: mean "
        f"density of the epoch). {_references(groups, 'dense')}",
        f"cost / LTH: quotient of two such costs. {_references(groups, 'lth')}",
        "synaptic operations / dense: of all forwards of the training, counted exactly, without "
        "the products with pixels. CPU time / dense: of the processor, measured.",
        "memory: weights, gradients, optimiser state and indices; held at the peak of the run, "
        "with the snapshot of LTH or Z and U of ADMM, and by the formula of NDSNN III-D "
        "(T gradients, no momentum) for the final weights.",
    ]
    reasons = Counter(reason for each in groups for cell in each.cells for reason in cell.reasons)
    lines += [f"No {reason} ({_cells(count)})." for reason, count in reasons.items()]
    marks = paper_marks(groups)
    return [*lines, *(f"{mark} paper: {note}" for note, mark in marks.items())]


def _references(groups: list[Group], method: str) -> str:
    """With which cells the cells were compared."""
    pairs = [(cell, getattr(cell, method)) for each in groups for cell in each.cells]
    compared = [(cell, other) for cell, other in pairs if other is not None]
    name = {"dense": "dense", "lth": "LTH"}[method]
    if not compared:
        return f"No {name} cell is finished."
    same = sum(cell.seed == other.seed for cell, other in compared)
    text = f"Compared with the {name} cell of the same seed ({_cells(same)})"
    if same < len(compared):
        text += f", else of the smallest seed ({_cells(len(compared) - same)})"
    elsewhere = sum(other.elsewhere for _, other in compared)
    if elsewhere:
        text += f"; it belongs to another experiment for {_cells(elsewhere)}"
    return text + "."


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
