"""What is left to do of a profile: the state of each of its cells."""

from dataclasses import dataclass
from pathlib import Path

from nsnn.errors import UserError
from nsnn.experiments import results
from nsnn.experiments.expand import cells, configuration, digest, options
from nsnn.experiments.spec import Cell, Experiment
from nsnn.files import read_json
from nsnn.plugins import MODULE_PREFIX
from nsnn.training import run_folder
from nsnn.training.config import Config

RUNS = Path(run_folder.RUNS) / "reproduce"

# In the words of --dry-run.
STATES = {
    "done": "done",
    "shared": "done, under other labels or in another experiment",
    "trained": "trained, to be collected",
    "stopped": "to be resumed",
    "changed": "trained with other options before: to be trained anew",
    "missing": "missing",
}
TO_TRAIN = ("stopped", "changed", "missing")


@dataclass(frozen=True)
class Task:
    """A cell and what there is of it.

    Attributes
    ----------
    cell : Cell
    config : Config
    digest : str
    folder : Path
        Its run folder.
    state : str
        A key of `STATES`.
    """

    cell: Cell
    config: Config
    digest: str
    folder: Path
    state: str


def run_folders(experiment: Experiment, profile: str) -> Path:
    """The folder of the run folders of a profile."""
    return RUNS / experiment.id / profile


def plan(experiment: Experiment, profile: str, out, seeds=None) -> list[Task]:
    """The cells of a profile with their states.

    Parameters
    ----------
    experiment : Experiment
    profile : str
    out : path-like
        Where finished cells are.
    seeds : sequence of int, optional
        Instead of the profile's.

    Raises
    ------
    UserError
        For a cell whose configuration is not valid.
    RunError
        For a damaged file of finished cells.
    """
    records = results.read_cells(out, experiment.id, profile)
    own = {(record["digest"], frozenset(record["labels"].items())) for record in records}
    anywhere = results.finished_anywhere(out)
    tasks = []
    for cell in cells(experiment, profile, seeds):
        config = configuration(cell, experiment.id)
        name = digest(options(config))
        folder = run_folders(experiment, profile) / cell.slug
        if (name, frozenset(cell.labels.items())) in own:
            state = "done"
        elif name in anywhere:
            state = "shared"
        else:
            state = _state_of_folder(folder, name)
        tasks.append(Task(cell, config, name, folder, state))
    return tasks


def _state_of_folder(folder: Path, name: str) -> str:
    if not run_folder.holds_run(folder):
        return "missing"
    try:
        found = options(run_folder.read_config(folder))
    except UserError:  # no config.toml, or one of another version of nsnn, or of a plug-in
        return "changed"
    if digest(found) != name or not _has_plugins(folder, found.get("plugins", [])):
        return "changed"
    return "trained" if (folder / "summary.json").exists() else "stopped"


def _has_plugins(folder: Path, wanted: list[str]) -> bool:
    """Whether the run in a folder was made with these versions of the plug-ins."""
    path = folder / "environment.json"
    noted = read_json(path).get("plugins", []) if path.exists() else []
    return {*wanted} <= {MODULE_PREFIX + plugin["sha256"] for plugin in noted}
