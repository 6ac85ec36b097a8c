"""The pictures of a run folder, and of several runs over each other."""

import os
from pathlib import Path

from nsnn.errors import UserError
from nsnn.plot.curves import comparison
from nsnn.plot.style import picture_format, save


def plot_run(folder) -> list[Path]:
    """Draw all that the folder of a run has data for, into its `plots/`; the PNG files made.

    A run without topology changes has no `rewiring.png`, one without checkpoint no `neurons.png`,
    an unfinished one no `confusion.png`, and so on. Raises UserError when the folder holds no run;
    also when its data set cannot be found, after all pictures that do not need it have been made;
    RunError for a damaged file of the run, and when a picture cannot be written.
    """
    # Reading a run takes the whole engine, drawing an array does not.
    from nsnn.plot.pictures import PICTURES, RunData, draw

    run, made = RunData(folder), []
    for name in PICTURES:
        try:
            figure = draw(run, name)
        except UserError as error:
            raise UserError(f"{folder}: without {name} and what comes after, for {error}") from None
        if figure is not None:
            made.append(save(figure, run.folder / "plots" / name))
    return made


def plot_comparison(folders, out=None) -> Path:
    """Draw loss, accuracy, density and spike rate of several run folders over each other.

    Their names make the legend. The file written is `out`, .png, .pdf or .svg, or without it
    `plots/comparison.png` in the first folder. Raises UserError when a folder holds no run, or a
    run without a finished epoch; for another format.
    """
    from nsnn.plot.pictures import RunData

    folders = [Path(folder) for folder in folders]
    if not folders:
        raise UserError("plot_comparison needs at least one run folder")
    path = folders[0] / "plots" / "comparison.png" if out is None else Path(out)
    picture_format(path)
    names = [_label(folder.resolve().name) for folder in folders]
    if len(set(names)) < len(names):
        names = [_label(str(folder)) for folder in folders]
    runs = {name: RunData(folder) for name, folder in zip(names, folders, strict=True)}
    for name, run in runs.items():
        if not run.records:
            raise UserError(f"{name} has no finished epoch to compare: leave it out or let it run")
    records = {name: run.records for name, run in runs.items()}
    key = "test_accuracy"
    tests = {name: run.summary[key] for name, run in runs.items() if key in run.summary}
    return save(comparison(records, tests), path)


def _label(name: str) -> str:
    """A file's name as Matplotlib can draw it: no bytes that are no text, no formula, no "_" first.

    A label that begins with "_" would be left out of the legend.
    """
    text = os.fsencode(name).decode(errors="replace").replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
