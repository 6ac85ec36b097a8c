"""The IDX format of MNIST and Fashion-MNIST, compressed or plain.

A file is a 4-byte magic number (two zeros, 8 for unsigned bytes, the number of dimensions), one
big-endian 32-bit size for each dimension, then the bytes in row-major order.
Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import gzip
import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nsnn.data.dataset import Split, Splits
from nsnn.data.download import RemoteFile, RemoteSource
from nsnn.errors import UserError

IMAGES, LABELS = 3, 1  # dimensions of a file of images and of one of labels


@dataclass(frozen=True, kw_only=True)
class IDXSource(RemoteSource):
    """A data set in four IDX files: train images and labels, test images and labels."""

    shape: tuple[int, int, int] = (1, 28, 28)
    sizes: tuple[int, int] = (60_000, 10_000)
    classes: int = 10

    def read_files(self, paths: list[Path], time_steps: int | None = None) -> Splits:
        """Training and test split, unless a file belongs to another data set."""
        train, test = self._read_pair(*paths[:2]), self._read_pair(*paths[2:])
        expected, found = (split.images.shape[2:] for split in (train, test))
        if found != expected:
            what = f"expected images {expected} as in {paths[0].name}"
            raise self.damaged(paths[2], f"{what}, found {found}")
        return Splits(train, test)

    def _read_pair(self, images_path: Path, labels_path: Path) -> Split:
        """One split from its two files, which have to agree."""
        self._refuse_other_set(labels_path)
        images, labels = self._read_idx(images_path, IMAGES), self._read_idx(labels_path, LABELS)
        if len(images) != len(labels) or len(labels) == 0:
            found = f"found {len(labels)} labels and {len(images)} images"
            what = f"expected one label for each image of {images_path.name}, {found}"
            raise self.damaged(labels_path, what)
        return Split(images[:, None], labels.astype(np.int64))

    def _refuse_other_set(self, labels_path: Path) -> None:
        """Error when the labels are those of another data set, whose files have the same names."""
        digest = hashlib.md5(self.content(labels_path), usedforsecurity=False).hexdigest()
        for other in IDX_SETS:
            known = {d for file in other.files for d in (file.md5, file.content_md5) if d}
            if other.name != self.name and digest in known:
                what = f"belongs to {other.name}, not to {self.name}"
                mend = f"set data.name to {other.name}, or data.dir to the folder of {self.name}"
                raise UserError(f"{labels_path}: {what}: {mend}")

    def _read_idx(self, path: Path, dimensions: int) -> np.ndarray:
        """The uint8 array (n, H, W) or (n,) of one file."""
        content = self.content(path)
        if content[:2] == b"\x1f\x8b":  # compressed, whatever its name
            try:
                content = gzip.decompress(content)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise self.damaged(path, f"damaged gzip file ({error})") from None
        start, magic = 4 + 4 * dimensions, 0x0800 + dimensions
        first, *sizes = struct.unpack_from(f">{1 + dimensions}I", content.ljust(start, b"\0"))
        if first != magic:
            kind = "images" if dimensions == IMAGES else "labels"
            raise self.damaged(path, f"expected magic number {magic} (IDX {kind}), found {first}")
        expected, found = math.prod(sizes), len(content) - start
        if 0 in sizes[1:] or found != expected:
            shape = " × ".join(map(str, sizes))
            what = f"expected {expected} bytes after the header ({shape}) and more than 0 pixels"
            raise self.damaged(path, f"{what}, found {found}")
        # A bytearray: what is made of bytes cannot be written to.
        return np.frombuffer(bytearray(content), dtype=np.uint8, offset=start).reshape(sizes)


def _files(*checksums: tuple) -> tuple[RemoteFile, ...]:
    """The four files, which have the same names in all sets, with their checksums."""
    names = "train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"
    pairs = zip(names, checksums, strict=True)
    return tuple(RemoteFile(f"{name}-ubyte.gz", *each) for name, each in pairs)


MNIST = IDXSource(
    name="mnist",
    title="MNIST",
    description="handwritten digits",
    files=_files(
        ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
        ("d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
        ("9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
        ("ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)
FASHION_MNIST = IDXSource(
    name="fashion-mnist",
    title="Fashion-MNIST",
    description="pictures of clothes",
    files=_files(
        ("8d4fb7e6c68d591d4c3dfef9ec88bf0d",),
        ("25c81989df183df01b3e8a0aad5dffbe",),
        ("bef4ecab320f06d8554ea6380940ec79",),
        ("bb300cfdad3c16e7a12a480ee83cd310",),
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
)
IDX_SETS = (MNIST, FASHION_MNIST)
"""Sets whose files have equal names, and could be taken for each other."""
