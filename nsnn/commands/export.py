"""Write the network of a run as plain arrays.

examples:
  nsnn export runs/ndsnn-glyphs-001         to ndsnn-glyphs-001.npz
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


def run(options) -> int:
    """Write the network of a run as plain arrays, and say what can be done with them."""
    from nsnn import export

    path = export.export(options.dir, options.out, options.dense, options.overwrite)
    kind = "dense arrays and masks" if options.dense else "compressed rows (CSR)"
    print(f"{path}: weights as {kind}, {path.stat().st_size:,} bytes")
    print(f"{export.tree_file(path)}: the layers")
    call = f"python tutorials/use_exported.py {shlex.quote(str(path))} IMAGES.npy"
    print(f"classes by NumPy alone, in a clone of nsnn: {call}")
    return 0
