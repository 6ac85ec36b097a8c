"""What `nsnn data list | get | check` do."""

import os
from pathlib import Path

import numpy as np

from nsnn.data import arrays, cifar, download, glyph_cache, registry, tiny_imagenet
from nsnn.data.archive import first_difference
from nsnn.data.batches import Split
from nsnn.data.locate import find_files
from nsnn.data.sources import ARCHIVES, SOURCES, RemoteArchive
from nsnn.errors import RunError, UserError


def list_datasets() -> str:
    """A table of the data sets: what they are, and where they are or how to get them."""
    head = ("name", "what", "sample", "train + test", "where")
    rows = [
        (name, entry.description, *_measures(entry), _where(name, entry))
        for name, entry in ((name, registry.entry(name)) for name in registry.DATASETS)
    ]
    # The last column may be long: it is not padded.
    widths = [max(len(row[c]) for row in (head, *rows)) for c in range(len(head) - 1)]
    lines = [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]])
        for row in (head, *rows)
    ]
    return "\n".join(lines)


def _measures(entry: registry.Entry) -> tuple[str, str]:
    """Shape of a sample and numbers of samples, in words."""
    if entry.shape is None or entry.sizes is None:
        return "yours", "yours"
    return " × ".join(map(str, entry.shape)), " + ".join(f"{n:,}" for n in entry.sizes)


def _where(name: str, entry: registry.Entry) -> str:
    """Where the files of a data set are, or how to get them."""
    try:
        found = _paths(name, None)
    except UserError:
        found = []
    if not found:
        return f"not here: {entry.how}"
    return str(found[0] if len(found) == 1 else found[0].parent)


def _paths(name: str, directory) -> list[Path]:
    """The files of a data set; empty for glyphs that have not been drawn."""
    if name in SOURCES:
        source = SOURCES[name]
        wanted = [file.alternatives for file in source.files]
        return find_files(name, wanted, source.how, directory)
    if name in cifar.LAYOUTS:
        return cifar.find(name, directory)
    if name == tiny_imagenet.NAME:
        return tiny_imagenet.find(directory)
    if name == "glyphs":
        cached = glyph_cache.find(directory)
        return [] if cached is None else [cached]
    return [arrays.find_npz(directory)]


def get(name: str, dir: str | os.PathLike | None = None) -> Path:
    """Download and unpack a data set, or draw the glyphs, so that it is there for later.

    Parameters
    ----------
    name : str
    dir : path-like, optional
        The folder to hold it; a sub-folder of the set's name is made, unless that is its name.
        Without it the user cache.

    Returns
    -------
    Path
        The folder with the files; for glyphs the file.

    Raises
    ------
    UserError
        For an unknown name, or one that cannot be downloaded.
    RunError
        If the download or the writing failed.
    """
    entry = registry.entry(name)
    if name in SOURCES or name in ARCHIVES:
        return download.fetch(name, dir)
    if name != "glyphs":
        raise UserError(f"{name}: nothing to download; {entry.how}")
    folder = download.target_folder(name, dir)
    try:
        return glyph_cache.save(folder)
    except OSError as error:
        raise RunError(
            f"glyphs: cannot write to {folder} ({error.strerror or error}): "
            "make room, or give another folder with --dir"
        ) from None


def check(name: str, dir: str | os.PathLike | None = None) -> str:
    """Read all files of a data set and verify what can be verified.

    Parameters
    ----------
    name : str
    dir : path-like, optional
        As `data.dir`.

    Returns
    -------
    str
        A line for each file or archive and one for each split.

    Raises
    ------
    UserError
        At the first file that is missing, damaged, or has another checksum.
    """
    entry = registry.entry(name)
    paths = _paths(name, dir or None)
    if name in SOURCES:
        lines = [
            _verify(file, path, entry.how)
            for file, path in zip(SOURCES[name].files, paths, strict=True)
        ]
    elif name in ARCHIVES:
        lines = [_verify_unpacked(ARCHIVES[name], paths[0].parent)]
    elif name == "glyphs":
        lines = [_verify_glyphs(paths)]
    else:
        lines = [f"{paths[0]}  all arrays as they should be"]
    splits = entry.read(dir or None)
    return "\n".join([*lines, *map(_describe, ("train", "test", "validation"), splits)])


def _verify(file, path: Path, how: str) -> str:
    """Compare the checksum of one official file."""
    expected = file.md5 if path.name == file.name else file.content_md5
    if expected is None:
        return f"{path}  checksum unknown (only that of the .gz is published)"
    _compare(path, expected, how)
    return f"{path}  md5 {expected} as published"


def _compare(path: Path, expected: str, how: str) -> None:
    """Error when a file has another checksum."""
    try:
        found = download.md5(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    if found != expected:
        raise UserError(f"{path}: expected md5 {expected}, found {found}; to get it again: {how}")


def _verify_unpacked(source: RemoteArchive, folder: Path) -> str:
    """Compare a folder with the archive that it comes from, where that lies beside it."""
    archive = folder.parent / source.archive
    if not archive.is_file():
        return (
            f"{folder}  checksum unknown (only that of {source.archive} is published, "
            "which is not beside it)"
        )
    _compare(archive, source.md5, source.how)
    different = first_difference(archive, source.folder, folder)
    if different is not None:
        raise UserError(
            f"{different}: missing, or not as in {archive.name}; to get it again: {source.how}"
        )
    return f"{folder}  equal to {archive.name}, md5 {source.md5} as published"


def _verify_glyphs(paths: list[Path]) -> str:
    """Compare the cached glyphs, where there are any, with newly drawn ones."""
    if not paths:
        return "not cached: drawn for this check"
    again = "to draw it again: run `nsnn data get glyphs`"
    try:
        train, test, _ = arrays.read_npz(paths[0])
    except UserError as error:
        raise UserError(f"{error}; {again}") from None
    fresh = glyph_cache.generate()
    cached = (train.images, train.labels, test.images, test.labels)
    if not all(map(np.array_equal, cached, fresh.values())):
        raise UserError(f"{paths[0]}: differs from newly drawn glyphs; {again}")
    return f"{paths[0]}  equal to newly drawn glyphs"


def _describe(purpose: str, split: Split | None) -> str:
    """One line on a split."""
    if split is None:
        return f"{purpose}: none"
    counts = np.bincount(split.labels)
    shape = " × ".join(map(str, split.images.shape[1:]))
    return (
        f"{purpose}: {len(split):,} samples of {shape} {split.images.dtype}, "
        f"{counts.size} classes of {counts.min():,} to {counts.max():,}"
    )
