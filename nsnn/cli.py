"""Sparse training of spiking neural networks.

examples:
  nsnn train                                train a sparse network on the built-in glyph digits
  nsnn train --set data.name=mnist          the same on MNIST (first: nsnn data get mnist)
  nsnn eval runs/ndsnn-glyphs-001           its accuracy on the test split
  nsnn COMMAND --help                       the options of a command
"""

# The command line: its commands, exit codes and one-line errors. The text above is its help.

import argparse
import importlib
import os
import sys

from nsnn import __version__
from nsnn.errors import EXIT_FAILURE, EXIT_INTERRUPTED, RunError, UnknownNameError, UserError

# The files of nsnn/commands, in the order of the help.
COMMANDS = (
    "train", "eval", "predict", "plot", "export", "gradcheck", "bench", "reproduce", "table",
    "data", "docs", "notebook", "info",
)  # fmt: skip


class Parser(argparse.ArgumentParser):
    """Errors as one line, like all others (argparse prints the usage first); no abbreviations.

    Of a description the first line stands above the options, the rest below.
    """

    def __init__(self, *arguments, description, **options):
        description, _, below = description.partition("\n")
        options |= {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
        super().__init__(*arguments, description=description, epilog=below.strip(), **options)

    def error(self, message):
        raise UserError(f"{message} (see {self.prog} --help)")


def parser() -> Parser:
    """The parser of `nsnn`; what it returns has `run`, the function of the command."""
    whole = Parser(prog="nsnn", description=__doc__)
    whole.add_argument("--version", action="version", version=f"nsnn {__version__}")
    whole.set_defaults(run=None)
    commands = whole.add_subparsers(metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"nsnn.commands.{name}")
        summary = module.__doc__.partition("\n")[0]
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        command.set_defaults(run=module.run)
        _add(command, getattr(module, "ARGUMENTS", {}))
        if hasattr(module, "ACTIONS"):
            actions = command.add_subparsers(metavar="ACTION", dest="action", required=True)
            for action, (summary, arguments) in module.ACTIONS.items():
                _add(actions.add_parser(action, help=summary, description=summary), arguments)
    return whole


def _add(command: Parser, arguments: dict) -> None:
    for flag, details in arguments.items():
        command.add_argument(flag, **details)


def main(arguments=None) -> int:
    """Run one command; without one, print the help.

    Returns 0 done, 1 failed, 2 a mistake of the user, 130 interrupted, 141 nobody reads any more.
    """
    try:
        return _run(arguments)
    except (UserError, RunError) as error:
        return _complain(error, error.exit_code)
    except KeyboardInterrupt:
        return _complain("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader, such as `head`, has gone. Python flushes standard output once more at exit:
        # let that go nowhere. The code is that of a program which SIGPIPE has ended.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except MemoryError as error:
        return _complain(f"not enough memory: {error} (try a smaller batch)")
    except OSError as error:
        # Files that nsnn opens are named in the error; what is left are these two.
        where = "" if error.filename else " (standard output, or the kernel cache: see nsnn info)"
        return _complain(f"{error}{where}")
    except Exception as error:
        # Numba unpickles what it has compiled: of a damaged file that raises anything.
        frames = importlib.import_module("traceback").extract_tb(error.__traceback__)
        if not any(frame.filename.endswith("numba/core/caching.py") for frame in frames):
            raise
        what = "a compiled kernel is damaged: empty the kernel cache, see nsnn info"
        return _complain(f"{what} ({error})")


def _run(arguments) -> int:
    """Run one command; what fails in a plug-in is a mistake of the user."""
    try:
        whole = parser()
        options = whole.parse_args(arguments)
        if options.run is None:
            whole.print_help()
            return 0
        if getattr(options, "plugin", None):
            importlib.import_module("nsnn.plugins").load_files(options.plugin)
        code = options.run(options)
        sys.stdout.flush()
        return code
    except BaseException as error:
        if "nsnn.plugins" in sys.modules:  # else there is none, and no NumPy is needed
            sys.modules["nsnn.plugins"].explain(error)
        if isinstance(error, UnknownNameError) and hasattr(options, "plugin"):
            raise UserError(f"{error}; or is it in a file of yours? --plugin FILE.py") from None
        raise


def _complain(message, code: int = EXIT_FAILURE) -> int:
    """One line on standard error; returns the code."""
    print(f"nsnn: error: {' '.join(str(message).split())}", file=sys.stderr)
    return code
