"""The table of an experiment, written from its finished cells as Markdown and as CSV."""

import csv
import io

from nsnn.errors import RunError, UserError
from nsnn.experiments import figure, results
from nsnn.experiments.expand import cells
from nsnn.experiments.grid import grid_text, layout
from nsnn.experiments.measures import QUANTITIES, measure
from nsnn.experiments.page import markdown
from nsnn.experiments.spec import Experiment
from nsnn.experiments.summary import Group, group
from nsnn.files import write_text

# What no measure, note or curve can do without.
_NEEDED = {
    "method": str,
    "data": str,
    "data_fingerprint": str,
    "epochs": int,
    "test_accuracy": int | float,
    "seconds": int | float,
    "per_epoch": dict,
    "environment": dict,
}


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
    records = results.current(experiment, profile, out)
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
    groups = group(cells(experiment, profile), measure(records, others), experiment.paper)
    grid = grid_text(experiment, groups)
    write_text(folder / "table.md", markdown(experiment, profile, groups))
    write_text(folder / "table.csv", csv_text(experiment, groups))
    picture = figure.draw(experiment, groups, experiment.profile(profile).note)
    figure.save(picture, folder / "figure.png")
    return grid


def csv_text(experiment: Experiment, groups: list[Group]) -> str:
    """A line for each entry with all numbers at full precision; empty where there is none."""
    row_labels, column_labels = layout(experiment, groups)
    labels = [*row_labels, *column_labels]
    printed = [key for key in QUANTITIES if any(each.printed(key) for each in groups)]
    header = [*labels, "planned", "n", "seeds", "dense_seeds", "lth_seeds"]
    for key, quantity in QUANTITIES.items():
        header += [f"{key}_mean ({quantity.unit})", f"{key}_sd ({quantity.unit})"]
    header += [f"{key}_paper ({QUANTITIES[key].unit})" for key in printed]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for each in groups:
        line = [each.labels.get(label, "") for label in labels]
        line += [each.planned, len(each.cells)]
        line += [_seeds(each.cells)]
        line += [_seeds(cell.dense for cell in each.cells)]
        line += [_seeds(cell.lth for cell in each.cells)]
        for key, quantity in QUANTITIES.items():
            found = each.spread(key)
            mean, sd = (None, None) if found is None else (found.mean, found.sd)
            line += ["" if value is None else value * quantity.scale for value in (mean, sd)]
        values = [each.printed_value(key) for key in printed]
        line += ["" if value is None else value for value in values]
        writer.writerow(line)
    return text.getvalue()


def _seeds(cells) -> str:
    """The seed of each cell, in the order of the entry's cells."""
    return " ".join("none" if cell is None else str(cell.seed) for cell in cells)


def _lacking(record: dict) -> str:
    """What a record lacks, or has as something that it cannot be; "" if nothing."""
    # Measures may be None: such as the validation accuracy of a run without that split.
    kinds = dict.fromkeys(QUANTITIES, int | float | None) | _NEEDED
    return ", ".join(k for k, kind in kinds.items() if not isinstance(record.get(k), kind))
