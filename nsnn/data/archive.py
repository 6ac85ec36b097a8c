"""Unpacking an official archive: whole or not at all, and nothing outside its folder."""

import gzip
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from nsnn.errors import RunError

_PIECE = 1 << 20  # bytes compared at once
# RuntimeError: a damaged flag of a .zip says "encrypted", or (NotImplementedError) another method.
_DAMAGE = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    tarfile.TarError,
    zipfile.BadZipFile,
    RuntimeError,
)


def unpack(archive: Path, top: str, folder: Path) -> None:
    """Make `folder` what the folder `top` of an archive holds, unless it is that already.

    Parameters
    ----------
    archive : Path
        A .zip or .tar.gz file.
    top : str
        The folder in which all of its files lie.
    folder : Path
        One that exists is replaced.

    Raises
    ------
    RunError
        If the archive is damaged, holds a link or a path that leads out of it, or has no `top`.
    OSError
        If the folder cannot be written.

    Notes
    -----
    Files are written to `<folder>.part`, which gets its name when all are there: what has its name
    is whole. Only plain files are taken (`tarfile`'s own filter, which refuses the same, is missing
    in Python before 3.11.4), and of those only what lies in `top`.
    """
    if folder.is_dir() and first_difference(archive, top, folder) is None:
        return
    part = folder.with_name(f"{folder.name}.part")
    _remove(part)
    try:
        with _open(archive) as opened:
            for name, stream in _progress(archive, _members(archive, opened, top)):
                target = part / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with stream, open(target, "wb") as file:
                    shutil.copyfileobj(stream, file, _PIECE)
        if not part.exists():
            raise RunError(f"{archive}: holds no folder {top}: not unpacked")
        _put(part, folder)
    except _DAMAGE as error:
        raise _damaged(archive, error) from None
    finally:
        _remove(part)


def first_difference(archive: Path, top: str, folder: Path) -> Path | None:
    """The first file of an archive that `folder` lacks or holds with another content.

    Parameters, Raises
    ------------------
    See `unpack`.

    Returns
    -------
    Path or None
        In `folder`; None when it holds all of them as they are.
    """
    try:
        with _open(archive) as opened:
            for name, stream in _progress(archive, _members(archive, opened, top)):
                with stream:
                    if not _equal(stream, folder / name):
                        return folder / name
    except _DAMAGE as error:
        raise _damaged(archive, error) from None
    return None


def _open(archive: Path) -> zipfile.ZipFile | tarfile.TarFile:
    """The archive, opened by the kind that its name says."""
    return zipfile.ZipFile(archive) if archive.suffix == ".zip" else tarfile.open(archive, "r:gz")


def _members(archive: Path, opened, top: str) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    """Path in `top` and content of each file there, in the order of the archive."""
    if isinstance(opened, zipfile.ZipFile):
        for info in opened.infolist():
            plain = not stat.S_ISLNK(info.external_attr >> 16)
            path = _checked(archive, info.filename, plain)
            if path.parts[:1] == (top,) and not info.is_dir():
                yield path.relative_to(top), opened.open(info)
    else:
        for member in opened:
            path = _checked(archive, member.name, member.isreg() or member.isdir())
            if path.parts[:1] == (top,) and not member.isdir():
                yield path.relative_to(top), opened.extractfile(member)


def _checked(archive: Path, name: str, plain: bool) -> PurePosixPath:
    """The path of a file or folder in an archive.

    Raises
    ------
    RunError
        For what is neither (a link, a device), and for a path that leads elsewhere.
    """
    path = PurePosixPath(name)
    # Backslash and colon: on Windows they lead elsewhere too, and no official name has them.
    elsewhere = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name
    if elsewhere or not plain:
        raise RunError(f"{archive}: holds {name!r}, which is no safe file name: not unpacked")
    return path


def _equal(stream: IO[bytes], path: Path) -> bool:
    """True if a file has exactly the content of `stream`."""
    try:
        with open(path, "rb") as file:
            while piece := stream.read(_PIECE):
                if file.read(len(piece)) != piece:
                    return False
            return not file.read(1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        return False


def _put(part: Path, folder: Path) -> None:
    """Give `part` its name; what has that name now is removed."""
    if folder.is_dir():
        old = folder.with_name(f"{folder.name}.old")
        _remove(old)
        os.replace(folder, old)
        os.replace(part, folder)
        _remove(old)
    else:
        os.replace(part, folder)


def _remove(folder: Path) -> None:
    """Delete a folder if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


def _damaged(archive: Path, error: Exception) -> RunError:
    """The error for an archive that cannot be read to its end."""
    return RunError(f"{archive}: damaged ({error}); delete it and download it again")


def _progress(archive: Path, members):
    """A progress bar in files; it shows itself only on a terminal."""
    from tqdm import tqdm

    return tqdm(members, desc=archive.name, unit=" files", disable=None, leave=False)
