"""A training session from configuration to closing table: a new run or one that goes on."""

import shlex
from pathlib import Path

from nsnn import info, parallel, plugins
from nsnn.errors import UserError
from nsnn.files import checksum, locked, make_folder, read_json, write_json, write_text
from nsnn.text import duration, plural, size
from nsnn.training import loop, run_folder
from nsnn.training.checkpoint import restore_best
from nsnn.training.config import FREE
from nsnn.training.config_file import differences, load_config, to_toml
from nsnn.training.progress import Progress
from nsnn.training.report import closing_table, summarise
from nsnn.training.run import Run, from_folder
from nsnn.training.stopwatch import repeat

_MEASURING = "measuring one step (the first run on a machine compiles the kernels) ..."


def start(config, out=None, overwrite=False, progress=None) -> Path | None:
    """Train a new run; its folder when it is finished, None when a signal stopped it, saved.

    The folder is `out`, by default the next free `runs/<method>-<data>-NNN`; `overwrite` replaces
    the run that it holds. `progress` shows bars and lines, by default a `Progress`.
    """
    if out is not None and not overwrite:
        run_folder.refuse_existing(out)
    parallel.set_threads(config.train.threads)
    run = Run(config)
    print(_MEASURING, flush=True)
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
        return _train(run, folder, progress)


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
            print(f"{_MEASURING}\n{estimate(run)}", flush=True)
        print(f"resuming {folder} at epoch {run.epoch + 1}, step {run.step}", flush=True)
        return _train(run, folder, progress)


def estimate(run) -> str:
    """A line about time and memory of a run, measured on one step that changes nothing.

    Drop and grow, evaluation and the falling density are left out.
    """
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
    noted = known | {"plugins": plugins.loaded()}
    if noted != known:
        write_json(path, noted)


def _train(run, folder: Path, progress) -> Path | None:
    """Train, then summarise: every number is on the disk before the table is printed."""
    _note_environment(folder / "environment.json", run.config)
    if run.config.train.start and not (folder / "checkpoint.npz").exists():
        run.save(folder)  # from here on the other run is not needed
    progress = progress or Progress(run.length.epochs, run.length.steps_per_epoch)
    if not loop.train(run, folder, progress):
        given = plugins.as_options(plugin["file"] for plugin in plugins.loaded())
        again = f"nsnn train --resume {shlex.quote(str(folder))}{given}"
        print(f"stopped at step {run.step}, saved. Go on with: {again}")
        return None
    restore_best(run.network, folder, run.config)
    summary = summarise(run, folder)
    write_json(folder / "summary.json", summary)
    print(f"\n{closing_table(summary)}\n", flush=True)
    return folder
