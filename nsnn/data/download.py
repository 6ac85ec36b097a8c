"""Downloads that resume, check their checksum and appear under their name only when whole."""

import argparse
import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from nsnn.data.archive import unpack
from nsnn.data.locate import given_folder, user_cache
from nsnn.data.sources import ARCHIVES, SOURCES, RemoteArchive, RemoteFile, RemoteSet
from nsnn.errors import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_USER, RunError, UserError

TIMEOUT = 30.0
"""Seconds without an answer or a byte after which the next mirror is tried."""

_PIECE = 1 << 16  # bytes read at once


class _MirrorError(Exception):
    """A mirror that did not give the file; the message says why."""


def target_folder(name: str, directory: str | os.PathLike | None = None) -> Path:
    """The folder that `get` writes data set `name` to.

    A folder that is given gets a sub-folder of the set's name, unless that is its name already:
    MNIST and Fashion-MNIST have equal file names.

    Raises
    ------
    UserError
        If none is given and there is no user cache.
    """
    if directory:
        folder = given_folder(directory)
        return folder if folder.name == name else folder / name
    folder = user_cache(name)
    if folder is None:
        raise UserError(f"{name}: no home directory to keep data in: give a folder with --dir")
    return folder


def fetch(name: str, directory: str | os.PathLike | None = None, timeout: float = TIMEOUT) -> Path:
    """Download the files of a data set that are not there yet, and unpack an archive.

    Parameters
    ----------
    name : str
        A key of `sources.SOURCES` or `sources.ARCHIVES`.
    directory : path-like, optional
        See `target_folder`; without it the user cache.
    timeout : float
        Seconds without an answer or a byte.

    Returns
    -------
    Path
        The folder that now holds all files.

    Raises
    ------
    RunError
        If no mirror gives a file with the right checksum, or the folder cannot be written.

    Notes
    -----
    What was received before an interruption stays in `<file>.part` and is continued. A file
    that has its name has its checksum. An archive is kept beside the folder that it is unpacked
    to: from it that folder is made whole again when something in it is missing or damaged.
    """
    source = SOURCES[name] if name in SOURCES else ARCHIVES[name]
    folder = target_folder(name, directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in source.files:
            _fetch_file(source, file, folder, timeout)
        if name in ARCHIVES:
            unpack(folder / source.archive, source.folder, folder / source.folder)
    except OSError as error:
        raise RunError(
            f"{name}: cannot write to {folder} ({error.strerror or error}): "
            "make room, or give another folder with --dir"
        ) from None
    return folder


def _fetch_file(
    source: RemoteSet | RemoteArchive, file: RemoteFile, folder: Path, timeout: float
) -> None:
    """One file, from the first mirror that gives it."""
    target, part = folder / file.name, folder / f"{file.name}.part"
    if target.exists() and md5(target) == file.md5:
        return
    reasons = []
    for mirror in source.mirrors:
        try:
            # An interrupted run may have received all of it.
            if not (part.exists() and md5(part) == file.md5):
                _transfer(mirror + file.name, part, timeout)
                _verify(part, file.md5)
        except _MirrorError as error:
            reasons.append(f"{mirror}: {error}")
        else:
            os.replace(part, target)
            return
    raise RunError(
        f"cannot download {file.name} ({'; '.join(reasons)}). {_by_hand(source, folder)}"
    )


def md5(path: Path) -> str:
    """MD5 of a file's bytes, in hexadecimal (a check against damage, not against forgery)."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _verify(part: Path, expected: str) -> None:
    """Delete `part` and fail unless it has the checksum."""
    found = md5(part)
    if found != expected:
        part.unlink()
        raise _MirrorError(f"md5 {found} instead of {expected}")


def _by_hand(source: RemoteSet | RemoteArchive, folder: Path) -> str:
    """What to do where there is no network."""
    files = ", ".join(f"{file.name} (md5 {file.md5})" for file in source.files)
    return f"By hand: put {files} into {folder}, then run `{source.last_step} --dir {folder}`"


def _transfer(url: str, part: Path, timeout: float) -> None:
    """Append to `part` what it lacks of `url`; what has been received stays on failure."""
    have = part.stat().st_size if part.exists() else 0
    response = _open(url, have, timeout)
    if response is None:  # nothing from there on: the part is longer than the file
        part.unlink()
        have, response = 0, _open(url, 0, timeout)
    with response:
        if response.status != 206:  # the server ignores Range and sends the file from its start
            have = 0
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdigit() else None
        with open(part, "ab" if have else "wb") as file, _progress(part, have, total) as bar:
            while piece := _read(response):
                file.write(piece)
                have += len(piece)
                bar.update(len(piece))
    if total is not None and have < total:
        raise _MirrorError(f"connection lost after {have} of {total} bytes")


def _open(url: str, start: int, timeout: float):
    """The response to a request for `url` from byte `start` on; None if there is no such byte."""
    headers = {"User-Agent": "nsnn", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if start and error.code == 416:
            return None
        raise _MirrorError(f"HTTP status {error.code}") from None
    except urllib.error.URLError as error:
        raise _MirrorError(str(error.reason)) from None
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(str(error) or type(error).__name__) from None
    if response.status == 206 and not _begins_at(response, start):
        response.close()
        raise _MirrorError("sent another part of the file than was asked for")
    return response


def _begins_at(response, start: int) -> bool:
    """True if a partial response begins at byte `start`."""
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _read(response) -> bytes:
    """The next bytes of a response; network errors become `_MirrorError`, disk errors do not."""
    try:
        return response.read(_PIECE)
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(f"connection lost: {error}") from None


def _progress(part: Path, have: int, total: int | None):
    """A progress bar in bytes; it shows itself only on a terminal."""
    from tqdm import tqdm

    return tqdm(
        desc=part.name.removesuffix(".part"),
        initial=have,
        total=total,
        unit="B",
        unit_scale=True,
        disable=None,
        leave=False,
    )


def script(name: str, description: str, arguments: list[str] | None = None) -> int:
    """The command line of `data_scripts/get_*.py`.

    Parameters
    ----------
    name : str
        The data set.
    description : str
        The script's own text, for its help.
    arguments : list of str, optional
        Instead of the process's.

    Returns
    -------
    int
        Exit code: 0, 1 when the download failed, 2 for a mistake of the caller, 130 for Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dir", help="folder to hold the files (default: the user's cache)")
    directory = parser.parse_args(arguments).dir
    try:
        print(fetch(name, directory))
    except (RunError, UserError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER if isinstance(error, UserError) else EXIT_FAILURE
    except KeyboardInterrupt:
        print("interrupted: run it again to continue", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0
