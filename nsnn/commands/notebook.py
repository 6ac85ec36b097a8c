"""Write a tutorial as a Jupyter notebook.

examples:
  nsnn notebook tutorials/01_lif_neuron.py      to tutorials/01_lif_neuron.ipynb

A notebook stands beside its tutorial: so its links and the files that it reads are found.
"""

from pathlib import Path

from nsnn.errors import UserError

ARGUMENTS = {
    "file": {"metavar": "FILE.py", "help": "a tutorial in percent format"},
    "--overwrite": {"action": "store_true", "help": "replace the notebook if it exists"},
}


def run(options) -> int:
    """Write the cells of a percent file as a notebook (nbformat 4), without outputs."""
    from nsnn.docs import pages
    from nsnn.files import write_json

    path, cells = Path(options.file).with_suffix(".ipynb"), []
    # With the first line figures that are not pyplot's are drawn, too.
    for is_text, _, source in [(False, 0, "%matplotlib inline"), *pages.cells(options.file)]:
        more = {} if is_text else {"execution_count": None, "outputs": []}
        kind = "markdown" if is_text else "code"
        cells.append({"cell_type": kind, "metadata": {}, "source": source} | more)
    if path.exists() and not options.overwrite:
        raise UserError(f"{path} exists: remove it, or say --overwrite")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4}
    write_json(path, notebook | {"nbformat_minor": 4})
    print(f"{path}: {len(cells)} cells")
    return 0
