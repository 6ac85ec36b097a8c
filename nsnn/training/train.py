"""Training from Python: `nsnn.train`."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nsnn.errors import UserError
from nsnn.files import read_json
from nsnn.network import Network
from nsnn.options import plain
from nsnn.plugins import load_files
from nsnn.training import session
from nsnn.training.config_file import from_options, load_config
from nsnn.training.run_folder import load, read_metrics


@dataclass(frozen=True)
class FinishedRun:
    """What training has made; all of it is read from the run folder when it is asked for."""

    folder: Path  # nsnn eval, plot, export and `nsnn.load` take it

    @cached_property
    def network(self) -> Network:
        """The trained network, ready for `predict(images)`."""
        return load(self.folder)

    @cached_property
    def metrics(self) -> list[dict]:
        """A record of each epoch, such as train_loss, density and spike_rate."""
        return read_metrics(self.folder)

    @cached_property
    def summary(self) -> dict:
        """The closing table as numbers, such as test_accuracy and bytes_held."""
        return read_json(self.folder / "summary.json")


def train(config=None, out=None, *, overwrite=False, plugins=()) -> FinishedRun:
    """Train a network and write a run folder, as the command nsnn train does.

    Parameters
    ----------
    config : path-like or dict, optional
        A TOML file of options, or options by name: {"method.name": "set", "train.epochs": 2}. What
        it does not name is at its default; nsnn train --options lists all.
    out : path-like, optional
        Run folder; default: the next free runs/METHOD-DATA-NNN.
    overwrite : bool
        Replace the run that `out` holds.
    plugins : sequence of path-like
        Files that register methods, models or data sets.

    Raises
    ------
    UserError
        For a mistake in the options or the data.
    RunError
        Where training fails, such as on a full disk.
    KeyboardInterrupt
        When a signal has stopped the run, after it has been saved.

    Examples
    --------
    >>> run = nsnn.train({"method.name": "set", "train.epochs": 1})
    >>> run.summary["test_accuracy"], run.metrics[-1]["density"]
    """
    load_files(plugins)
    named = config is None or isinstance(config, str | os.PathLike)
    chosen = load_config(config) if named else from_options(_options(config), "nsnn.train")
    folder = session.start(chosen, out, overwrite)
    if folder is None:
        raise KeyboardInterrupt
    return FinishedRun(folder)


def _options(config) -> dict:
    """Options by "table.key" with the values that a TOML file could have."""
    if not isinstance(config, dict):
        kind = type(config).__name__
        raise UserError(f"nsnn.train: config is a {kind}; give a TOML file, or options by name")
    found = {}
    for key, value in config.items():
        if not isinstance(key, str) or "." not in key:
            hint = 'options are named table.key, such as "train.epochs"'
            raise UserError(f"nsnn.train: {key!r} is no option; {hint}")
        found[key] = os.fspath(value) if isinstance(value, os.PathLike) else plain(value)
    return found
