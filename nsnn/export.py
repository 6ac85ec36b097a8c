"""The trained network as plain arrays in one .npz file, and its layers as JSON, for other programs.

`tutorials/use_exported.py` is a reader in NumPy alone.
"""

from pathlib import Path

import numpy as np

from nsnn import layers
from nsnn.csr import CSRMatrix
from nsnn.errors import UserError
from nsnn.files import refuse_special, write_atomic, write_json
from nsnn.firstspike import FirstSpikeNetwork
from nsnn.network import Network
from nsnn.timestepped import TimeSteppedNetwork
from nsnn.training.config_file import to_toml
from nsnn.training.run_folder import load, read_config

# How each kind of network takes its input and how it decides; any other is a `Network`.
_WORDS = {
    TimeSteppedNetwork: (
        "images: (x - mean) / std of x in [0, 1], at every time step; events: counts",
        "the class with the largest mean of the outputs over time",
    ),
    FirstSpikeNetwork: (
        "a time for each pixel: model.input and model.dark of config",
        "the class whose neuron fires first",
    ),
    Network: ("the network's own", "the class with the largest score"),
}


def export(folder, out=None, dense=False, overwrite=False) -> Path:
    """Write the network of a run, as its last checkpoint has it, and return the file.

    It holds the arrays of `network_arrays`, with `dense` full ones and masks, and the run's
    "config" as TOML text; `tree_file` beside it is its `network_tree`. By default `out` is the run
    folder's name with .npz, in the current folder; `overwrite` replaces files that exist. Raises
    UserError, RunError when the folder holds no checkpoint or a damaged one, or a file exists, is
    none to replace or cannot be written.
    """
    network = load(folder)
    path = Path(f"{Path(folder).resolve().name}.npz" if out is None else out)
    for file in (path, tree_file(path)):
        refuse_special(file)
        if file.exists() and not overwrite:
            raise UserError(f"{file} exists: replace it with --overwrite, or choose another --out")
    arrays = network_arrays(network, dense) | {"config": np.array(to_toml(read_config(folder)))}
    write_atomic(path, lambda file: np.savez_compressed(file, **arrays))
    write_json(tree_file(path), network_tree(network))
    return path


def tree_file(path) -> Path:
    """NAME.network.json, for NAME.npz."""
    path = Path(path)
    return path.with_name(f"{path.name.removesuffix('.npz')}.network.json")


def network_tree(network) -> dict:
    """What the network does with its arrays, as plain data; names are those of `network_arrays`.

    "layers" is a list in order of execution; of each layer its "kind", the name of its class in
    `nsnn.layers`, its "name" and its constants. A residual block holds two such lists, its "body"
    and its "shortcut", empty where that is the block's input. A plug-in's layer has kind and name.
    """
    stepped = isinstance(network, TimeSteppedNetwork)
    encoding, readout = next(w for kind, w in _WORDS.items() if isinstance(network, kind))
    return {
        "format": 1,
        "kind": type(network).__name__,
        "input": {
            "shape": network.input_shape,
            "encoding": encoding,
            "mean": network.mean.tolist(),
            "std": network.std.tolist(),
        },
        "time_steps": network.time_steps if stepped else None,
        "layers": _list([network.body] if stepped else network.layers()),
        "classes": network.classes,
        "readout": readout,
    }


def _list(parts) -> list[dict]:
    """The layers as one list, with those inside of rows of layers."""
    found = []
    for part in parts:
        row = isinstance(part, layers.Sequential | layers.BatchNormLIF)
        found += _list(part.inner()) if row else [_layer(part)]
    return found


def _layer(layer) -> dict:
    found = {"kind": type(layer).__name__, "name": layer.name}
    match layer:
        case layers.Conv2d():
            *window, stride, padding = layer.geometry
            found |= {"window": window, "stride": stride, "padding": padding}
            found |= {"channels": layer.weight.dims[1::-1], "bias": layer.bias is not None}
        case layers.Linear():
            found |= {"features": layer.weight.dims[::-1], "bias": layer.bias is not None}
        case layers.BatchNorm():
            found |= {"channels": layer.running_mean.size, "epsilon": layer.eps}
        case layers.LIF():
            names = ("decay", "gain", "threshold", "reset", "time_steps")
            found |= {name: getattr(layer.neuron, name) for name in names}
        case layers.AvgPool2d() | layers.MaxPool2d():
            found |= {"window": [layer.k, layer.k], "stride": layer.k, "padding": 0}
        case layers.Residual():
            shortcut = [] if layer.shortcut is None else [layer.shortcut]
            found |= {"body": _list([layer.body]), "shortcut": _list(shortcut)}
    return found


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
