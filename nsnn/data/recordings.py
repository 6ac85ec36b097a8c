"""Data sets of recordings in their official layouts, cut into frames."""

import abc
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nsnn.data.dataset import Splits
from nsnn.data.events import (
    TIME_STEPS,
    Events,
    decode_aedat2,
    decode_aedat3,
    decode_bin,
    during,
    to_frames,
)
from nsnn.data.source import DataSource
from nsnn.errors import UserError


class Recording(NamedTuple):
    """A sample: a file, or what it holds from a time on and before another, in µs."""

    path: Path
    label: int
    span: tuple[int, int] | None = None


Recordings = list[Recording]
"""The samples of a split, in a fixed order, those of one file in a row."""

_HEAD = ["class", "startTime_usec", "endTime_usec"]  # of the labels of DVS-Gesture


@dataclass(frozen=True, kw_only=True)
class EventSource(DataSource, abc.ABC):
    """Recordings of a camera in their official folders, that are cut into frames."""

    events: bool = True
    sensor: int  # pixels along each side of the camera's sensor; `shape` has those of a frame
    decode: Callable[[bytes], Events] = decode_bin  # from what a file holds

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
        T, samples = time_steps or TIME_STEPS, self.recordings(paths)

        @functools.lru_cache(maxsize=1)  # the samples of a file come in a row
        def events_in(path: Path) -> Events:
            return self.decode(self.content(path))

        def frames(recording: Recording) -> np.ndarray:
            path, _, span = recording
            where = f"{path}: "
            try:
                events = events_in(path)
                if span is not None:
                    where += f"from {span[0]} to {span[1]} µs: "
                    events = during(events, span)
                return to_frames(events, T, self.cut_by, self.sensor, self.shape[-1])
            except ValueError as error:
                raise UserError(f"{where}{error}") from None

        return self.gathered(f"{self.cut_by}-{T}", samples, (T, *self.shape), frames)

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


class GestureSource(EventSource):
    """`user01_led.aedat` with `user01_led_labels.csv`, and two lists of the files of each split.

    A row of the labels is a sample: a class from 1, and the half-open interval of its events in
    µs. Intervals may overlap, as they do in `user22_led`.
    """

    how = (
        "download DvsGesture.tar.gz (MD5 8a5c71fb11e24e5ca5b11866ca6c00a1) by hand from "
        "https://ibm.ent.box.com/s/3hiq58ww1pbbjrinh367ykfdf60xsfm8/folder/50167556794, unpack it "
        "into a FOLDER, run `nsnn data check dvs-gesture --dir FOLDER`"
    )
    wanted = (("trials_to_train.txt",), ("trials_to_test.txt",))

    def recordings(self, paths: list[Path]) -> tuple[Recordings, Recordings]:
        found = []
        for path in paths:
            samples = [sample for trial in self.trials(path) for sample in self.labels(trial)]
            if not samples:
                raise self.damaged(path, "names recordings without any label")
            found.append(samples)
        return tuple(found)

    def trials(self, path: Path) -> list[Path]:
        """The recordings that a list names, each of which is there with its labels."""
        found = []
        for number, name in self.numbered(path):
            if not name.endswith(".aedat"):
                raise UserError(f"{path}: line {number} is {name!r}, no name of an .aedat file")
            found.append(path.with_name(name))
            for file in (found[-1], label_file(found[-1])):
                if not file.is_file():
                    raise self.damaged(path, f"line {number} asks for {file.name}, not there")
        if not found:
            raise self.damaged(path, "names no recordings")
        return found

    def labels(self, trial: Path) -> Recordings:
        """The samples of a recording."""
        path, found = label_file(trial), []
        for number, line in self.numbered(path):
            cells = [cell.strip() for cell in line.split(",")]
            if number == 1 and cells == _HEAD:
                continue
            numbers = [int(cell) for cell in cells if cell.isdecimal()]
            label, start, stop = numbers if len(numbers) == len(cells) == 3 else (0, 0, 0)
            if not (1 <= label <= self.classes and start < stop):
                rest = "and the start and the end of its interval, all whole numbers"
                what = f"expected a class from 1 to {self.classes} {rest}"
                raise UserError(f"{path}: line {number} is {line!r}: {what}")
            found.append(Recording(trial, label - 1, (start, stop)))
        return found

    def numbered(self, path: Path) -> list[tuple[int, str]]:
        """Number and text of the lines of a file that are not empty."""
        lines = enumerate(map(str.strip, self.lines(path)), 1)
        return [(number, line) for number, line in lines if line]


def label_file(trial: Path) -> Path:
    """Where the labels of a recording are."""
    return trial.with_name(f"{trial.stem}_labels.csv")


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
DVS_GESTURE = GestureSource(
    name="dvs-gesture",
    title="DVS-Gesture",
    description="gestures of hands and arms seen by an event camera",
    shape=(2, 48, 48),
    sizes=(1_176, 288),
    classes=11,
    folder="DvsGesture",
    sensor=128,
    decode=decode_aedat3,
)
