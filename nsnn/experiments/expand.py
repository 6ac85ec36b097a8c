"""From a profile to its cells: every combination of labels and seeds, with its configuration."""

import hashlib
import itertools
import json
from dataclasses import fields, replace

from nsnn.data import DATASETS
from nsnn.errors import UserError
from nsnn.experiments.spec import Cell, Experiment, Profile
from nsnn.methods import METHODS
from nsnn.models import MODELS
from nsnn.plugins import MODULE_PREFIX
from nsnn.training.config import CHOICES, FREE, RENAMED, Config, defaults
from nsnn.training.config_file import flatten, parse_config, toml_value

# What cannot change a result, so that two cells that differ in nothing else are the same.
IGNORED = (*FREE, "train.dense_run")


def cells(experiment: Experiment, profile: str, seeds=None) -> list[Cell]:
    """The cells of a profile, in the order of its grids, none twice.

    Parameters
    ----------
    experiment : Experiment
    profile : str
    seeds : sequence of int, optional
        Instead of those that the profile gives.

    Returns
    -------
    list of Cell

    Raises
    ------
    UserError
        For a label that no method of its grid has a use for, and for two cells of one name.
    """
    chosen = experiment.profile(profile)
    found = {}
    for grid in chosen.grids:
        used = set()
        for values in itertools.product(*grid.labels.values()):
            labels = dict(zip(grid.labels, values, strict=True))
            labels = _without_useless(labels, experiment.axes, chosen)
            used |= labels.keys()
            for seed in grid.seeds if seeds is None else seeds:
                cell = _cell(experiment, chosen, labels, seed)
                _check_slug(cell, found.setdefault(cell.slug, cell), experiment, profile)
        useless = grid.labels.keys() - used
        if useless:
            name = min(useless)
            raise UserError(
                f"{experiment.id}: profiles.{profile}.grids: no method of this grid has the option "
                f"{experiment.axes[name]} of the label {name}"
            )
    return list(found.values())


def configuration(cell: Cell, source: str) -> Config:
    """The checked configuration of a cell; `source` names the experiment in messages.

    Raises
    ------
    UserError
        As `nsnn.training.config_file.load_config`.
    """
    return parse_config(assignments_to_toml(cell.assignments), f"{source}, cell {cell.slug}")


def with_free(config: Config, data_dir: str = "", threads: int = 0) -> Config:
    """The configuration with what cannot change a result set for this machine."""
    return replace(
        config,
        data=replace(config.data, dir=data_dir or config.data.dir),
        train=replace(config.train, threads=threads),
    )


def options(config: Config) -> dict:
    """The options by "table.key" that can change a result, as a cell's record keeps them.

    Where a method, model or data set is a plug-in's, "plugins" says of which version of the file.
    """
    flat = flatten(config)
    kept = {key: value for key, value in flat.items() if key not in IGNORED and value is not None}
    plugins = _plugins(config)
    return kept | {"plugins": plugins} if plugins else kept


# An option that was renamed keeps the name in digests under which its first cells were finished.
_FIRST_NAMES = {new: old for old, new in RENAMED.items()}


def digest(options: dict) -> str:
    """Name of a configuration: equal for equal options, 16 hexadecimal digits.

    Options that stand at today's defaults are left out. So a finished cell keeps its digest when
    a later version has an option more, and loses it when a default changes.

    Parameters
    ----------
    options : dict
        As `options` returned them, maybe in an older version.
    """
    names = {table: options.get(f"{table}.name", CHOICES[table][1]) for table in CHOICES}
    known = defaults(**names)
    essential = {
        _FIRST_NAMES.get(k, k): v for k, v in options.items() if k not in known or known[k] != v
    }
    return hashlib.sha256(json.dumps(essential, sort_keys=True).encode()).hexdigest()[:16]


def digest_without_seed(options: dict) -> str:
    """The digest that the cells of one configuration with different seeds share."""
    return digest({key: value for key, value in options.items() if key != "train.seed"})


def assignments_to_toml(assignments: dict) -> str:
    """Options by "table.key" as TOML."""
    tables = {}
    for name, value in assignments.items():
        table, _, key = name.partition(".")
        tables.setdefault(table, []).append(f"{key} = {toml_value(value)}")
    return "\n".join(f"[{table}]\n" + "\n".join(lines) for table, lines in tables.items())


def _without_useless(labels: dict, axes: dict, profile: Profile) -> dict:
    """The labels that the cell's method has a use for: a dense network has no sparsity."""
    method = _assignments(labels, axes, profile).get("method.name", CHOICES["method"][1])
    if method not in METHODS:
        return labels  # the check of the configuration names it
    known = {"name", *(field.name for field in fields(METHODS[method].Config))}
    return {
        label: value
        for label, value in labels.items()
        if not axes[label].startswith("method.") or axes[label].removeprefix("method.") in known
    }


def _cell(experiment: Experiment, profile: Profile, labels: dict, seed: int) -> Cell:
    assignments = _assignments(labels, experiment.axes, profile) | {"train.seed": seed}
    parts = [str(v) if isinstance(v, str) else f"{label}{v}" for label, v in labels.items()]
    return Cell(labels, seed, assignments, "-".join([*parts, f"seed{seed}"]))


def _check_slug(cell: Cell, first: Cell, experiment: Experiment, profile: str) -> None:
    """Raise UserError unless the first cell of this slug is the same one."""
    if cell.labels != first.labels:
        one, other = (
            ", ".join(f"{label} = {value!r}" for label, value in labels.items())
            for labels in (first.labels, cell.labels)
        )
        raise UserError(
            f"{experiment.id}: profiles.{profile}.grids: the cell of {one} and the cell of {other} "
            f"would share the run folder {cell.slug}: change a value, or leave one of them out"
        )


def _assignments(labels: dict, axes: dict, profile: Profile) -> dict:
    """The options of a cell: the profile's, those of the rules that apply, its own labels'."""
    assignments = dict(profile.config)
    for rule in profile.when:
        if all(labels.get(label) in values for label, values in rule.labels.items()):
            assignments |= rule.config
    return assignments | {axes[label]: value for label, value in labels.items()}


def _plugins(config: Config) -> list[str]:
    """The modules of the plug-ins that the configuration uses, named after their checksums."""
    used = (
        METHODS[config.method.name],
        MODELS.get(config.model.name),
        DATASETS.get(config.data.name),
    )
    modules = {getattr(thing, "__module__", "") for thing in used}
    return sorted(name for name in modules if name.startswith(MODULE_PREFIX))
