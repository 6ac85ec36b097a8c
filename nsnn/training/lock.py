"""One process at a time trains in a folder."""

import contextlib
import fcntl
from pathlib import Path

from nsnn.errors import RunError, UserError

LOCK = ".lock"


@contextlib.contextmanager
def locked(folder):
    """Hold the folder for this process; the system lets go when the process dies.

    Raises
    ------
    UserError
        When another process trains in the folder.
    RunError
        When the folder cannot be written.
    """
    path = Path(folder) / LOCK
    try:
        file = open(path, "ab")  # noqa: SIM115 (closed below, after the body)
    except OSError as error:
        raise RunError(f"cannot write in {folder}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process is training in {folder}") from None
        yield Path(folder)
