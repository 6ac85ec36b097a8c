"""`nsnn export`."""

import numpy as np


def export(options) -> int:
    """Write the network of a run as plain arrays, and say how to load them."""
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
