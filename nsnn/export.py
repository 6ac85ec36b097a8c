"""The trained network as plain arrays in one .npz file, for other programs."""

from pathlib import Path

import numpy as np

from nsnn.csr import CSRMatrix
from nsnn.errors import UserError
from nsnn.files import refuse_special, write_atomic
from nsnn.training.config_file import to_toml
from nsnn.training.run_folder import load, read_config


def export(folder, out=None, dense=False, overwrite=False) -> Path:
    """Write the network of a run, as its last checkpoint has it, and return the file.

    It holds the arrays of `network_arrays`, with `dense` full ones and masks, and the run's
    "config" as TOML text. By default `out` is the run folder's name with .npz, in the current
    folder; `overwrite` replaces it if it exists. Raises UserError, RunError when the folder holds
    no checkpoint or a damaged one, or the file exists, is none to replace or cannot be written.
    """
    network = load(folder)
    path = Path(f"{Path(folder).resolve().name}.npz" if out is None else out)
    refuse_special(path)
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists: replace it with --overwrite, or choose another --out")
    arrays = network_arrays(network, dense) | {"config": np.array(to_toml(read_config(folder)))}
    write_atomic(path, lambda file: np.savez_compressed(file, **arrays))
    return path


def network_arrays(network, dense=False) -> dict[str, np.ndarray]:
    """All that the network has learnt, by name as `nsnn export --help` says; nothing is pickled.

    Of each weight such as "conv1.weight" its matrix (out, in·kh·kw) in compressed rows, ".indices"
    sorted in each, and ".dims" = (out, in, kh, kw) or (out, in). With `dense` instead an array of
    its dims, and ".mask", True where a weight exists. An existing weight may be 0.
    """
    arrays = {"input.mean": network.mean, "input.std": network.std}
    for p in network.parameters():
        if not p.prunable:
            arrays[p.name] = p.to_dense()
        elif dense:
            mask = np.zeros(p.size, dtype=bool)
            mask[p.positions()] = True
            arrays[p.name] = p.to_dense().reshape(p.dims)
            arrays[f"{p.name}.mask"] = mask.reshape(p.dims)
        else:
            W = CSRMatrix.from_positions(p.shape, p.positions(), p.values())
            rows = {"data": W.data, "indices": W.indices, "indptr": W.indptr}
            rows |= {"shape": np.array(p.shape), "dims": np.array(p.dims)}
            arrays |= {f"{p.name}.{key}": array for key, array in rows.items()}
    for layer in network.layers():
        arrays |= {f"{layer.name}.{key}": array for key, array in layer.state().items()}
    return arrays
