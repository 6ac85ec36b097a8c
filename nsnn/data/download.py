"""Official files: downloaded with their checksums, archives unpacked; whole under their names."""

import hashlib
import http.client
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tqdm import tqdm

from nsnn.data.source import DataSource
from nsnn.errors import RunError

_PIECE = 1 << 16  # bytes read at once


class _MirrorError(Exception):
    """A mirror that did not give the file; the message says why."""


class RemoteFile(NamedTuple):
    """One file to download."""

    name: str  # as on the mirrors
    md5: str  # of the file as it is downloaded
    content_md5: str | None = None  # of what a .gz holds, where it is published


@dataclass(frozen=True, kw_only=True)
class RemoteSource(DataSource):
    """A data set whose official files lie on mirrors and are read as they are."""

    files: tuple[RemoteFile, ...]
    mirrors: tuple[str, ...]  # addresses that a file's name completes, tried in turn
    timeout: float = 30.0  # seconds without a byte after which the next mirror is tried

    @property
    def how(self) -> str:
        return f"run `nsnn data get {self.name}`"

    @property
    def wanted(self) -> list[tuple[str, ...]]:
        return [(file.name, file.name.removesuffix(".gz")) for file in self.files]

    def fill(self, folder: Path) -> Path:
        """Download what is not there yet.

        What was received before an interruption stays in `<file>.part` and is continued. A file
        that has its name has its checksum.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for file in self.files:
            self._fetch(file, folder)
        return folder

    def verify(self, paths: list[Path]) -> list[str]:
        lines = []
        for file, path in zip(self.files, paths, strict=True):
            expected = file.md5 if path.name == file.name else file.content_md5
            if expected is None:
                lines.append(f"{path}  checksum unknown (only that of the .gz is published)")
            else:
                self.compare(path, expected)
                lines.append(f"{path}  md5 {expected} as published")
        return lines

    def compare(self, path: Path, expected: str) -> None:
        """Raise UserError when a file has another checksum."""
        with self.readable(path):
            found = md5(path)
        if found != expected:
            raise self.damaged(path, f"expected md5 {expected}, found {found}")

    def _fetch(self, file: RemoteFile, folder: Path) -> None:
        """Bring one file into `folder`, unless it is there with the right checksum."""
        target, part = folder / file.name, folder / f"{file.name}.part"
        if target.exists() and md5(target) == file.md5:
            return
        reasons = []
        for mirror in self.mirrors:
            try:
                # An interrupted run may have received all of it.
                if not (part.exists() and md5(part) == file.md5):
                    _transfer(mirror + file.name, part, self.timeout)
                if (found := md5(part)) != file.md5:
                    part.unlink()
                    raise _MirrorError(f"md5 {found} instead of {file.md5}")
                os.replace(part, target)
                return
            except _MirrorError as error:
                reasons.append(f"{mirror}: {error}")
        wanted = ", ".join(f"{each.name} (md5 {each.md5})" for each in self.files)
        raise RunError(
            f"cannot download {file.name} ({'; '.join(reasons)}). By hand: put {wanted} into "
            f"{folder}, then run `nsnn data get {self.name} --dir {folder}`"
        )


@dataclass(frozen=True, kw_only=True)
class ArchiveSource(RemoteSource):
    """A data set in one .tar.gz or .zip archive, the only one of `files`.

    The archive is kept beside the folder that it is unpacked to: from it that folder is made
    whole again when something in it is missing or damaged.
    """

    def fill(self, folder: Path) -> Path:
        super().fill(folder)
        archive, unpacked = folder / self.files[0].name, folder / self.folder
        if first_difference(archive, unpacked) is not None:
            unpack(archive, unpacked)
        return folder

    def verify(self, paths: list[Path]) -> list[str]:
        """Compare the folder with the archive that it comes from, where that lies beside it."""
        folder, file = paths[0].parent, self.files[0]
        archive = folder.parent / file.name
        if not archive.is_file():
            known = f"only that of {file.name} is published, which is not beside it"
            return [f"{folder}  checksum unknown ({known})"]
        self.compare(archive, file.md5)
        different = first_difference(archive, folder)
        if different is not None:
            raise self.damaged(different, f"missing, or not as in {file.name}")
        return [f"{folder}  equal to {file.name}, md5 {file.md5} as published"]


def md5(path: Path) -> str:
    """MD5 of a file's bytes, in hexadecimal (a check against damage, not against forgery)."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _transfer(url: str, part: Path, timeout: float) -> None:
    """Append to `part` what it lacks of `url`; what has been received stays on failure."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "nsnn", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if have and error.code == 416:  # no bytes from there on: the part is longer than the file
            part.unlink()
            return _transfer(url, part, timeout)
        raise _MirrorError(str(error)) from None
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(str(error) or type(error).__name__) from None
    with response:
        if response.status != 206:  # the server ignores Range and sends the file from its start
            have = 0
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdigit() else None
        bar = {"desc": part.stem, "initial": have, "total": total, "disable": None, "leave": False}
        with (
            open(part, "ab" if have else "wb") as raw,
            tqdm.wrapattr(raw, "write", **bar) as file,  # it shows itself only on a terminal
        ):
            while piece := _read(response):
                have += file.write(piece)
    if total is not None and have < total:
        raise _MirrorError(f"connection lost after {have} of {total} bytes")


def _read(response) -> bytes:
    """The next bytes of a response; network errors become `_MirrorError`, disk errors do not."""
    try:
        return response.read(_PIECE)
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(f"connection lost: {error}") from None


def unpack(archive: Path, folder: Path) -> None:
    """Make `folder` what the folder of its name in an archive holds.

    Files go to `<folder>.part`, which gets its name when it is whole.
    """
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for path, content in _contents(archive, folder.name):
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            (part / path).write_bytes(content)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def first_difference(archive: Path, folder: Path) -> Path | None:
    """The first file of an archive that the folder of its name lacks, or has otherwise."""
    for path, content in _contents(archive, folder.name):
        file = folder / path
        if not file.is_file() or file.read_bytes() != content:
            return file
    return None


def _contents(archive: Path, top: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Path in the folder `top` and content of each file there, in the order of the archive.

    One way to read both kinds, to unpack and to compare.
    """
    is_zip = archive.suffix == ".zip"
    with zipfile.ZipFile(archive) if is_zip else tarfile.open(archive) as opened:
        infos = opened.infolist() if is_zip else opened
        for info in tqdm(infos, archive.name, unit=" files", disable=None, leave=False):
            path = PurePosixPath(info.filename if is_zip else info.name)
            inside = PurePosixPath(top) in path.parents and ".." not in path.parts
            if inside and not (info.is_dir() if is_zip else info.isdir()):
                content = opened.read(info) if is_zip else opened.extractfile(info).read()
                yield path.relative_to(top), content
