"""The command line: its commands, exit codes and one-line errors."""

import argparse
import importlib
import os
import sys

from nsnn import __version__
from nsnn.commands import bench, data, eval, export, gradcheck, info, plot, reproduce, table, train
from nsnn.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_USER, RunError, UserError

# In the order of the help.
COMMANDS = (train, eval, plot, export, gradcheck, bench, reproduce, table, data, info)

_EXAMPLES = """\
examples:
  nsnn train                                train a sparse network on the built-in glyph digits
  nsnn train --set data.name=mnist          the same on MNIST (first: nsnn data get mnist)
  nsnn eval runs/ndsnn-glyphs-001           its accuracy on the test split
  nsnn COMMAND --help                       the options of a command"""


class Parser(argparse.ArgumentParser):
    """Errors as one line, like all others (argparse prints the usage first); no abbreviations."""

    def __init__(self, *arguments, **options):
        options |= {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
        super().__init__(*arguments, **options)

    def error(self, message):
        raise UserError(f"{message} (see {self.prog} --help)")


def parser() -> Parser:
    """The parser of `nsnn`; what it returns has `run`, the function of the command."""
    description = "Sparse training of spiking neural networks."
    whole = Parser(prog="nsnn", description=description, epilog=_EXAMPLES)
    whole.add_argument("--version", action="version", version=f"nsnn {__version__}")
    whole.set_defaults(run=None)
    commands = whole.add_subparsers(metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        summary, _, more = (module.__doc__ or "").partition("\n")
        command = commands.add_parser(
            name, help=summary, description=summary, epilog=more.strip() or None
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return whole


def main(arguments=None) -> int:
    """Run one command; without one, print the help.

    Parameters
    ----------
    arguments : list of str, optional
        Default: those of the process.

    Returns
    -------
    int
        0 done, 1 failed, 2 a mistake of the user, 130 interrupted.
    """
    try:
        return _run(arguments)
    except UserError as error:
        return _complain(error, EXIT_USER)
    except RunError as error:
        return _complain(error, EXIT_FAILURE)
    except KeyboardInterrupt:
        return _complain("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader, such as `head`, has gone. Python flushes standard output once more at exit:
        # let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except MemoryError as error:
        return _complain(f"not enough memory: {error} (try a smaller data.batch)", EXIT_FAILURE)
    except EOFError as error:  # from the end of a file that was cut short
        message = "a compiled kernel is damaged: empty the kernel cache, see nsnn info"
        return _complain(f"{message} ({error})", EXIT_FAILURE)
    except OSError as error:
        # Files that nsnn opens are named in the error; what is left are these two.
        where = "" if error.filename else " (standard output, or the kernel cache: see nsnn info)"
        return _complain(f"{error}{where}", EXIT_FAILURE)


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
        raise


def _complain(message, code: int) -> int:
    """One line on standard error."""
    line = " ".join(str(message).split())
    print(f"nsnn: error: {line}", file=sys.stderr)
    return code
