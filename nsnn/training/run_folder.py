"""The folder of a run: made, cleared, and read back by `nsnn.load`."""

import contextlib
import itertools
import re
import warnings
from pathlib import Path

from nsnn.errors import RunError, UserError
from nsnn.files import damaged, read_json, read_lines
from nsnn.methods import DENSE
from nsnn.network import Network
from nsnn.plugins import as_options, load_files, loaded
from nsnn.text import plural
from nsnn.training.build import make_network
from nsnn.training.checkpoint import BEST, intact, load_checkpoint, restore_best
from nsnn.training.config import Config
from nsnn.training.config_file import flatten, load_config

RUNS = "runs"

# All that training writes; `--overwrite` removes these and nothing else.
FILES = ("config.toml", "environment.json", "metrics.jsonl", "timing.jsonl", "summary.json")
FILES += ("checkpoint.npz", "topology.npz")

# What each line of metrics.jsonl has, and summary.json has at least.
_NUMBERS = ("step", "train_loss", "train_accuracy", "density", "active_weights", "spike_rate")
_KINDS = dict.fromkeys(_NUMBERS, int | float)
_KINDS |= dict.fromkeys(("layers", "spike_rates", "synaptic_operations"), dict)
_SUMMARY = {"data", "method", "test_accuracy", "confusion"}

# Runs that agree in these can be compared in what they cost.
COMPARABLE = ("data.name", "model.name", "model.layers", "model.width", "neuron.time_steps")


def holds_run(folder) -> bool:
    """True if the folder has any file of a run."""
    return any((Path(folder) / name).exists() for name in FILES)


def refuse_existing(folder) -> None:
    """Raise UserError where the folder holds a run, which would be written over, or is a file."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out {folder} is a file: name a folder")
    if holds_run(folder):
        choices = f"continue it with --resume {folder}, replace it with --overwrite"
        raise UserError(f"{folder} already holds a run: {choices}, or choose another --out")


def next_free(stem: str, runs=RUNS) -> Path:
    """Make and return the next free `runs/<stem>-NNN`.

    `os.mkdir` succeeds for one process only, so two that start together get two folders.
    """
    runs = Path(runs)
    try:
        runs.mkdir(parents=True, exist_ok=True)
        taken = [re.fullmatch(rf"{re.escape(stem)}-(\d+)", path.name) for path in runs.iterdir()]
        last = max((int(match[1]) for match in taken if match), default=0)
        for number in itertools.count(last + 1):
            with contextlib.suppress(FileExistsError):
                folder = runs / f"{stem}-{number:03d}"
                folder.mkdir()
                return folder
    except OSError as error:
        raise RunError(f"cannot make a run folder in {runs}/: {error.strerror}") from error


def clear(folder) -> None:
    """Remove the files of an earlier run, and its plots; nothing else."""
    folder = Path(folder)
    for path in [folder / name for name in (*FILES, BEST)] + sorted(folder.glob("plots/*.png")):
        path.unlink(missing_ok=True)


def read_config(folder) -> Config:
    """The configuration of the run in a folder.

    Raises UserError where there is no run, its `config.toml` is damaged, or a plug-in that it was
    made with has not been loaded: a run folder is data, it does not say which code runs.
    """
    path = Path(folder) / "config.toml"
    if not path.is_file():
        raise UserError(f"{folder} holds no run: {path} is missing")
    known = {value for plugin in loaded() for value in plugin.values()}
    absent = [n["file"] for n in _noted_plugins(folder) if known.isdisjoint(n.values())]
    call = f"nsnn.load({str(folder)!r}, plugins={absent})"
    again = f"repeat the command with{as_options(absent)} (in Python: {call})"
    missing = UserError(f"{folder} was made with a plug-in: {again}")
    if absent and not known:
        raise missing
    try:
        return load_config(path)
    except UserError as error:
        raise (missing if absent else error) from None


def warn_of_changed_plugins(folder) -> None:
    """Warn where a plug-in of the run in a folder is loaded in another version."""
    known = {plugin["sha256"] for plugin in loaded()}
    for note in _noted_plugins(folder):
        if note["sha256"] not in known:
            text = f"the plug-in {note['file']} has changed since {folder} was made"
            warnings.warn(text, RuntimeWarning, stacklevel=3)


def _noted_plugins(folder) -> list[dict]:
    """The plug-ins that a run was made with, as `plugins.loaded` gave them."""
    path = Path(folder) / "environment.json"
    noted = read_json(path).get("plugins", []) if path.exists() else []
    try:
        return [{"file": str(note["file"]), "sha256": note["sha256"]} for note in noted]
    except (KeyError, TypeError):
        raise RunError(f"the plugins in {path} are damaged") from None


def read_metrics(folder) -> list[dict]:
    """The lines of `metrics.jsonl`, one an epoch; RunError for one that is damaged."""
    path = Path(folder) / "metrics.jsonl"
    records = read_lines(path)
    for i, record in enumerate(records):
        good = record.get("epoch") == i and "validation_accuracy" in record
        if not good or not all(isinstance(record.get(key), kind) for key, kind in _KINDS.items()):
            raise damaged(f"line {i + 1} of {path}")
    return records


def read_summary(folder) -> dict:
    """The content of `summary.json`, {} without one; RunError where it is damaged."""
    path = Path(folder) / "summary.json"
    summary = read_json(path) if path.exists() else {}
    if summary and not summary.keys() >= _SUMMARY:
        raise damaged(path)
    return summary


def is_finished(folder) -> bool:
    """Whether there is a summary; RunError for that of another run."""
    summary = read_summary(folder)
    if not summary:
        return False
    last = (read_metrics(folder) or [{}])[-1]
    if any(summary.get(key) != last.get(key.rstrip("s")) for key in ("steps", "spike_rate")):
        raise RunError(f"{folder}/summary.json is not of the run in metrics.jsonl: remove it")
    return True


def require_same(where: str, config, folder, keys, wanted: str, also=()) -> None:
    """Raise UserError unless the run in a folder has our values of these options, and `also`."""
    ours, theirs = flatten(config), flatten(read_config(folder))
    for key, value in ({key: ours.get(key) for key in keys} | dict(also)).items():
        if (found := theirs.get(key)) != value:
            raise UserError(f"{where} has {key} = {found!r}, not {value!r}: give {wanted}")


def dense_spike_rates(config) -> list[float]:
    """R_d of NDSNN IV-C: the spike rate of each epoch of `train.dense_run`, [] without one.

    Raises UserError for a run of another network or data set, one not dense, and a shorter one.
    """
    folder, epochs = config.train.dense_run, config.train.epochs
    if not folder:
        return []
    where = f"train.dense_run = {folder!r}"
    wanted = "a dense run of the same network on the same data"
    require_same(where, config, folder, COMPARABLE, wanted, {"method.name": DENSE})
    rates = [record["spike_rate"] for record in read_metrics(folder)]
    if len(rates) < epochs:
        found = f"{where} has {plural(len(rates), 'finished epoch')}, this run {epochs}"
        raise UserError(f"{found}: the cost compares epoch with epoch, so train it for as long")
    return rates[:epochs]


def load(folder, plugins=()) -> Network:
    """The network of a run, as its last checkpoint has it; public as `nsnn.load`.

    Ready for `predict(images)`, images as (B, C, H, W). With train.keep = "best", the one of the
    best epoch so far on the validation split. Raises UserError when the folder holds no run, no
    checkpoint yet, or one of another configuration, RunError when the checkpoint is damaged.

    Parameters
    ----------
    folder : path-like
        Run folder, such as "runs/ndsnn-glyphs-001".
    plugins : sequence of path-like
        The files that the run's method, model or data set come from; a RuntimeWarning says where
        one is another version than the run was made with.
    """
    load_files(plugins)
    config = read_config(folder)
    warn_of_changed_plugins(folder)
    path = Path(folder) / "checkpoint.npz"
    parts = load_checkpoint(path, config)
    with intact(path):
        shape, classes = (parts["data"][key].tolist() for key in ("shape", "classes"))
        network = make_network(config, tuple(shape), classes)
        network.restore(parts["network"])
    restore_best(network, folder, config)
    return network
