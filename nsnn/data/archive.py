"""Official archives: each has its published checksum before it is opened, and is unpacked whole."""

import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from nsnn.data.download import RemoteSource


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
