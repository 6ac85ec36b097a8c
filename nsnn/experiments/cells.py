"""From a profile to its cells: how they are called, their configurations, what is left to do."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from nsnn.data import DATASETS
from nsnn.errors import RunError, UserError
from nsnn.experiments import Experiment, Label, fingerprints, results
from nsnn.files import checksum, lines_in, read_json
from nsnn.methods import METHODS
from nsnn.models import TITLES
from nsnn.plugins import MODULE_PREFIX
from nsnn.training import run_folder
from nsnn.training.config import Config
from nsnn.training.config_file import from_options
from nsnn.training.run import Run

RUNS = Path(run_folder.RUNS) / "reproduce"

# What there is of a cell, in the words of --dry-run.
STATES = {
    "done": "done",
    "shared": "done, under other labels or in another experiment",
    "trained": "trained, to be collected",
    "stopped": "to be resumed",
    "changed": "trained with other options or data before: to be trained anew",
    "missing": "missing",
}
TO_TRAIN = ("stopped", "changed", "missing")


@dataclass(frozen=True)
class Cell:
    """One training run of an experiment."""

    labels: dict[str, Label]
    seed: int
    config: Config
    folder: Path  # of its run
    state: str = ""  # what there is of it, a key of STATES; set by `plan`
    record: dict | None = None  # that is shared with other labels or another experiment; as well

    @property
    def slug(self) -> str:
        """What the cell is called, such as "mnist-METHOD-sparsity0.99-seed0"."""
        return self.folder.name

    @cached_property
    def digest(self) -> str:
        """The name of its options: `results.digest`."""
        return results.digest(results.essential(self.config))

    @cached_property
    def setting(self) -> str:
        """The name of its options without the seed."""
        return results.digest(results.essential(self.config), seed=False)

    def fraction(self) -> float:
        """How much of its epochs its run has done."""
        return len(lines_in(self.folder / "metrics.jsonl")) / self.config.train.epochs


def cells(experiment: Experiment, profile: str, seeds=None, data_dir="") -> list[Cell]:
    """The cells of a profile, in the order of its grids, none twice.

    `seeds` and `data_dir`, if given, stand instead of those of the profile. Raises UserError for
    two cells of one name, and a configuration that is not valid.
    """
    found, runs = {}, run_folders(experiment, profile)
    for entry in experiment.profile(profile).entries:
        for seed in entry.seeds if seeds is None else seeds:
            parts = [v if isinstance(v, str) else f"{k}{v}" for k, v in entry.labels.items()]
            slug = "-".join([*parts, f"seed{seed}"])
            if slug not in found:
                options = entry.options | {"train.seed": seed}
                options |= {"data.dir": data_dir} if data_dir else {}
                config = from_options(options, f"{experiment.id}, cell {slug}")
                found[slug] = Cell(entry.labels, seed, config, runs / slug)
            elif found[slug].labels != entry.labels:
                what = f"two cells of other labels would share the run folder {slug}"
                where = f"{experiment.id}: profiles.{profile}.grids"
                raise UserError(f"{where}: {what}: change a value, or leave one of them out")
    return [*found.values()]


def plan(experiment: Experiment, profile: str, out, seeds=None, data_dir="") -> list[Cell]:
    """`cells` with their states, where finished ones are kept in `out`.

    One is finished if its options and its data are those of a record; where the data are not here,
    the options decide. Raises RunError for a damaged file of finished cells.
    """
    own, anywhere = results.read_cells(out, experiment.id, profile), results.finished_anywhere(out)
    seen = {}

    def judged(cell: Cell) -> Cell:
        def fits(record: dict) -> bool:
            data, noted = fingerprints.of_record(record), record.get("environment", {})
            same = record["digest"] == cell.digest
            has_all = all(record.get(key) is not None for key in experiment.needs)
            return same and has_all and _unchanged(cell.config, data, noted, seen)

        if any(record["labels"] == cell.labels and fits(record) for record in own):
            return replace(cell, state="done")
        if shared := [record for record in anywhere if fits(record)]:
            return replace(cell, state="shared", record=shared[-1])
        return replace(cell, state=state_of(cell.folder, cell.config, seen))

    return [judged(cell) for cell in cells(experiment, profile, seeds, data_dir)]


def refused(cells: list[Cell], elsewhere: bool = False) -> dict[str, list[Cell]]:
    """The cells to be trained that training will refuse, by the reason, such as missing data.

    Each configuration is built with one of its seeds, and not trained. Where training is
    `elsewhere`, those whose data are not here cannot be tried.
    """
    alike, found, seen, unknown = {}, {}, {}, fingerprints.Fingerprint()
    for cell in (cell for cell in cells if cell.state in TO_TRAIN):
        if not elsewhere or fingerprints.here(cell.config, seen) != unknown:
            alike.setdefault(cell.setting, []).append(cell)
    for group in alike.values():
        try:
            Run(group[0].config)
        except (UserError, RunError) as error:
            found.setdefault(str(error), []).extend(group)
    return found


def run_folders(experiment: Experiment, profile: str) -> Path:
    """The folder of the run folders of a profile."""
    return RUNS / experiment.id / profile


def state_of(folder: Path, config: Config, seen: dict) -> str:
    """What a run folder holds of the cell of this configuration: "trained" or one of `TO_TRAIN`.

    `seen` is as of `fingerprints.here`.
    """
    if not run_folder.holds_run(folder):
        return "missing"
    try:
        found = run_folder.read_config(folder)
        options = results.essential(found)
    except UserError:  # no config.toml, or one of another version of nsnn, or of a plug-in
        return "changed"
    path = folder / "environment.json"
    noted = read_json(path) if path.exists() else {}
    versions = {MODULE_PREFIX + plugin["sha256"] for plugin in noted.get("plugins", [])}
    same = results.digest(options) == results.digest(results.essential(config))
    same = same and {*options.get("plugins", [])} <= versions
    if not same or not _unchanged(config, fingerprints.of_folder(folder, found), noted, seen):
        return "changed"
    return "trained" if (folder / "summary.json").exists() else "stopped"


def _unchanged(config: Config, data, noted: dict, seen: dict) -> bool:
    """Whether `data`, and the run in train.start that was noted, are still so; or they are gone."""
    now = checksum(Path(config.train.start) / "checkpoint.npz") if config.train.start else 0
    same = not now or noted.get("start", {}).get("checksum") in (None, f"{now:08x}")
    return same and data.agrees(fingerprints.here(config, seen))


def rank(value: Label | None) -> tuple:
    """Where a label's value stands in a table: none, then numbers, then names, known ones first.

    Examples
    --------
    >>> first, second, *_ = METHODS
    >>> found = sorted([second, 0.98, "mine", first, None, 0.9], key=rank)
    >>> found == [None, 0.9, 0.98, first, second, "mine"]
    True
    """
    if value is None:
        return (0,)
    if not isinstance(value, str):
        return (1, value)
    known = [*METHODS, *DATASETS, *TITLES]
    return (2, known.index(value) if value in known else len(known))


def label_name(label: str) -> str:
    """A label in words, such as "initial sparsity"."""
    return label.replace("_", " ")


def is_sparsity(experiment: Experiment, label: str) -> bool:
    """Whether a label is a fraction that papers print in percent."""
    return experiment.axes.get(label, "").endswith("sparsity")


def value_name(experiment: Experiment, label: str, value: Label | None) -> str:
    """A label's value in the field's spelling: sparsities in percent, switches yes or no."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_sparsity(experiment, label):
        return f"{100 * value:g} %"
    if label == "time_steps":
        return f"T = {value}"
    known = METHODS.get(value) or DATASETS.get(value)
    return getattr(known, "title", "") or TITLES.get(value, str(value))


def words(experiment: Experiment, labels, values) -> str:
    """The values that are there: a name says what it is, a number needs its label."""
    found = []
    for label, value in zip(labels, values, strict=True):
        if value is not None:
            text = value_name(experiment, label, value)
            told = isinstance(value, str) or "=" in text
            found.append(text if told else f"{label_name(label)} {text}")
    return ", ".join(found)
