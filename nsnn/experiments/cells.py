"""From a profile to its cells: how they are called, their configurations, what is left to do."""

import itertools
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

from nsnn.data import DATASETS
from nsnn.errors import RunError, UserError
from nsnn.experiments import Experiment, Label, Profile, fingerprints, results
from nsnn.files import checksum, read_json
from nsnn.methods import METHODS
from nsnn.models import TITLES
from nsnn.plugins import MODULE_PREFIX
from nsnn.training import run_folder
from nsnn.training.config import CHOICES, Config
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
        """What the cell is called, such as "mnist-ndsnn-sparsity0.99-seed0"."""
        return self.folder.name

    @cached_property
    def digest(self) -> str:
        """The name of its options: `results.digest`."""
        return results.digest(results.essential(self.config))

    def fraction(self) -> float:
        """How much of its epochs its run has done."""
        path = self.folder / "metrics.jsonl"
        done = path.read_bytes().count(b"\n") if path.exists() else 0
        return done / self.config.train.epochs


def cells(experiment: Experiment, profile: str, seeds=None, data_dir="") -> list[Cell]:
    """The cells of a profile, in the order of its grids, none twice.

    `seeds` and `data_dir`, if given, stand instead of those of the profile. Raises UserError for a
    label that no method of its grid has a use for, two cells of one name, and a configuration that
    is not valid.
    """
    chosen, axes, found = experiment.profile(profile), experiment.axes, {}
    where = f"{experiment.id}: profiles.{profile}.grids"
    for grid in chosen.grids:
        used = set()
        for values in itertools.product(*grid.labels.values()):
            labels = _useful(dict(zip(grid.labels, values, strict=True)), axes, chosen)
            used |= labels.keys()
            for seed in grid.seeds if seeds is None else seeds:
                slug = _slug(labels, seed)
                first, _ = found.setdefault(slug, (labels, seed))
                if first != labels:
                    raise UserError(
                        f"{where}: the cell of {_listed(first)} and the cell of {_listed(labels)} "
                        f"would share the run folder {slug}: change a value, or leave one of them "
                        "out"
                    )
        if useless := grid.labels.keys() - used:
            name = min(useless)
            raise UserError(
                f"{where}: no method of this grid has the option {axes[name]} of the label {name}"
            )
    made, runs = [], run_folders(experiment, profile)
    for slug, (labels, seed) in found.items():
        options = _options(labels, axes, chosen) | {"train.seed": seed}
        options |= {"data.dir": data_dir} if data_dir else {}
        config = from_options(options, f"{experiment.id}, cell {slug}")
        made.append(Cell(labels, seed, config, runs / slug))
    return made


def plan(experiment: Experiment, profile: str, out, seeds=None, data_dir="") -> list[Cell]:
    """`cells` with their states, where finished ones are kept in `out`.

    One is finished if its options and its data are those of a record; where the data are not here,
    the options decide. Raises RunError for a damaged file of finished cells.
    """
    own, anywhere = results.read_cells(out, experiment.id, profile), results.finished_anywhere(out)
    seen = {}

    def judged(cell: Cell) -> Cell:
        data = fingerprints.here(cell.config, seen)

        def alike(records: list[dict]) -> list[dict]:
            same = [record for record in records if record["digest"] == cell.digest]
            same = [record for record in same if fingerprints.of_record(record).agrees(data)]
            same = [r for r in same if _began_alike(r.get("environment", {}), cell.config)]
            return [record for record in same if results.has(record, experiment.needs)]

        if any(record["labels"] == cell.labels for record in alike(own)):
            return replace(cell, state="done")
        if shared := alike(anywhere):
            return replace(cell, state="shared", record=shared[-1])
        return replace(cell, state=state_of(cell.folder, cell.config, seen))

    return [judged(cell) for cell in cells(experiment, profile, seeds, data_dir)]


def refused(cells: list[Cell]) -> dict[str, list[Cell]]:
    """The cells to be trained that training will refuse, by the reason, such as missing data.

    Each configuration is built with one of its seeds, and not trained.
    """
    reasons, found = {}, {}
    for cell in cells:
        if cell.state not in TO_TRAIN:
            continue
        name = results.digest(results.essential(cell.config), seed=False)
        if name not in reasons:
            reasons[name] = ""
            try:
                Run(cell.config)
            except (UserError, RunError) as error:
                reasons[name] = str(error)
        if reasons[name]:
            found.setdefault(reasons[name], []).append(cell)
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
    if not same or not {*options.get("plugins", [])} <= versions:
        return "changed"
    if not _began_alike(noted, config):
        return "changed"
    if not fingerprints.of_folder(folder, found).agrees(fingerprints.here(config, seen)):
        return "changed"
    return "trained" if (folder / "summary.json").exists() else "stopped"


def _began_alike(environment: dict, config: Config) -> bool:
    """Whether the run in train.start is still the one that was noted; True where it is gone."""
    now = checksum(Path(config.train.start) / "checkpoint.npz") if config.train.start else 0
    return not now or environment.get("start", {}).get("checksum") in (None, f"{now:08x}")


def rank(value: Label | None) -> tuple:
    """Where a label's value stands in a table: none, then numbers, then names, known ones first.

    Examples
    --------
    >>> sorted(["ndsnn", 0.98, "mine", "dense", None, 0.9], key=rank)
    [None, 0.9, 0.98, 'dense', 'ndsnn', 'mine']
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


def _useful(labels: dict, axes: dict, profile: Profile) -> dict:
    """The labels that the cell's method has a use for: a dense network has no sparsity."""
    method = _options(labels, axes, profile).get("method.name", CHOICES["method"][1])
    if method not in METHODS:
        return labels  # the check of the configuration names it
    known = {"method.name", *(f"method.{f.name}" for f in fields(METHODS[method].Config))}
    return {
        label: value
        for label, value in labels.items()
        if not axes[label].startswith("method.") or axes[label] in known
    }


def _options(labels: dict, axes: dict, profile: Profile) -> dict:
    """The options of a cell: those of the rules that apply, its own labels'."""
    options = {}
    for rule in profile.rules:
        if all(labels.get(label) in values for label, values in rule.labels.items()):
            options |= rule.config
    return options | {axes[label]: value for label, value in labels.items()}


def _slug(labels: dict, seed: int) -> str:
    parts = [str(v) if isinstance(v, str) else f"{label}{v}" for label, v in labels.items()]
    return "-".join([*parts, f"seed{seed}"])


def _listed(labels: dict) -> str:
    return ", ".join(f"{label} = {value!r}" for label, value in labels.items())
