"""DVS-Gesture in its official layout: long recordings, and files that say which gesture is when."""

from pathlib import Path

from nsnn.data.events import decode_aedat3
from nsnn.data.recordings import EventSource, Recording, Recordings
from nsnn.errors import UserError

HEAD = ["class", "startTime_usec", "endTime_usec"]


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
            if number == 1 and cells == HEAD:
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

    def made_of(self, paths: list[Path], recordings: Recordings) -> list[Path]:
        """Lists and labels as well: they say what the samples are."""
        trials = super().made_of(paths, recordings)
        return [*paths, *trials, *map(label_file, trials)]


def label_file(trial: Path) -> Path:
    """Where the labels of a recording are."""
    return trial.with_name(f"{trial.stem}_labels.csv")


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
