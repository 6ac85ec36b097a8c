"""Write the network of a run as plain arrays.

examples:
  nsnn export runs/ndsnn-glyphs-001         to ndsnn-glyphs-001.npz; prints how to load it
  nsnn export runs/ndsnn-glyphs-001 --dense --out dense.npz

Arrays of each weight, such as conv1.weight: .data .indices .indptr .shape as SciPy's csr_matrix
takes them, and .dims (out, in, kh, kw); rows are output channels, columns (channel, dy, dx). With
--dense the weight itself and its .mask. Then biases, norm parameters with running_mean and
running_variance, input.mean and input.std, and config: config.toml as text.

What each layer does with them stands beside, in ndsnn-glyphs-001.network.json. The repository's
tutorials/use_exported.py reads both and predicts, with NumPy alone.
"""

import shlex

from nsnn.commands import PLUGIN

ARGUMENTS = {
    "dir": {"metavar": "DIR", "help": "run folder"},
    "--out": {"metavar": "FILE.npz", "help": "default: the name of DIR, here"},
    "--dense": {"action": "store_true", "help": "full arrays and masks instead of rows"},
    "--overwrite": {"action": "store_true", "help": "replace the file if it exists"},
    "--plugin": PLUGIN,
}


# What the weights are, the end of a name that only a weight has, and Python that loads one.
_DENSE = "dense arrays and masks", ".mask", "W, mask = arrays['{0}'], arrays['{0}.mask']"
_ROWS = (
    "compressed rows (CSR)", ".indptr",
    "W = scipy.sparse.csr_matrix((arrays['{0}.data'], arrays['{0}.indices'], "
    "arrays['{0}.indptr']), arrays['{0}.shape'])",
)  # fmt: skip


def run(options) -> int:
    """Write the network of a run as plain arrays, and say how to load the first weight."""
    import numpy as np

    from nsnn import export

    path = export.export(options.dir, options.out, options.dense, options.overwrite)
    with np.load(path, allow_pickle=False) as arrays:
        names = arrays.files
    kind, end, load = _DENSE if options.dense else _ROWS
    first = next(name for name in names if name.endswith(end)).removesuffix(end)
    print(f"{path}: {len(names)} arrays, weights as {kind}, {path.stat().st_size:,} bytes")
    print(f"{export.tree_file(path)}: the layers\n")
    print(f"arrays = numpy.load({str(path)!r})\n{load.format(first)}")
    call = f"python tutorials/use_exported.py {shlex.quote(str(path))} IMAGES.npy"
    print(f"\nclasses by NumPy alone, in a clone of nsnn: {call}")
    return 0
