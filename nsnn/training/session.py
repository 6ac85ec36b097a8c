"""A training session from configuration to closing table: a new run or one that goes on."""

import os
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nsnn import info, parallel
from nsnn.errors import UserError
from nsnn.files import checksum, locked, make_folder, read_json, write_json, write_text
from nsnn.network import Network
from nsnn.options import plain
from nsnn.plugins import as_options, load_files, loaded
from nsnn.text import duration, plural, size
from nsnn.training import loop, run_folder
from nsnn.training.checkpoint import restore_best
from nsnn.training.config import FREE
from nsnn.training.config_file import differences, from_options, load_config, to_toml
from nsnn.training.report import closing_table, summarise
from nsnn.training.run import Run, from_folder
from nsnn.training.stopwatch import repeat


def start(config, out=None, overwrite=False, progress=None) -> Path | None:
    """Train a new run; its folder when it is finished, None when a signal stopped it, saved.

    The folder is `out`, by default the next free `runs/<method>-<data>-NNN`; `overwrite` replaces
    the run that it holds. `progress` shows bars and lines, by default a `Progress`.
    """
    if out is not None and not overwrite:
        run_folder.refuse_existing(out)
    parallel.set_threads(config.train.threads)
    run = Run(config)
    measured = estimate(run)
    # Only now: a mistake in the configuration or the data leaves no empty folder behind.
    stem = f"{config.method.name}-{config.data.name}"
    folder = run_folder.next_free(stem) if out is None else make_folder(out)
    with locked(folder):
        if overwrite:
            run_folder.clear(folder)
        run_folder.refuse_existing(folder)
        write_text(folder / "config.toml", to_toml(config))
        print(f"{measured}\nrun folder: {folder}", flush=True)
        return _finish(run, folder, progress)


def resume(folder, assignments=(), progress=None) -> Path | None:
    """Continue the run in a folder from its last checkpoint, bit for bit; returns as `start`.

    `assignments` are those of `--set`, for what cannot change a result: data.dir, train.threads.
    """
    folder = Path(folder)
    written = run_folder.read_config(folder)
    run_folder.warn_of_changed_plugins(folder)
    config = load_config(folder / "config.toml", assignments)
    for name, _, _ in differences(written, config):
        if name not in FREE:
            what = f"--resume goes on with the configuration of {folder}"
            raise UserError(f"{what}: only {' and '.join(FREE)} can be set anew, not {name}")
    with locked(folder):
        if run_folder.is_finished(folder):
            print(f"{folder} is finished: nothing to resume. See it with nsnn eval {folder}")
            return folder
        parallel.set_threads(config.train.threads)
        run = from_folder(config, folder)
        if run.step < run.length.total_steps:
            print(estimate(run), flush=True)
        print(f"resuming {folder} at epoch {run.epoch + 1}, step {run.step}", flush=True)
        return _finish(run, folder, progress)


def estimate(run) -> str:
    """A line about time and memory of a run, measured on one step that changes nothing.

    Drop and grow, evaluation and the falling density are left out.
    """
    print("measuring one step (the first run on a machine compiles the kernels) ...", flush=True)
    batch = next(run.batches(run.epoch))
    before = run.network.state()  # the running statistics of BatchNorm move
    with loop.quiet_overflow():
        (seconds,) = repeat(lambda: run.network.loss_and_backward(batch), 1)
    run.network.restore(before)
    held = run.network.bytes_held()
    buffers = held.pop("buffers")
    parameters = sum(held.values())
    splits = [run.data.train, run.data.validation, run.data.test]
    data = sum(split.images.nbytes for split in splits if split is not None)
    steps = run.length.total_steps - run.step
    return (
        f"estimate: about {duration(steps * seconds)} for {plural(steps, 'step')} of "
        f"{1e3 * seconds:.0f} ms; memory {size(parameters + buffers + data)}: "
        f"parameters {size(parameters)}, activations {size(buffers)}, data {size(data)}"
    )


def _note_environment(path: Path, config) -> None:
    """Write what the results depend on; of a run that goes on, only where its plug-ins are now."""
    if path.exists():
        known = read_json(path)
    else:
        known = info.environment()
        if config.train.start:
            other = Path(config.train.start) / "checkpoint.npz"  # as given
            known["start"] = {"checkpoint": str(other), "checksum": f"{checksum(other):08x}"}
    noted = known | {"plugins": loaded()}
    if noted != known:
        write_json(path, noted)


def _finish(run, folder: Path, progress) -> Path | None:
    """Train, then summarise: every number is on the disk before the table is printed."""
    _note_environment(folder / "environment.json", run.config)
    if run.config.train.start and not (folder / "checkpoint.npz").exists():
        run.save(folder)  # from here on the other run is not needed
    progress = progress or loop.Progress(run.length.epochs, run.length.steps_per_epoch)
    if not loop.train(run, folder, progress):
        given = as_options(plugin["file"] for plugin in loaded())
        again = f"nsnn train --resume {shlex.quote(str(folder))}{given}"
        print(f"stopped at step {run.step}, saved. Go on with: {again}")
        return None
    restore_best(run.network, folder, run.config)
    summary = summarise(run, folder)
    write_json(folder / "summary.json", summary)
    print(f"\n{closing_table(summary)}\n", flush=True)
    return folder


@dataclass(frozen=True)
class FinishedRun:
    """What training has made; all of it is read from the run folder when it is asked for."""

    folder: Path  # nsnn eval, plot, export and `nsnn.load` take it

    @cached_property
    def network(self) -> Network:
        """The trained network, ready for `predict(images)`."""
        return run_folder.load(self.folder)

    @cached_property
    def metrics(self) -> list[dict]:
        """A record of each epoch, such as train_loss, density and spike_rate."""
        return run_folder.read_metrics(self.folder)

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
    folder = start(chosen, out, overwrite)
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
