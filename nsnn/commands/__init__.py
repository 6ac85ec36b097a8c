"""The commands of `nsnn`, one file each.

A command's file is light: NumPy, Numba and pyplot take a second, so what is heavy is imported in
`run`. The first line of its docstring is its help text, the rest is printed below its options.

`add_arguments(parser)` declares the options, `run(options)` carries the command out and returns
the exit code.
"""


def add_plugin(parser) -> None:
    """The option --plugin, of all commands that meet methods, models or data sets of the user."""
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="FILE.py",
        help="a file that registers methods, models or data sets; may be given several times",
    )
