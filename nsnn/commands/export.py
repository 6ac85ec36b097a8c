"""Write the network of a run as plain arrays.

examples:
  nsnn export runs/ndsnn-glyphs-001         to ndsnn-glyphs-001.npz; prints how to load it
  nsnn export runs/ndsnn-glyphs-001 --dense --out dense.npz

Arrays of each weight, such as conv1.weight: .data .indices .indptr .shape as SciPy's csr_matrix
takes them, and .dims (out, in, kh, kw); rows are output channels, columns (channel, dy, dx). With
--dense the weight itself and its .mask. Then biases, norm parameters with running_mean and
running_variance (epsilon is 1e-5), input.mean and input.std, and config: config.toml as text.
"""

from nsnn.commands import add_plugin


def add_arguments(parser) -> None:
    """The options of `nsnn export`."""
    parser.add_argument("dir", metavar="DIR", help="run folder")
    parser.add_argument("--out", metavar="FILE.npz", help="default: the name of DIR, here")
    parser.add_argument(
        "--dense", action="store_true", help="full arrays and masks instead of compressed rows"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    add_plugin(parser)


def run(options) -> int:
    """Write the network of a run as plain arrays, and say how to load them."""
    import numpy as np

    from nsnn import export

    path = export.export(options.dir, options.out, options.dense, options.overwrite)
    with np.load(path, allow_pickle=False) as arrays:
        names = arrays.files
    kind = "dense arrays and masks" if options.dense else "compressed rows (CSR)"
    print(f"{path}: {len(names)} arrays, weights as {kind}, {path.stat().st_size:,} bytes\n")
    print("\n".join(_snippet(path, names, options.dense)))
    return 0


def _snippet(path, names, dense: bool) -> list[str]:
    """Python that loads the first weight."""
    load = f"arrays = numpy.load({str(path)!r})"
    suffix = ".mask" if dense else ".indptr"
    name = next(name for name in names if name.endswith(suffix)).removesuffix(suffix)
    if dense:
        return [load, f"W, mask = arrays[{name!r}], arrays[{name + suffix!r}]"]
    parts = [f"arrays[{name + part!r}]" for part in (".data", ".indices", ".indptr", ".shape")]
    return [load, f"W = scipy.sparse.csr_matrix(({', '.join(parts[:3])}), {parts[3]})"]
