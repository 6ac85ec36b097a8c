"""The command line: exit codes and one-line errors.

Options and help are in `nsnn.arguments`, what a command does in `nsnn.commands`. Nothing heavy is
imported before the command is known: NumPy, Numba and pyplot take a second.
"""

import importlib
import os
import sys

from nsnn.arguments import parser
from nsnn.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_USER, RunError, UserError


def main(arguments=None) -> int:
    """Run one command.

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
        options = parser().parse_args(arguments)
        if getattr(options, "plugin", None):
            importlib.import_module("nsnn.plugins").load_files(options.plugin)
        module, function = options.run.split(":")
        code = getattr(importlib.import_module(module), function)(options)
        sys.stdout.flush()
        return code
    except BaseException as error:
        if "nsnn.plugins" in sys.modules:  # else there is none, and no NumPy is needed
            sys.modules["nsnn.plugins"].blame(error)
        raise


def _complain(message, code: int) -> int:
    """One line on standard error."""
    line = " ".join(str(message).split())
    print(f"nsnn: error: {line}", file=sys.stderr)
    return code
