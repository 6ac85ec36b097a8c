"""Data sets of recordings in their official layouts, cut into frames: N-MNIST and CIFAR10-DVS."""

import abc
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from nsnn.data.dataset import Split, Splits
from nsnn.data.events import TIME_STEPS, Events, decode_aedat2, decode_bin, during, to_frames
from nsnn.data.source import DataSource
from nsnn.errors import UserError


class Recording(NamedTuple):
    """A sample: a file, or what it holds from a time on and before another, in µs."""

    path: Path
    label: int
    span: tuple[int, int] | None = None


Recordings = list[Recording]
"""The samples of a split, in a fixed order, those of one file in a row."""


@dataclass(frozen=True, kw_only=True)
class EventSource(DataSource, abc.ABC):
    """Recordings of a camera in their official folders, that are cut into frames."""

    events: bool = True
    sensor: int  # pixels along each side of the camera's sensor; `shape` has those of a frame
    decode: Callable[[bytes], Events] = decode_bin  # from what a file holds

    def cut(self, recordings: Recordings, time_steps: int) -> Split:
        """The frames of recordings, with a progress bar on a terminal."""
        images = np.empty((len(recordings), time_steps, *self.shape), dtype=np.uint8)
        bar = tqdm(recordings, f"reading {self.name}", unit="", disable=None, leave=False)
        decoded, how = None, (time_steps, self.cut_by, self.sensor, self.shape[-1])
        for i, (path, _, span) in enumerate(bar):
            where = f"{path}: "
            try:
                if path != decoded:
                    events, decoded = self.decode(self.content(path)), path
                if span is not None:
                    where += f"from {span[0]} to {span[1]} µs: "
                images[i] = to_frames(during(events, span), *how)
            except ValueError as error:
                raise UserError(f"{where}{error}") from None
        return Split(images, np.array([each.label for each in recordings], dtype=np.int64))

    def verify(self, paths: list[Path]) -> list[str]:
        return [f"{path.parent}  no published checksums to compare with" for path in paths[:1]]

    @abc.abstractmethod
    def recordings(self, paths: list[Path]) -> tuple[Recordings, Recordings]:
        """The training and the test recordings in what `find` has found."""

    def read_files(self, paths: list[Path], time_steps: int | None = None) -> Splits:
        """Training and test split: uint8 counts (n, T, 2, H, W).

        They are kept in the user's cache, a file for each way to cut them: those of CIFAR10-DVS
        are 0.5 GB at T = 10, its recordings 16 GB. RuntimeWarning when that fails.
        """
        T, (train, test) = time_steps or TIME_STEPS, self.recordings(paths)
        stamp = self.stamp(self.made_of(paths, [*train, *test]))
        return self.kept(
            f"{self.cut_by}-{T}-{stamp}.npz",
            lambda: Splits(self.cut(train, T), self.cut(test, T)),
            f"{self.name}: frames are not kept, the next run reads all recordings again",
        )

    def made_of(self, paths: list[Path], recordings: Recordings) -> list[Path]:
        """The files that decide what the frames are; `paths` are those that `find` has found."""
        return list(dict.fromkeys(each.path for each in recordings))

    def listed(self, folder: Path, suffix: str) -> list[Path]:
        """The recordings in the folder of a class, by name."""
        if found := sorted(folder.glob(f"*{suffix}")):
            return found
        raise self.damaged(folder, f"no folder with {suffix} files that may be read")


class NMNISTSource(EventSource):
    """`Train/0/00002.bin` to `Test/9/….bin`, all of them or a part."""

    how = (
        "download Train.zip and Test.zip by hand from https://www.garrickorchard.com/datasets/"
        "n-mnist, unpack both into one FOLDER, run `nsnn data check nmnist --dir FOLDER`"
    )
    wanted = (("Train",), ("Test",))

    def recordings(self, paths: list[Path]) -> tuple[Recordings, Recordings]:
        splits = [], []
        for split, path in zip(splits, paths, strict=True):
            for k in range(self.classes):
                split += [Recording(file, k) for file in self.listed(path / str(k), ".bin")]
        return splits


class CIFAR10DVSSource(EventSource):
    """`airplane/cifar10_airplane_0.aedat` and so on; the test split is 0 to 99 of each class."""

    how = (
        "download the ten .zip files by hand from https://figshare.com/articles/dataset/"
        "CIFAR10-DVS_New/4724671, unpack all into one FOLDER, "
        "run `nsnn data check cifar10-dvs --dir FOLDER`"
    )
    wanted = (
        ("airplane",), ("automobile",), ("bird",), ("cat",), ("deer",),
        ("dog",), ("frog",), ("horse",), ("ship",), ("truck",),
    )  # fmt: skip

    def recordings(self, paths: list[Path]) -> tuple[Recordings, Recordings]:
        splits = [], []
        for label, folder in enumerate(paths):
            for path in self.listed(folder, ".aedat"):
                number = re.search(r"_(\d+)\.aedat$", path.name)
                if number is None:
                    raise self.damaged(path, "its name does not end with _NUMBER.aedat")
                splits[int(number[1]) < 100].append(Recording(path, label))
        if not all(splits):
            raise self.damaged(paths[0].parent, "no recordings below 100, or none from 100 on")
        return splits


NMNIST = NMNISTSource(
    name="nmnist",
    title="N-MNIST",
    description="MNIST seen by an event camera that moves",
    shape=(2, 34, 34),
    sizes=(60_000, 10_000),
    classes=10,
    sensor=34,
)
CIFAR10_DVS = CIFAR10DVSSource(
    name="cifar10-dvs",
    title="CIFAR10-DVS",
    description="moved photographs seen by an event camera",
    shape=(2, 48, 48),
    sizes=(9_000, 1_000),
    classes=10,
    sensor=128,
    decode=decode_aedat2,
)
