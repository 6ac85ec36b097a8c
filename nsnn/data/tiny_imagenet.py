"""Tiny-ImageNet in its official folder layout: 200 classes of 64 × 64 photographs as JPEG files.

    wnids.txt                          names of the classes, a line each; the label is its number
    train/<class>/images/*.JPEG        500 images of each class
    val/images/*.JPEG                  10,000 images
    val/val_annotations.txt            their file names and classes, and boxes, which are not used

The official test images have no labels. As in the papers, the official *validation* split is the
test split here; for a validation split take a part of the training data (`data.validation`).
Source: http://cs231n.stanford.edu/tiny-imagenet-200.zip (Stanford's course CS231n).
"""

import contextlib
import hashlib
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nsnn.data import arrays
from nsnn.data.batches import Split
from nsnn.data.locate import find_files, user_cache
from nsnn.data.sources import ARCHIVES
from nsnn.errors import UserError

NAME = "tiny-imagenet"
CLASS_FILE, TEST_FILE = "wnids.txt", "val/val_annotations.txt"


class Sizes(NamedTuple):
    """How much there is of everything: classes, images, pixels along each side of an image."""

    classes: int = 200
    train_per_class: int = 500
    test: int = 10_000
    side: int = 64


OFFICIAL = Sizes()


def find(directory: str | os.PathLike | None = None) -> list[Path]:
    """Paths of the two text files of the data set, of which the first lies in its folder.

    Parameters
    ----------
    directory : path-like, optional
        `data.dir`: the official folder, or one that holds it; the fallbacks are those of `locate`.

    Raises
    ------
    UserError
        If they are nowhere.
    """
    source = ARCHIVES[NAME]
    return find_files(NAME, [(CLASS_FILE,), (TEST_FILE,)], source.how, directory, source.folder)


def read_splits(directory: str | os.PathLike | None = None) -> tuple[Split, Split]:
    """Training and test split, uint8 images (n, 3, 64, 64), decoded once and then cached.

    Parameters
    ----------
    directory : path-like, optional
        See `find`.

    Raises
    ------
    UserError
        If a file is missing or damaged.

    Warns
    -----
    RuntimeWarning
        When the cache cannot be written: the next run decodes all of it again.

    Notes
    -----
    Decoding 110,000 files takes a minute or so. The result, 1.35 GB, goes to the user's cache
    under a name made of the files' names, sizes and times: when one changes, all are decoded anew.
    """
    folder = find(directory)[0].parent
    train, test = list_images(folder)
    cached = _cache_file([path for path, _ in (*train, *test)])
    if cached is not None and os.path.isfile(cached):
        # A damaged cache is made again: the result is the same, so nothing is hidden.
        with contextlib.suppress(UserError):
            return arrays.read_npz(cached)[:2]
    splits = _decode("training images", train), _decode("test images", test)
    if cached is not None:
        _keep(cached, splits)
    return splits


def _keep(cached: Path, splits: tuple[Split, Split]) -> None:
    """Write the decoded images to the user's cache, if it can be written."""
    try:
        arrays.write_npz(cached, *splits)
    except OSError as error:
        warnings.warn(
            f"{NAME}: cannot keep the decoded images in {cached.parent} "
            f"({error.strerror or error}): the next run decodes them again",
            RuntimeWarning,
            stacklevel=2,
        )


def list_images(folder: Path) -> tuple[list[tuple[Path, int]], list[tuple[Path, int]]]:
    """Path and label of each training and of each test image, in a fixed order.

    Parameters
    ----------
    folder : Path
        The official folder.

    Raises
    ------
    UserError
        If classes or images are missing, or the text files are not what they should be.
    """
    lines = _lines(folder / CLASS_FILE)
    labels = {wnid: label for label, wnid in enumerate(lines)}
    if not len(lines) == len(labels) == OFFICIAL.classes:
        raise _bad(
            folder / CLASS_FILE,
            f"expected {OFFICIAL.classes} different classes, found {len(labels)} "
            f"in {len(lines)} lines",
        )
    train = [(p, label) for wnid, label in labels.items() for p in _class_images(folder, wnid)]
    return train, _test_images(folder, labels)


def _class_images(folder: Path, wnid: str) -> list[Path]:
    """The training images of one class."""
    images = folder / "train" / wnid / "images"
    try:
        names = sorted(name for name in os.listdir(images) if name.endswith(".JPEG"))
    except OSError as error:
        reason = error.strerror or error
        raise _bad(images, f"cannot be read ({reason}), but {CLASS_FILE} lists {wnid}") from None
    if len(names) != OFFICIAL.train_per_class:
        raise _bad(images, f"expected {OFFICIAL.train_per_class} .JPEG files, found {len(names)}")
    return [images / name for name in names]


def _test_images(folder: Path, labels: dict[str, int]) -> list[tuple[Path, int]]:
    """The images of the official validation split."""
    path = folder / TEST_FILE
    lines = _lines(path)
    if len(lines) != OFFICIAL.test:
        raise _bad(path, f"expected {OFFICIAL.test} lines, found {len(lines)}")
    found = {}
    for number, line in enumerate(lines, 1):
        name, wnid, *_ = [*line.split("\t"), ""]
        # A name is that of a file, not a path to anywhere.
        if wnid not in labels or name in found or name != os.path.basename(name):
            raise _bad(
                path,
                f"line {number}: expected an image not named before and a class "
                f"of {CLASS_FILE}, found {line[:80]!r}",
            )
        found[name] = labels[wnid]
    return [(folder / "val" / "images" / name, label) for name, label in found.items()]


def read_image(path: Path) -> np.ndarray:
    """One JPEG file, through matplotlib's reader.

    Returns
    -------
    ndarray of uint8, shape (3, side, side)
        A grey image has three equal channels; of RGBA (matplotlib's reading of CMYK) the alpha
        channel is left out.

    Raises
    ------
    UserError
        If it cannot be read or decoded, or has another size.
    """
    from matplotlib.image import imread

    try:
        with open(path, "rb") as file:
            image = imread(file)
    except MemoryError:
        raise
    except Exception as error:  # a decoder raises whatever damaged bytes lead it to
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise _bad(path, f"cannot be read as an image ({first})") from None
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    elif image.shape[2] == 4:
        image = image[:, :, :3]
    side = OFFICIAL.side
    if image.shape != (side, side, 3) or image.dtype != np.uint8:
        raise _bad(
            path,
            f"expected {side} × {side} pixels, grey or RGB of 8 bits, "
            f"found {image.shape} {image.dtype}",
        )
    return image.transpose(2, 0, 1)


def _decode(what: str, files: list[tuple[Path, int]]) -> Split:
    """The images of one split, with a progress bar on a terminal."""
    from tqdm import tqdm

    images = np.empty((len(files), 3, OFFICIAL.side, OFFICIAL.side), dtype=np.uint8)
    progress = tqdm(files, desc=f"decoding {what}", unit="", disable=None, leave=False)
    for i, (path, _) in enumerate(progress):
        images[i] = read_image(path)
    return Split(images, np.array([label for _, label in files], dtype=np.int64))


def _cache_file(paths: list[Path]) -> Path | None:
    """Where the decoded images of these files are kept; None without a user cache."""
    folder = user_cache(NAME)
    if folder is None:
        return None
    digest = hashlib.sha256()
    for path in paths:
        try:
            state = os.stat(path)
        except OSError as error:
            raise _bad(path, f"cannot be read ({error.strerror or error})") from None
        place = f"{path.parent.parent.name}/{path.name}"  # <class>/<image> or val/<image>
        digest.update(f"{place} {state.st_size} {state.st_mtime_ns}\n".encode())
    return folder / f"decoded-{digest.hexdigest()[:12]}.npz"


def _lines(path: Path) -> list[str]:
    """The lines of a text file."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # a damaged disk leaves such; no file has it in its name
        raise _bad(path, "not a text file")
    return text.splitlines()


def _bad(path: Path, what: str) -> UserError:
    """The error for a file that is not as it should be."""
    return UserError(f"{path}: {what}; to get it again: {ARCHIVES[NAME].how}")
