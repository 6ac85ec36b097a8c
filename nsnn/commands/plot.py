"""Draw a run, or compare runs.

examples:
  nsnn plot runs/ndsnn-glyphs-001           draw its pictures anew, into its plots folder
  nsnn plot runs/a runs/b --out ab.png      lay the curves of two runs over each other
"""

from pathlib import Path

from nsnn.commands import PLUGIN, new_file
from nsnn.errors import UserError

ARGUMENTS = {
    "dirs": {"metavar": "DIR", "nargs": "+", "help": "run folders"},
    "--out": {"type": new_file, "metavar": "FILE",
              "help": "picture of several runs; default: comparison.png here"},
    "--plugin": PLUGIN,
}  # fmt: skip


def run(options) -> int:
    """Draw the pictures of one run, or lay several over each other."""
    from nsnn.plot import plot_comparison, plot_run

    for each in options.dirs:
        if not (Path(each) / "metrics.jsonl").is_file():
            raise UserError(f"{each} holds no run with a finished epoch: nothing to plot")
    if len(options.dirs) == 1:
        if options.out:
            place = f"the pictures of one run go to {options.dirs[0]}/plots"
            raise UserError(f"--out names the comparison of several runs; {place}")
        paths = plot_run(options.dirs[0])
    else:
        paths = [plot_comparison(options.dirs, options.out or "comparison.png")]
    print("\n".join(str(path) for path in paths))
    return 0
