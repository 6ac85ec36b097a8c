"""Options and help of every command; what a command does is in `nsnn.commands`.

Nothing heavy is imported here: NumPy, Numba and pyplot take a second.
"""

import argparse

from nsnn import __version__
from nsnn.arguments.basics import Parser, add_command
from nsnn.arguments.bench import add_bench
from nsnn.arguments.data import add_data
from nsnn.arguments.experiments import add_reproduce, add_table
from nsnn.arguments.runs import add_eval, add_export, add_plot, add_train

_EXAMPLES = """\
examples:
  nsnn train                                train a sparse network on the built-in glyph digits
  nsnn train --set data.name=mnist          the same on MNIST (first: nsnn data get mnist)
  nsnn eval runs/ndsnn-glyphs-001           its accuracy on the test split
  nsnn COMMAND --help                       the options of a command"""


def parser() -> argparse.ArgumentParser:
    """The parser of `nsnn`; what it returns has `run`, "module:function" of the command."""
    whole = Parser(
        prog="nsnn",
        description="Sparse training of spiking neural networks.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"nsnn {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    add_train(commands)
    add_eval(commands)
    add_plot(commands)
    add_export(commands)
    summary = "compare every gradient with finite differences"
    add_command(commands, "gradcheck", summary, "gradcheck:gradcheck")
    add_bench(commands)
    add_reproduce(commands)
    add_table(commands)
    add_data(commands)
    summary = "show versions, processor, threads, caches, data sets"
    add_command(commands, "info", summary, "info:info")
    return whole
