"""Finished cells, each under the digest of its options: `<out>/<id>/<profile>/cells.jsonl`."""

import hashlib
import json
import os
from pathlib import Path

from nsnn.data import DATASETS, source
from nsnn.errors import RunError, UserError
from nsnn.files import append_line, lines_in, make_folder, read_json, read_lines
from nsnn.methods import METHODS
from nsnn.models import MODELS
from nsnn.operations import total_work
from nsnn.plugins import MODULE_PREFIX
from nsnn.sparsity.channels import channels
from nsnn.training.checkpoint import load_topology
from nsnn.training.config import CHOICES, FREE, RENAMED, Config, defaults, translated
from nsnn.training.config_file import flatten
from nsnn.training.run_folder import load, read_summary

COMMITTED = Path("tutorials/results")
CELLS = "cells.jsonl"

# What cannot change a result, so that two cells that differ in nothing else are the same.
IGNORED = (*FREE, "train.dense_run")
# An option that was renamed keeps the name in digests under which its first cells were finished.
_FIRST_NAMES = {new: old for old, new in RENAMED.items()}

# Of summary.json what a record has in another form, or not at all; "dense_run" is a path.
_LEFT_OUT = {"time_steps", "relative_cost", "energy", "dense_run", "confusion", "epoch_seconds"}
# Taken over from each line of metrics.jsonl.
_EPOCH = (
    "train_loss", "train_accuracy", "validation_accuracy", "learning_rate", "density",
    "mean_density", "spike_rate",
)  # fmt: skip
# What an inference takes, by its name in summary.json.
_INFERENCE = {
    "energy": "counted", "energy_gpu": "paper_gpu", "energy_truenorth": "paper_truenorth",
    "multiply_adds": "multiply_adds", "inference_operations": "synaptic_operations",
}  # fmt: skip


def essential(config: Config) -> dict:
    """The options by "table.key" that can change a result, as a cell's record keeps them.

    Where a method, model or data set is a plug-in's, "plugins" says of which version of the file.
    """
    kept = {k: v for k, v in flatten(config).items() if k not in IGNORED and v is not None}
    source(config.data.name)  # or UserError
    used = METHODS[config.method.name], MODELS[config.model.name], DATASETS[config.data.name]
    modules = {getattr(thing, "__module__", "") for thing in used}
    plugins = sorted(name for name in modules if name.startswith(MODULE_PREFIX))
    return kept | {"plugins": plugins} if plugins else kept


def digest(options: dict, seed: bool = True) -> str:
    """Name of a configuration: equal for equal options (of `essential`), 16 hexadecimal digits.

    Options that stand at today's defaults are left out. So a finished cell keeps its digest when
    a later version has an option more, and loses it when a default changes. `seed=False`: the
    name that the cells of one configuration with different seeds share.
    """
    names = {table: options.get(f"{table}.name", CHOICES[table][1]) for table in CHOICES}
    known = defaults(**names)
    kept = {
        _FIRST_NAMES.get(key, key): value
        for key, value in options.items()
        if (key not in known or known[key] != value) and (seed or key != "train.seed")
    }
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def make_record(config: Config, folder: Path) -> dict:
    """What is kept of a finished cell, gathered from its run folder.

    It has what summary.json says, "per_epoch" a list for each key of `_EPOCH`, "seconds" and
    "synaptic_operations" (per sample); what older runs did not count is not there, or None. Raises
    RunError when a file of the folder is damaged or lacks something.
    """
    kept = essential(config)
    try:
        summary = read_summary(folder)
        lines = read_lines(folder / "metrics.jsonl")
        topology = load_topology(folder / "topology.npz")
        shapes = {p.name: p.shape for p in load(folder).parameters()}
        per_epoch = {key: [line[key] for line in lines] for key in _EPOCH}
        per_epoch["synaptic_operations"] = [line["synaptic_operations"]["total"] for line in lines]
        per_epoch["seconds"] = summary["epoch_seconds"]
        for kind in ("useful", "executed"):
            work = [total_work(line["work"], kind) for line in lines if "work" in line]
            per_epoch[f"{kind}_work"] = work
        return {
            "seed": config.train.seed,
            "digest": digest(kept),
            "config": kept,
            **{key: value for key, value in summary.items() if key not in _LEFT_OUT},
            **{key: summary.get("energy", {}).get(name) for key, name in _INFERENCE.items()},
            "validation_accuracy": per_epoch["validation_accuracy"][-1],
            "per_epoch": per_epoch,
            "currents": _currents(lines),
            "channels": channels(topology, shapes, summary["steps"]),
            "environment": _environment(folder),
        }
    except (OSError, LookupError, TypeError) as error:
        mend = "remove the folder, then reproduce again"
        raise RunError(f"{folder} is not a whole run ({error!r}): {mend}") from None


def _environment(folder: Path) -> dict:
    """What a run noted of its machine, but not where files lie on it: records are shared."""
    noted = read_json(folder / "environment.json")
    for plugin in noted.get("plugins", []):
        plugin["file"] = os.path.basename(plugin["file"])
    noted.get("start", {}).pop("checkpoint", None)  # the run is an option, train.start
    return noted


def _currents(lines: list[dict]) -> dict:
    """`Network.currents` by layer after ten epochs of a run, evenly chosen, or after all."""
    chosen = sorted({round(i * (len(lines) - 1) / 9) for i in range(10)})
    layers = {}
    for i in chosen:
        for name, found in lines[i].get("currents", {}).items():
            layers.setdefault(name, []).append([float(f"{current:.3g}") for current in found])
    return {"epochs": [i + 1 for i in chosen], "layers": layers}


def default_out(profile: str) -> Path:
    """Where results go without `--out`: in a clone of nsnn where they can be committed.

    Those of smoke say nothing and are never committed.
    """
    return COMMITTED if COMMITTED.is_dir() and profile != "smoke" else Path("runs/results")


def folder(out, experiment: str, profile: str) -> Path:
    """The folder of a profile's cells, table and figure."""
    return Path(out) / experiment / profile


def append(out, experiment: str, profile: str, record: dict) -> None:
    """Add a finished cell; it is on the disk when this returns, else RunError is raised."""
    append_line(make_folder(folder(out, experiment, profile)) / CELLS, record)


def read_cells(out, experiment: str, profile: str) -> list[dict]:
    """All finished cells of a profile, [] without any, with digests as of today's defaults.

    Raises RunError naming the first line that is damaged.
    """
    path, records = folder(out, experiment, profile) / CELLS, []
    for number, line in enumerate(lines_in(path), 1):
        try:
            record = json.loads(line)
            record["config"] = translated(record["config"])
            record["digest"] = digest(record["config"])
            hash(frozenset(record["labels"].items()))
            records.append({"labels": {**record["labels"]}, "seed": record["seed"]} | record)
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError, UserError):
            mend = "remove it, its cell is trained anew"
            raise RunError(f"line {number} of {path} is damaged: {mend}") from None
    return records


def finished_anywhere(out) -> list[dict]:
    """The cells of all experiments and profiles in `out` and among the committed."""
    roots = COMMITTED, Path(out)
    paths = dict.fromkeys(path for root in roots for path in sorted(root.glob(f"*/*/{CELLS}")))
    return [record for path in paths for record in read_cells(path.parents[2], *path.parts[-3:-1])]
