"""Official archives: unpacked whole or not at all, and nothing outside their folder."""

import contextlib
import gzip
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nsnn.data.download import RemoteSource
from nsnn.errors import RunError

# RuntimeError: a damaged flag of a .zip says "encrypted", or (NotImplementedError) another method.
_DAMAGE = (
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    tarfile.TarError,
    zipfile.BadZipFile,
    RuntimeError,
)


@dataclass(frozen=True, kw_only=True)
class ArchiveSource(RemoteSource):
    """A data set in one .tar.gz or .zip archive, the only one of `files`.

    The archive is kept beside the folder that it is unpacked to: from it that folder is made
    whole again when something in it is missing or damaged.
    """

    def fill(self, folder: Path) -> Path:
        super().fill(folder)
        unpack(folder / self.files[0].name, folder / self.folder)
        return folder

    def verify(self, paths: list[Path]) -> list[str]:
        """Compare the folder with the archive that it comes from, where that lies beside it."""
        folder, file = paths[0].parent, self.files[0]
        archive = folder.parent / file.name
        if not archive.is_file():
            known = f"only that of {file.name} is published, which is not beside it"
            return [f"{folder}  checksum unknown ({known})"]
        self.compare(archive, file.md5)
        different = first_difference(archive, self.folder, folder)
        if different is not None:
            raise self.damaged(different, f"missing, or not as in {file.name}")
        return [f"{folder}  equal to {file.name}, md5 {file.md5} as published"]


def unpack(archive: Path, folder: Path) -> None:
    """Make `folder` what the folder of its name in an archive holds, unless it is that already.

    Files go to `<folder>.part`, which gets its name when it is whole. Raises RunError if the
    archive is damaged, holds a link or a path that leads out of it, or no such folder.
    """
    if folder.is_dir() and first_difference(archive, folder.name, folder) is None:
        return
    part, old = (folder.with_name(folder.name + end) for end in (".part", ".old"))
    _remove(part)
    _remove(old)
    try:
        for path, content in _contents(archive, folder.name):
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            (part / path).write_bytes(content)
        if not part.exists():
            raise RunError(f"{archive}: holds no folder {folder.name}: not unpacked")
        if folder.is_dir():
            os.replace(folder, old)
        os.replace(part, folder)
        _remove(old)
    finally:
        _remove(part)


def first_difference(archive: Path, top: str, folder: Path) -> Path | None:
    """The first file below `top` in an archive that `folder` lacks, or has with other content."""
    for path, content in _contents(archive, top):
        found = None
        with contextlib.suppress(OSError):
            found = (folder / path).read_bytes()
        if found != content:
            return folder / path
    return None


def _contents(archive: Path, top: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Path in `top` and content of each file there, in the order of the archive.

    One way to read both kinds, to unpack and to compare. `extractall` of the standard library can
    only unpack; from a .zip it takes dangerous names under harmless ones, and from a .tar.gz
    Python before 3.11.4 takes everything.
    """
    from tqdm import tqdm

    is_zip = archive.suffix == ".zip"
    try:
        with zipfile.ZipFile(archive) if is_zip else tarfile.open(archive, "r:gz") as opened:
            infos = opened.infolist() if is_zip else opened
            for info in tqdm(infos, archive.name, unit=" files", disable=None, leave=False):
                path = _checked(archive, info)
                if path is not None and path.parts[:-1][:1] == (top,):
                    content = opened.read(info) if is_zip else opened.extractfile(info).read()
                    yield path.relative_to(top), content
    except _DAMAGE as error:
        raise RunError(f"{archive}: damaged ({error}); delete it and download it again") from None


def _checked(archive: Path, info: zipfile.ZipInfo | tarfile.TarInfo) -> PurePosixPath | None:
    """The path of a file in an archive, None for a folder.

    Raises RunError for what is neither (a link, a device), and for a path that leads elsewhere.
    """
    if isinstance(info, zipfile.ZipInfo):
        name, folder, link = info.filename, info.is_dir(), stat.S_ISLNK(info.external_attr >> 16)
    else:
        name, folder, link = info.name, info.isdir(), not (info.isdir() or info.isreg())
    path = PurePosixPath(name)
    # Backslash and colon: on Windows they lead elsewhere too, and no official name has them.
    if link or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise RunError(f"{archive}: holds {name!r}, which is no safe file name: not unpacked")
    return None if folder else path


def _remove(folder: Path) -> None:
    """Delete a folder if it is there."""
    if folder.exists():
        shutil.rmtree(folder)
