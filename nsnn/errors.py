"""The two kinds of failure that nsnn reports as one line, and the exit codes of its commands."""

EXIT_FAILURE, EXIT_USER, EXIT_INTERRUPTED, EXIT_PIPE = 1, 2, 130, 141


class UserError(Exception):
    """A mistake of the caller: a wrong option, a missing file, an impossible request.

    The message is one line that says what is wrong, where, and what to do. The command line
    prints it on standard error and exits with code 2.
    """


class UnknownNameError(UserError):
    """A method, model or data set that no registry has; a plug-in may have it."""


class RunError(Exception):
    """A failure that the caller did not cause: a full disk, a loss that is not a number.

    The message is one line. The command line prints it on standard error and exits with code 1.
    """
