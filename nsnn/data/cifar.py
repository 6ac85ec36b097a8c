"""CIFAR-10 and CIFAR-100 in their official binary layout.

A file is a row of records without a header: one label byte (CIFAR-100: the coarse label, then the
fine one, which is used), then 3 × 32 × 32 pixels, red, green, blue, each row by row.
Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", and
https://www.cs.toronto.edu/~kriz/cifar.html (section "Binary version").
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nsnn.data.dataset import Split, Splits
from nsnn.data.download import ArchiveSource, RemoteFile

SHAPE, PIXELS = (3, 32, 32), 3 * 32 * 32


@dataclass(frozen=True, kw_only=True)
class CIFARSource(ArchiveSource):
    """One of the two sets: `train_files` hold equally many of the training samples."""

    shape: tuple[int, int, int] = SHAPE
    sizes: tuple[int, int] = (50_000, 10_000)
    mirrors: tuple[str, ...] = ("https://www.cs.toronto.edu/~kriz/",)
    train_files: tuple[str, ...]
    test_file: str
    label_bytes: int  # of a record; the last one is used

    @property
    def wanted(self) -> list[tuple[str, ...]]:
        return [(name,) for name in (*self.train_files, self.test_file)]

    def read_files(self, paths: list[Path], time_steps: int | None = None) -> Splits:
        """Training and test split: uint8 images (n, 3, 32, 32)."""
        *train, test = paths
        return Splits(self._read(train, self.sizes[0]), self._read([test], self.sizes[1]))

    def _read(self, paths: list[Path], total: int) -> Split:
        """One split from its files, which hold equally many records."""
        count, size = total // len(paths), self.label_bytes + PIXELS
        images = np.empty((len(paths), count, PIXELS), dtype=np.uint8)
        labels = np.empty((len(paths), count), dtype=np.int64)
        for i, path in enumerate(paths):
            content = self.content(path)
            if len(content) != count * size:
                expected = f"expected {count * size} bytes ({count} records of {size})"
                raise self.damaged(path, f"{expected}, found {len(content)}")
            records = np.frombuffer(content, dtype=np.uint8).reshape(count, size)
            images[i] = records[:, self.label_bytes :]
            labels[i] = records[:, self.label_bytes - 1]
        return Split(images.reshape(total, *SHAPE), labels.reshape(total))


CIFAR10 = CIFARSource(
    name="cifar10",
    title="CIFAR-10",
    description="photographs of 10 kinds of things",
    classes=10,
    files=(RemoteFile("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),),
    folder="cifar-10-batches-bin",
    train_files=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    test_file="test_batch.bin",
    label_bytes=1,
)
CIFAR100 = CIFARSource(
    name="cifar100",
    title="CIFAR-100",
    description="photographs of 100 kinds of things",
    classes=100,
    files=(RemoteFile("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),),
    folder="cifar-100-binary",
    train_files=("train.bin",),
    test_file="test.bin",
    label_bytes=2,
)
