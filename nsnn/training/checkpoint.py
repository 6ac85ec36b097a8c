"""The checkpoint: everything that a run needs to go on bit for bit, in one file of plain arrays."""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from nsnn.errors import RunError, UserError
from nsnn.files import read_arrays, write_atomic
from nsnn.sparsity.log import TopologyLog
from nsnn.training.config_file import differences, parse_config, to_toml

# Raised when the content of the file changes its meaning.
FORMAT = 3

# The network of the best epoch, beside the checkpoint, where train.keep asks for it.
BEST = "best.npz"


def save_checkpoint(path, config, parts: dict) -> None:
    """Write a checkpoint; an error leaves the one before it in place.

    `parts` has the state of each part of the run, such as "network" and "method": arrays by name.
    Raises RunError for a full disk, UserError for a state that is no plain array: no pickle.
    """
    arrays = {"format": np.array(FORMAT), "config": np.array(to_toml(_essential(config)))}
    for part, state in parts.items():
        arrays |= {f"{part}/{key}": np.asarray(value) for key, value in state.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise UserError(f"{path}: the state {name} is no plain array and cannot be saved")
    write_atomic(path, lambda file: np.savez(file, **arrays))


def load_checkpoint(path, config) -> dict:
    """Read a checkpoint of a run with this configuration: the `parts` given to `save_checkpoint`.

    Raises UserError for another format or configuration, RunError for a damaged file.
    """
    arrays = _read(path)
    with intact(path):
        found = arrays.pop("format", np.array(-1)).item()
    if found != FORMAT:
        what = f"{path} has checkpoint format {found}, this nsnn reads format {FORMAT}"
        use = "use the version of nsnn in environment.json, or train anew with --overwrite"
        raise UserError(f"{what}: {use}")
    with intact(path):
        theirs = parse_config(str(arrays.pop("config")), str(path))
    if changed := differences(_essential(config), theirs):
        name, ours, wrote = changed[0]
        what = f"{name} = {wrote!r} there, {ours!r} in config.toml"
        mend = "put it back, or train anew with --overwrite"
        raise UserError(f"{path} was made with another configuration: {what}; {mend}")
    parts = {}
    for name, array in arrays.items():
        part, _, key = name.partition("/")
        parts.setdefault(part, {})[key] = array
    return parts


def restore_best(network, folder, config) -> None:
    """Give the network the values that `train.keep = "best"` has kept in a folder, if any yet."""
    path = Path(folder) / BEST
    if config.train.keep != "best" or not path.exists():
        return
    parts = load_checkpoint(path, config)
    with intact(path):
        network.restore(parts["network"])


def save_topology(path, log: TopologyLog) -> None:
    """Write the topology log; an error leaves the one before it in place."""
    write_atomic(path, lambda file: np.savez_compressed(file, **log.arrays()))


def load_topology(path) -> TopologyLog:
    """Read the topology log of a run; RunError for a damaged file."""
    arrays = _read(path)
    with intact(path):
        return TopologyLog.from_arrays(arrays)


@contextlib.contextmanager
def intact(path):
    """While the content of a file is taken over: what does not fit raises RunError, "damaged"."""
    try:
        with np.errstate(invalid="raise"):  # NaN where whole numbers belong
            yield
    except (UserError, RunError, OSError, MemoryError):
        raise
    except Exception:  # content that is none of ours can lead to anything
        mend = "train anew with --overwrite"
        raise RunError(f"{path} is damaged (truncated or altered): {mend}") from None


def _read(path) -> dict[str, np.ndarray]:
    """All arrays of an .npz file, which the zip format's checksums guard."""
    if not Path(path).exists():
        raise UserError(f"{path} is missing: the run was stopped before its first checkpoint")
    try:
        with intact(path):
            return read_arrays(path)
    except OSError as error:  # such as one without permission: the file itself may be fine
        raise RunError(f"cannot read {path}: {error.strerror}") from None


def _essential(config):
    """The configuration without what cannot change a result: `FREE` in `config`."""
    data, train = replace(config.data, dir=""), replace(config.train, threads=0)
    return replace(config, data=data, train=train)
