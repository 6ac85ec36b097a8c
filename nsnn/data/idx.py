"""The IDX format of MNIST and Fashion-MNIST, compressed or plain.

A file is a 4-byte magic number (two zeros, 8 for unsigned bytes, the number of dimensions), one
big-endian 32-bit size for each dimension, then the bytes in row-major order.
Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import gzip
import hashlib
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from nsnn.data.batches import Split
from nsnn.data.locate import find_files
from nsnn.data.sources import IMAGES, LABELS, SOURCES
from nsnn.errors import UserError

CLASSES = 10
"""Of MNIST and Fashion-MNIST."""

_PIECE = 1 << 20  # bytes read at once
_KIND = {IMAGES: "images", LABELS: "labels"}


def read_idx(path: str | os.PathLike, dimensions: int, how: str) -> np.ndarray:
    """Read one IDX file of unsigned bytes.

    Parameters
    ----------
    path : path-like
        Whether it is compressed is seen from its first bytes, not from its name.
    dimensions : int
        3 for images, 1 for labels.
    how : str
        How to get the file again, for the message.

    Returns
    -------
    ndarray of uint8, shape (n, H, W) or (n,)

    Raises
    ------
    UserError
        If the file cannot be read, its magic number is another, or its size is not what its
        header says.
    """
    path = Path(path)
    header_size = 4 + 4 * dimensions
    try:
        with open(path, "rb") as raw:
            compressed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) if compressed else raw as file:
                sizes = _sizes(_read(file, header_size), dimensions)
                expected = math.prod(sizes)
                # One byte more than expected shows that there is more.
                content = _read(file, expected + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path}: damaged gzip file ({error}); to get it again: {how}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}; to get it again: {how}") from None
    if len(content) != expected:
        found = f"only {len(content)}" if len(content) < expected else "more"
        shape = " × ".join(map(str, sizes))
        raise UserError(
            f"{path}: expected {expected} bytes after the header ({shape}), found {found}; "
            f"to get it again: {how}"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(sizes)


def _read(file, size: int) -> bytearray:
    """Up to `size` bytes, in pieces: a damaged header may claim more than memory holds."""
    content = bytearray()  # not bytes: arrays made of those cannot be written to
    while len(content) < size and (piece := file.read(min(size - len(content), _PIECE))):
        content += piece
    return content


def _sizes(header: bytearray, dimensions: int) -> tuple[int, ...]:
    """The sizes in an IDX header; ValueError when it is not one of unsigned bytes."""
    magic = 0x0800 + dimensions
    if len(header) < 4 + 4 * dimensions:
        raise ValueError(f"expected a header of {4 + 4 * dimensions} bytes, found {len(header)}")
    found, *sizes = struct.unpack(f">{1 + dimensions}I", header)
    if found != magic:
        kind = _KIND[dimensions]
        raise ValueError(f"expected the magic number {magic} (IDX {kind}), found {found}")
    if 0 in sizes[1:]:
        raise ValueError(f"expected images, found {sizes[1]} × {sizes[2]} pixels")
    return tuple(sizes)


def read_splits(name: str, directory: str | os.PathLike | None = None) -> tuple[Split, Split]:
    """Training and test split of `mnist` or `fashion-mnist`.

    Parameters
    ----------
    name : str
        A key of `sources.SOURCES`.
    directory : path-like, optional
        `data.dir`; the fallbacks are those of `locate`.

    Returns
    -------
    train, test : Split

    Raises
    ------
    UserError
        If a file is missing, damaged, or belongs to another data set.
    """
    source = SOURCES[name]
    wanted = [file.alternatives for file in source.files]
    paths = find_files(name, wanted, source.how, directory)
    train = _read_pair(name, paths[0], paths[1], source.how)
    test = _read_pair(name, paths[2], paths[3], source.how)
    if train.images.shape[1:] != test.images.shape[1:]:
        raise UserError(
            f"{paths[2]}: expected images {train.images.shape[2:]} as in {paths[0].name}, "
            f"found {test.images.shape[2:]}; to get both again: {source.how}"
        )
    return train, test


def _read_pair(name: str, images_path: Path, labels_path: Path, how: str) -> Split:
    """One split from its two files, which have to agree."""
    _refuse_other_set(name, labels_path)
    images = read_idx(images_path, IMAGES, how)
    labels = read_idx(labels_path, LABELS, how)
    if len(images) != len(labels) or len(labels) == 0:
        raise UserError(
            f"{labels_path}: expected one label for each image of {images_path.name}, "
            f"found {len(labels)} labels and {len(images)} images; to get both again: {how}"
        )
    if labels.max() >= CLASSES:
        raise UserError(
            f"{labels_path}: expected labels 0 to {CLASSES - 1}, found {labels.max()}; "
            f"to get it again: {how}"
        )
    return Split(images[:, None], labels.astype(np.int64))


def _refuse_other_set(name: str, labels_path: Path) -> None:
    """Error when the labels are those of another data set, whose files have the same names."""
    try:
        digest = hashlib.md5(labels_path.read_bytes(), usedforsecurity=False).hexdigest()
    except OSError:
        return  # read_idx says what is wrong
    for other in SOURCES.values():
        known = {d for file in other.files for d in (file.md5, file.content_md5) if d}
        if other.name != name and digest in known:
            raise UserError(
                f"{labels_path}: belongs to {other.name}, not to {name}: "
                f"set data.name to {other.name}, or data.dir to the folder of {name}"
            )
