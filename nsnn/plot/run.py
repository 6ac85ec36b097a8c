"""The pictures of a run folder, and of several runs over each other."""

from pathlib import Path

from nsnn.errors import RunError, UserError
from nsnn.files import read_json, write_atomic
from nsnn.plot.curves import comparison
from nsnn.plot.pictures import PICTURES, RunData
from nsnn.sparsity.log import TopologyLog
from nsnn.training.checkpoint import load_topology
from nsnn.training.run_folder import read_config, read_metrics


def plot_run(folder) -> list[Path]:
    """Draw all that a run folder has data for, into its `plots/`.

    Parameters
    ----------
    folder : path-like
        Of a finished run or of one under way.

    Returns
    -------
    list of Path
        The PNG files made. A run without topology changes has no `rewiring.png`, one without
        checkpoint no `neurons.png`, an unfinished one no `confusion.png`, and so on.

    Raises
    ------
    UserError
        When the folder holds no run; also when its data set cannot be found, after all pictures
        that do not need it have been made.
    RunError
        For a damaged file of the run, and when a picture cannot be written.
    """
    run = _read(folder)
    made, obstacles = [], {}
    for name, draw in PICTURES.items():
        try:
            figure = draw(run)
        except UserError as error:
            obstacles[name] = str(error)
            continue
        if figure is not None:
            made.append(_save(figure, run.folder / "plots" / name))
    if obstacles:
        reasons = "; ".join(dict.fromkeys(obstacles.values()))
        raise UserError(f"{folder}: without {', '.join(obstacles)}, because {reasons}")
    return made


def plot_comparison(folders, out=None) -> Path:
    """Draw loss, accuracy, density and spike rate of several runs over each other.

    Parameters
    ----------
    folders : sequence of path-like
        Run folders; their names make the legend.
    out : path-like, optional
        The PNG file to write. Default: `plots/comparison.png` in the first folder.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    UserError
        When a folder holds no run, or a run without a finished epoch.
    """
    folders = [Path(folder) for folder in folders]
    if not folders:
        raise UserError("plot_comparison needs at least one run folder")
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    runs = {name: _read(folder).records for name, folder in zip(names, folders, strict=True)}
    for name, records in runs.items():
        if not records:
            raise UserError(f"{name} has no finished epoch to compare: leave it out or let it run")
    path = folders[0] / "plots" / "comparison.png" if out is None else Path(out)
    return _save(comparison(runs), path)


def _read(folder) -> RunData:
    """Read the small files of a run folder."""
    folder = Path(folder)
    config = read_config(folder)
    summary, changes = folder / "summary.json", folder / "topology.npz"
    records = read_metrics(folder)
    closing = read_json(summary) if summary.exists() else {}
    log = load_topology(changes) if changes.exists() else TopologyLog()
    return RunData(folder, config, records, closing, log)


def _save(figure, path: Path) -> Path:
    """Write a figure as PNG in one piece, the same bytes for the same figure."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {path.parent}: {error.strerror}") from error
    options = {"format": "png", "dpi": 100, "metadata": {"Software": None}}
    write_atomic(path, lambda file: figure.savefig(file, **options))
    return path
