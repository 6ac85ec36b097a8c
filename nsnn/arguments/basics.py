"""What the parsers of all commands share."""

import argparse

from nsnn.errors import UserError


class Parser(argparse.ArgumentParser):
    """Errors as one line, like all others (argparse prints the usage first); no abbreviations."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options, allow_abbrev=False)

    def error(self, message):
        raise UserError(f"{message} (see {self.prog} --help)")


def add_command(
    commands, name: str, summary: str, run: str, examples: str | None = None
) -> argparse.ArgumentParser:
    """Add a command.

    Parameters
    ----------
    commands : argparse subparsers
    name, summary : str
    run : str
        The function that carries it out, as "module:function" in `nsnn.commands`.
    examples : str, optional
        Printed after the options.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=f"nsnn.commands.{run}")
    return parser


def add_plugin(parser) -> None:
    """The option --plugin."""
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="FILE.py",
        help="a file that registers methods, models or data sets; may be given several times",
    )
