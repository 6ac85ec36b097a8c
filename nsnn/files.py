"""Writing files so that a kill at any instant leaves the old file or the new one, whole."""

import contextlib
import fcntl
import json
import os
import zlib
from pathlib import Path

import numpy as np

from nsnn.errors import RunError, UserError


def write_atomic(path, write) -> None:
    """Write a file under a temporary name beside it, then rename it into place.

    `write` is called with the open binary file. Raises RunError when the disk is full or refuses
    (the temporary file is gone, the old file as it was), UserError as `refuse_special`.
    """
    refuse_special(path)
    target = Path(os.path.realpath(path))  # a link stays a link
    temporary = target.with_name(f"{target.name}.{os.urandom(4).hex()}.tmp")
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the rename itself
        finally:
            os.close(folder)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        # Nothing to remove after a success; after an error the space is needed.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def make_folder(path) -> Path:
    """Make a folder, with its parents, unless it is there; RunError where it cannot be made."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {path}: {error.strerror}") from error
    return path


def refuse_special(path) -> None:
    """Raise UserError where a path is no file to replace: without /dev/null others would fail."""
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file")
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is a device or a pipe: name a file")


def write_text(path, text: str) -> None:
    """Write a text file in one piece (`write_atomic`)."""
    write_atomic(path, lambda file: file.write(text.encode()))


def write_json(path, value) -> None:
    """Write a JSON file in one piece (`write_atomic`)."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def append_line(path, record: dict) -> None:
    """Append one JSON line, on the disk when this returns; RunError where the disk refuses.

    Floats are written by `repr`, so that equal runs give equal bytes.
    """
    line = json.dumps(record, allow_nan=False)
    # Written whole: what a kill left of a last line would spoil this one.
    content = b"".join(each + b"\n" for each in (*lines_in(path), line.encode()))
    write_atomic(path, lambda file: file.write(content))


def read_lines(path) -> list[dict]:
    """The records of a JSON-lines file; a last line that a kill cut short is left out.

    Raises RunError that names the first line which is no record.
    """
    return [_parse(line, f"line {i} of {path}") for i, line in enumerate(lines_in(path), 1)]


def lines_in(path) -> list[bytes]:
    """The lines of a JSON-lines file, none where it does not exist.

    A last one that a kill cut short is left out. One that lacks only its end, as an editor may
    leave it, is whole if it is an object.
    """
    path = Path(path)
    *lines, last = path.read_bytes().split(b"\n") if path.exists() else [b""]
    return [*lines, last] if _json_object(last) is not None else lines


def read_json(path) -> dict:
    """The content of a JSON file; RunError where it is damaged."""
    return _parse(Path(path).read_bytes(), str(path))


def _parse(text: bytes, where: str) -> dict:
    if (record := _json_object(text)) is None:
        raise damaged(where)
    return record


def damaged(where) -> RunError:
    """The error of a file, or a line of one, that is not as it was written."""
    return RunError(f"{where} is damaged: mend it by hand, or train anew with --overwrite")


def _json_object(text: bytes) -> dict | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def read_arrays(path) -> dict[str, np.ndarray]:
    """All arrays of an .npz file by name, or the array of an .npy file as ""; none is unpickled.

    Raises ValueError for any other content, OSError where the file cannot be opened.
    """
    with open(path, "rb") as file:
        try:
            found = np.load(file, allow_pickle=False)
            arrays = {"": found} if isinstance(found, np.ndarray) else dict(found)
        except MemoryError:
            raise
        except Exception as error:  # a damaged file can make NumPy and zipfile raise anything
            raise ValueError(str(error) or type(error).__name__) from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # NumPy gives other members of the .zip as bytes
            raise ValueError(f"{name} is no array")
    return arrays


def keep_lines(path, count: int, known: int | None = None) -> None:
    """Forget all but the first `count` lines of a JSON-lines file.

    Raises RunError where it has fewer, or their `checksum` is not the `known` one.
    """
    lines = lines_in(path)
    if len(lines) < count:
        raise RunError(f"{path} has {len(lines)} lines, the checkpoint was made after {count}")
    content = b"".join(line + b"\n" for line in lines[:count])
    if known not in (None, zlib.crc32(content)):
        what = f"its first {count} lines are not what the checkpoint was made after"
        mend = "put them back, or train anew with --overwrite"
        raise RunError(f"{path} is damaged, or of another run: {what}; {mend}")
    write_atomic(path, lambda file: file.write(content))


def checksum(path) -> int:
    """CRC-32 of a file's content, 0 of none."""
    path = Path(path)
    return zlib.crc32(path.read_bytes()) if path.exists() else 0


@contextlib.contextmanager
def locked(folder):
    """Hold a run's folder for this process; the system lets go when the process dies.

    What a kill left unfinished in it is removed. Raises UserError where another process trains
    there, RunError where it cannot be written.
    """
    folder = Path(folder)
    try:
        file = open(folder / ".lock", "ab")  # noqa: SIM115 (closed below, after the body)
    except OSError as error:
        raise RunError(f"cannot write in {folder}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process is training in {folder}") from None
        for path in folder.glob("*.????????.tmp"):  # the temporary names of `write_atomic`
            path.unlink()
        yield folder
