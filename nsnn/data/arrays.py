"""Your own data: one .npz file, or a function, with images or events and their labels.

Arrays `train_images`, `train_labels`, `test_images`, `test_labels`, and if you like
`validation_images`, `validation_labels`:

- images `(n, H, W)` or `(n, C, H, W)`, uint8 (0 to 255) or float in [0, 1];
- events `(n, T, C, H, W)`, whole numbers 0 to 255 (how many spikes in that step);
- labels `(n,)`, whole numbers 0 … K − 1, each of them present in the training data.
"""

import abc
import contextlib
import hashlib
import inspect
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nsnn.data.dataset import Split, Splits
from nsnn.data.events import TIME_STEPS
from nsnn.data.source import DataSource, user_cache
from nsnn.encoding import check_pixels
from nsnn.errors import RunError, UserError
from nsnn.files import read_arrays, write_atomic

REQUIRED = ("train_images", "train_labels", "test_images", "test_labels")
OPTIONAL = ("validation_images", "validation_labels")
_NAMES = f"the names are {', '.join(REQUIRED)} and, if you like, {', '.join(OPTIONAL)}"


class ArraysSource(DataSource):
    """The user's own .npz file."""

    how = f"set data.dir to an .npz file with {', '.join(REQUIRED)}, as np.savez writes it"
    wanted = ((".npz file",),)

    def find(self, directory=None) -> list[Path]:
        """The one .npz file that `directory`, or one of the fallbacks, is or holds."""
        if directory and os.path.isfile(given := os.path.expanduser(directory)):
            return [Path(given)]
        return super().find(directory)

    def look(self, folder: Path) -> list[Path]:
        files = sorted(folder.glob("*.npz"))
        if len(files) > 1:
            names = ", ".join(path.name for path in files)
            what = f"{self.name}: {folder} holds {len(files)} .npz files ({names})"
            raise UserError(f"{what}: set data.dir to one of them")
        return files

    def read_files(self, paths: list[Path], time_steps: int | None = None) -> Splits:
        return read_npz(paths[0])


@dataclass(frozen=True, kw_only=True)
class FromFunction(DataSource):
    """A data set that a function gives: what `DATASETS["mine"] = function` stands for.

    It is called with `data.dir`, or None, and returns the arrays that an .npz file has, by name.
    """

    function: Callable
    how = "its function reads it"

    def __post_init__(self):
        try:
            inspect.signature(self.function).bind(None)
        except (TypeError, ValueError):
            what = "has to be a function of (directory), or a DataSource"
            raise UserError(f"data.name = {self.name}: {what}") from None

    def read(self, directory=None, time_steps: int | None = None) -> Splits:
        """What the function returns, checked as an .npz file is."""
        found = self.function(directory)
        if not isinstance(found, dict):
            kind = type(found).__name__
            raise UserError(f"{self.name}: its function has to return a dictionary, not {kind}")
        try:
            arrays = {name: np.asarray(value) for name, value in found.items()}
        except ValueError as error:  # lists of lists of different lengths
            raise UserError(f"{self.name}: its function gives no array ({error})") from None
        return checked_splits(self.name, arrays)


def read_npz(path: Path) -> Splits:
    """Read one .npz file; see `checked_splits`."""
    try:
        arrays = read_arrays(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise UserError(f"{path}: damaged, or no .npz file ({error}); {ARRAYS.how}") from None
    return checked_splits(path, arrays)


def write_npz(path: Path, splits: Splits) -> None:
    """Write splits as one file in one piece; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {}
    for purpose, split in splits._asdict().items():
        if split is not None:
            content |= {f"{purpose}_images": split.images, f"{purpose}_labels": split.labels}
    write_atomic(path, lambda file: np.savez(file, **content))


def kept(name: str, file: str, make: Callable[[], Splits], warning: str = "") -> Splits:
    """What a file in the cache of the data set `name` holds; made, and written, without one.

    A damaged file is made again: the result is the same. With a `warning` it is said when the
    file cannot be written.
    """
    folder = user_cache(name)
    if folder is None:
        return make()
    if os.path.isfile(folder / file):
        with contextlib.suppress(UserError):
            return read_npz(folder / file)
    splits = make()
    try:
        write_npz(folder / file, splits)
    except (OSError, RunError) as error:
        if warning:
            warnings.warn(f"{warning} ({error})", RuntimeWarning, stacklevel=3)
    return splits


@dataclass(frozen=True, kw_only=True)
class MadeSource(DataSource, abc.ABC):
    """A data set that a program makes, the same bytes on each machine, and keeps in the cache."""

    code = ()  # the files of this program

    def read(self, directory=None, time_steps: int | None = None) -> Splits:
        """Training and test split, from the cache or made anew."""
        return kept(self.name, self.file_name(time_steps), lambda: self.made(time_steps))

    def fill(self, folder: Path) -> Path:
        path = folder / self.file_name()
        write_npz(path, self.made(None))
        return path

    def file_name(self, time_steps: int | None = None) -> str:
        """Of the file in the cache; it changes with the code, so that none goes stale."""
        code = b"".join(path.read_bytes() for path in self.code)
        digest = hashlib.sha256(code + repr(self).encode()).hexdigest()
        frames = f"-{self.cut_by}-{time_steps or TIME_STEPS}" if self.events else ""
        return f"{self.name}{frames}-{digest[:12]}.npz"

    @abc.abstractmethod
    def made(self, time_steps: int | None) -> Splits:
        """The data set made anew; `time_steps`: frames of each recording of events."""


def checked_splits(source, arrays: dict[str, np.ndarray]) -> Splits:
    """Training, test and (where present) validation split of arrays named as in a file.

    Raises UserError, naming their `source`, if they are not as this module's text says.
    """
    names = [*REQUIRED, *(OPTIONAL if set(arrays) & set(OPTIONAL) else ())]
    if missing := [name for name in names if name not in arrays]:
        raise UserError(f"{source}: has no array {' or '.join(missing)}; {_NAMES}")
    if unknown := sorted(set(arrays) - set(names)):
        raise UserError(f"{source}: unknown array {unknown[0]}; {_NAMES}")
    purposes = [purpose for purpose in Splits._fields if f"{purpose}_images" in arrays]
    splits = {purpose: _split(source, arrays, purpose) for purpose in purposes}
    present = np.unique(splits["train"].labels)
    classes = present.size
    if classes < 2 or not np.array_equal(present, np.arange(classes)):
        shown = ", ".join(map(str, present[:12])) + (", …" if classes > 12 else "")
        expected = "expected each of 0 … K − 1, at least two classes"
        raise UserError(f"{source}: train_labels holds {shown}; {expected}")
    samples = {name: f"{x.images.shape[1:]} {x.images.dtype}" for name, x in splits.items()}
    for purpose, split in splits.items():
        low, high = split.labels.min(), split.labels.max()
        if low < 0 or high >= classes:
            what = f"{purpose}_labels holds labels from {low} to {high}"
            raise UserError(f"{source}: {what}, expected 0 to {classes - 1} as in train_labels")
        if samples[purpose] != samples["train"]:
            what = f"{purpose}_images has samples {samples[purpose]}, train_images"
            raise UserError(f"{source}: {what} {samples['train']}: they have to agree")
    return Splits(**splits)


def _split(source, arrays: dict[str, np.ndarray], purpose: str) -> Split:
    """Images and labels of one purpose, of the types that `Split` promises."""
    names = f"{purpose}_images", f"{purpose}_labels"
    images, labels = (arrays[name] for name in names)
    if images.ndim not in (3, 4, 5) or 0 in images.shape:
        shapes = "(n, H, W) or (n, C, H, W) for images, (n, T, C, H, W) for events, none of them 0"
        raise UserError(f"{source}: {names[0]} has shape {images.shape}, expected {shapes}")
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        found = f"{names[1]} has shape {labels.shape} and type {labels.dtype}"
        expected = f"expected ({len(images)},) whole numbers, one for each of {names[0]}"
        raise UserError(f"{source}: {found}, {expected}")
    check_pixels(images, f"{source}: {names[0]}")
    dtype = np.float32 if images.dtype.kind == "f" and images.ndim < 5 else np.uint8
    images = np.ascontiguousarray(images, dtype)
    return Split(images[:, None] if images.ndim == 3 else images, labels.astype(np.int64))


ARRAYS = ArraysSource(name="arrays", description="your own images or events in an .npz file")
