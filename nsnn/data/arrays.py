"""Your own data: one .npz file, or a function, with images or events and their labels.

Arrays `train_images`, `train_labels`, `test_images`, `test_labels`, and if you like
`validation_images`, `validation_labels`:

- images `(n, H, W)` or `(n, C, H, W)`, uint8 (0 to 255) or float in [0, 1];
- events `(n, T, C, H, W)`, whole numbers 0 to 255 (how many spikes in that step);
- labels `(n,)`, whole numbers 0 … K − 1, each of them present in the training data.

Images to classify, without labels, may lie in .npy files and PNG pictures, too (`read_images`).
"""

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nsnn.data.dataset import Split, Splits
from nsnn.data.source import DataSource
from nsnn.encoding import check_pixels
from nsnn.errors import UserError
from nsnn.files import read_arrays

REQUIRED = ("train_images", "train_labels", "test_images", "test_labels")
OPTIONAL = ("validation_images", "validation_labels")
_KNOWN = f"the names are {', '.join(REQUIRED)} and, if you like, {', '.join(OPTIONAL)}"


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
        (path,) = paths
        try:
            arrays = read_arrays(path)
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
        except ValueError as error:
            raise UserError(f"{path}: damaged, or no .npz file ({error}); {self.how}") from None
        return checked_splits(path, arrays)


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


def checked_splits(source, arrays: dict[str, np.ndarray]) -> Splits:
    """Training, test and (where present) validation split of arrays named as in a file.

    Raises UserError, naming their `source`, if they are not as this module's text says.
    """
    names = [*REQUIRED, *(OPTIONAL if set(arrays) & set(OPTIONAL) else ())]
    if missing := [name for name in names if name not in arrays]:
        raise UserError(f"{source}: has no array {' or '.join(missing)}; {_KNOWN}")
    if unknown := sorted(set(arrays) - set(names)):
        raise UserError(f"{source}: unknown array {unknown[0]}; {_KNOWN}")
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


def read_images(path, shape) -> np.ndarray:
    """The images in a file, or the one image, as a network for `shape` (C, H, W) takes them.

    They are uint8, or float in [0, 1]: (n, C, H, W) or (n, H, W), events (n, T, C, H, W). Raises
    UserError for a file that cannot be read, and for values that are no pixels.
    """
    try:
        images = _read(Path(path), shape[0])
    except (UserError, MemoryError):
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # a damaged file can make NumPy and Pillow raise anything
        raise UserError(f"{path}: damaged, or no images as nsnn reads them ({error})") from None
    if images.size:
        check_pixels(images, f"{path}: the array")
    return images[None] if images.shape in (shape, shape[1:]) else images


def _read(path: Path, channels: int) -> np.ndarray:
    suffix = path.suffix.lower()
    if suffix == ".png":
        return _read_png(path, channels)
    if suffix not in (".npy", ".npz"):
        raise UserError(f"{path}: images are read from .npy, .npz or .png, by the end of the name")
    arrays = read_arrays(path)
    wanted = ["images", "test_images", *(arrays if len(arrays) == 1 else ())]
    name = next((name for name in wanted if name in arrays), None)
    if name is None:
        held = ", ".join(arrays) or "nothing"
        raise UserError(f"{path}: holds {held}; call the array of the images images")
    return arrays[name]


def _read_png(path: Path, channels: int) -> np.ndarray:
    """A picture (C, H, W): opaque, and with one channel where it is grey and that is wanted."""
    from matplotlib.image import imread

    pixels = np.atleast_3d(imread(path, format="png"))
    if pixels.shape[2] == 4:
        if not np.all(pixels[:, :, 3] == 1):
            raise UserError(f"{path}: has transparent pixels; save it on a background")
        pixels = pixels[:, :, :3]
    if channels == 1 and np.all(pixels == pixels[:, :, :1]):
        pixels = pixels[:, :, :1]
    return np.moveaxis(pixels, 2, 0)


ARRAYS = ArraysSource(name="arrays", description="your own images or events in an .npz file")
