"""The two kinds of failure that nsnn reports as one line, and the exit codes of its commands."""

EXIT_FAILURE, EXIT_USER, EXIT_INTERRUPTED = 1, 2, 130


class UserError(Exception):
    """A mistake of the caller: a wrong option, a missing file, an impossible request.

    The message is one line that says what is wrong, where, and what to do.
    """

    exit_code = EXIT_USER


class UnknownNameError(UserError):
    """A method, model or data set that no registry has; a plug-in may have it."""


class RunError(Exception):
    """A failure that the caller did not cause: a full disk, a loss that is not a number."""

    exit_code = EXIT_FAILURE
