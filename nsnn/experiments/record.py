"""The record of a finished cell, gathered from its run folder."""

from pathlib import Path

from nsnn.errors import RunError
from nsnn.experiments.expand import digest, options
from nsnn.experiments.spec import Cell
from nsnn.files import read_json, read_lines
from nsnn.training.config import Config

# Taken over from summary.json.
_SUMMARY = (
    "data",
    "data_fingerprint",
    "model",
    "method",
    "epochs",
    "steps",
    "test_accuracy",
    "density",
    "density_asked",
    "active_weights",
    "weights",
    "layers",
    "asked",
    "spike_rate",
    "relative_cost",
    "synaptic_operations",
    "synaptic_operations_training",
    "bytes_held",
    "bytes_held_peak",
    "bytes_formula",
    "bytes_dense",
    "bytes_buffers",
    "bytes_process_peak",
    "seconds",
    "cpu_seconds",
)
# Of each line of metrics.jsonl.
_EPOCH = (
    "train_loss",
    "train_accuracy",
    "validation_accuracy",
    "learning_rate",
    "density",
    "mean_density",
    "spike_rate",
)


def make_record(cell: Cell, config: Config, folder: Path) -> dict:
    """What is kept of a finished cell.

    Parameters
    ----------
    cell : Cell
    config : Config
        The cell's.
    folder : Path
        Its run folder.

    Returns
    -------
    dict
        The keys of summary.json that `_SUMMARY` names; "labels", "seed", "config" and its
        "digest"; "per_epoch" with a list for each key of `_EPOCH`, "seconds" and
        "synaptic_operations" (per sample);
        "validation_accuracy" at the end (None without a split); "environment".

    Raises
    ------
    RunError
        When a file of the folder is damaged or lacks something.
    """
    kept = options(config)
    try:
        summary = read_json(folder / "summary.json")
        lines = read_lines(folder / "metrics.jsonl")
        per_epoch = {key: [line[key] for line in lines] for key in _EPOCH}
        operations = [line["synaptic_operations"] for line in lines]
        per_epoch["synaptic_operations"] = [of["total"] for of in operations]
        per_epoch["seconds"] = summary["epoch_seconds"]
        return {
            "labels": cell.labels,
            "seed": cell.seed,
            "digest": digest(kept),
            "config": kept,
            **{key: summary[key] for key in _SUMMARY},
            "validation_accuracy": per_epoch["validation_accuracy"][-1],
            "per_epoch": per_epoch,
            "environment": read_json(folder / "environment.json"),
        }
    except (OSError, LookupError, TypeError) as error:
        raise RunError(
            f"{folder} is not a whole run ({error!r}): remove the folder, then reproduce again"
        ) from None
