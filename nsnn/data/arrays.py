"""Your own data: one .npz file with images or events and their labels.

Arrays `train_images`, `train_labels`, `test_images`, `test_labels`, and if you like
`validation_images`, `validation_labels`:

- images `(n, H, W)` or `(n, C, H, W)`, uint8 (0 to 255) or float in [0, 1];
- events `(n, T, C, H, W)`, whole numbers 0 to 255 (how many spikes in that step);
- labels `(n,)`, whole numbers 0 … K − 1, each of them present in the training data.
"""

import contextlib
import os
import tempfile
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from nsnn.data.batches import Split
from nsnn.data.locate import candidates, given_folder
from nsnn.errors import UserError

REQUIRED = ("train_images", "train_labels", "test_images", "test_labels")
OPTIONAL = ("validation_images", "validation_labels")
HOW = (
    f"set data.dir to an .npz file (or a folder with one) that holds {', '.join(REQUIRED)}, "
    "as np.savez writes it"
)


def read_splits(
    directory: str | os.PathLike | None = None,
) -> tuple[Split, Split, Split | None]:
    """Training, test and (where present) validation split of the user's own file.

    Parameters
    ----------
    directory : path-like, optional
        The file itself, or a folder that holds exactly one .npz file.

    Raises
    ------
    UserError
        If there is no such file or what it holds is not as this module's text says.
    """
    return read_npz(find_npz(directory))


def find_npz(directory: str | os.PathLike | None = None) -> Path:
    """The .npz file that `directory`, or one of the fallbacks of `locate`, stands for."""
    if directory and os.path.isfile(given_folder(directory)):
        return given_folder(directory)
    folders = candidates("arrays", directory)
    for folder in folders:
        with contextlib.suppress(OSError):  # absent, or may not be read: look further
            files = sorted(path for path in folder.iterdir() if path.suffix == ".npz")
            if len(files) > 1:
                names = ", ".join(path.name for path in files)
                raise UserError(
                    f"arrays: {folder} holds {len(files)} .npz files ({names}): "
                    "set data.dir to one of them"
                )
            if files:
                return files[0]
    looked = ", ".join(map(str, folders)) or "no folder"
    raise UserError(f"arrays: no .npz file found; looked in {looked}; {HOW}")


def read_npz(path: str | os.PathLike) -> tuple[Split, Split, Split | None]:
    """Read and check one file; see `read_splits`."""
    return checked_splits(path, _load(Path(path)))


def checked_splits(source, arrays: dict[str, np.ndarray]) -> tuple[Split, Split, Split | None]:
    """Training, test and (where present) validation split of arrays named as in a file.

    Parameters
    ----------
    source : path-like or str
        Where they come from, to name in messages.
    arrays : dict of str to ndarray

    Raises
    ------
    UserError
        If they are not as this module's text says.
    """
    _check_names(source, set(arrays))
    train = _split(source, arrays, "train")
    test = _split(source, arrays, "test")
    validation = _split(source, arrays, "validation") if OPTIONAL[0] in arrays else None
    _check_labels(source, train, test, validation)
    _check_agreement(source, train, test, validation)
    return train, test, validation


def write_npz(path: Path, train: Split, test: Split) -> None:
    """Write two splits under a temporary name, then rename; the folder is made.

    Raises
    ------
    OSError
        If it cannot be written; no part of it is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two runs may write at the same time.
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            content = (train.images, train.labels, test.images, test.labels)
            np.savez(file, **dict(zip(REQUIRED, content, strict=True)))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _load(path: Path) -> dict[str, np.ndarray]:
    """All arrays of the file, whose names have been checked."""
    try:
        with open(path, "rb") as file:
            # np.load goes by the first bytes, is_zipfile by the last.
            is_zip = file.read(4) == b"PK\x03\x04" and zipfile.is_zipfile(file)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not is_zip:
        raise UserError(f"{path}: not an .npz file, or cut short; {HOW}")
    try:
        with np.load(path, allow_pickle=False) as file:
            _check_names(path, set(file.files))
            return {name: _member(path, file, name) for name in file.files}
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        # RuntimeError: a flag says "encrypted", or (as NotImplementedError) names another format.
        raise UserError(f"{path}: damaged ({error}); write it again with np.savez") from None


def _check_names(path: Path, names: set[str]) -> None:
    """Error when an array is missing, or present that has no meaning."""
    required = [*REQUIRED, *(OPTIONAL if names & set(OPTIONAL) else ())]
    if missing := [name for name in required if name not in names]:
        raise UserError(f"{path}: has no array {' or '.join(missing)}; {HOW}")
    if unknown := sorted(names - set(required)):
        raise UserError(
            f"{path}: unknown array {unknown[0]}; the names are "
            f"{', '.join(REQUIRED)} and, if you like, {', '.join(OPTIONAL)}"
        )


def _member(path: Path, file, name: str) -> np.ndarray:
    """One array of the open file, without ever unpickling."""
    try:
        array = file[name]
        if not isinstance(array, np.ndarray):  # np.load gives what is no array as bytes
            raise ValueError("not an array")
        return array
    except (ValueError, SyntaxError, tokenize.TokenError) as error:  # the last two: its header
        if "allow_pickle" in str(error):
            raise UserError(
                f"{path}: {name} is an array of Python objects, which are never unpickled; "
                "store numbers (are all images of one shape?)"
            ) from None
        raise UserError(f"{path}: {name} is damaged ({error})") from None
    except MemoryError:
        raise UserError(f"{path}: {name} claims a size that does not fit in memory") from None


def _split(path, arrays: dict[str, np.ndarray], purpose: str) -> Split:
    """Images and labels of one purpose, of the types that `Split` promises."""
    names = f"{purpose}_images", f"{purpose}_labels"
    images, labels = (arrays[name] for name in names)
    if images.ndim not in (3, 4, 5) or 0 in images.shape:
        raise UserError(
            f"{path}: {names[0]} has shape {images.shape}, expected (n, H, W) or (n, C, H, W) "
            "for images, (n, T, C, H, W) for events, none of them 0"
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise UserError(
            f"{path}: {names[1]} has shape {labels.shape} and type {labels.dtype}, "
            f"expected ({len(images)},) whole numbers, one for each of {names[0]}"
        )
    convert = _events if images.ndim == 5 else _images
    images = np.ascontiguousarray(convert(path, names[0], images))
    return Split(images[:, None] if images.ndim == 3 else images, labels.astype(np.int64))


def _images(path, name: str, images: np.ndarray) -> np.ndarray:
    """Still images as uint8 or float32."""
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise UserError(
            f"{path}: {name} has type {images.dtype}, expected uint8 (0 to 255) or float in [0, 1]"
        )
    low, high = images.min(), images.max()
    if not np.isfinite(low + high):  # NaN survives min and max
        raise UserError(f"{path}: {name} holds NaN or infinity")
    if low < 0 or high > 1:
        raise UserError(
            f"{path}: {name} has values from {low:.4g} to {high:.4g}, expected floats in [0, 1]"
        )
    return images.astype(np.float32, copy=False)


def _events(path, name: str, events: np.ndarray) -> np.ndarray:
    """Events as uint8 counts."""
    if events.dtype.kind not in "iub":
        raise UserError(
            f"{path}: {name} has type {events.dtype}, expected whole numbers for events (5 axes)"
        )
    if events.min() < 0 or events.max() > 255:
        raise UserError(
            f"{path}: {name} has values from {events.min()} to {events.max()}, "
            "expected event counts 0 to 255"
        )
    return events.astype(np.uint8, copy=False)


def _check_labels(path, train: Split, *others: Split | None) -> None:
    """Error unless the training labels are 0 … K − 1 and the other splits add none."""
    present = np.unique(train.labels)
    classes = present.size
    if classes < 2 or not np.array_equal(present, np.arange(classes)):
        shown = ", ".join(map(str, present[:12])) + (", …" if classes > 12 else "")
        raise UserError(
            f"{path}: train_labels holds {shown}; expected each of 0 … K − 1, at least two classes"
        )
    for purpose, split in zip(("test", "validation"), others, strict=True):
        if split is not None and not 0 <= split.labels.min() <= split.labels.max() < classes:
            raise UserError(
                f"{path}: {purpose}_labels holds labels from {split.labels.min()} to "
                f"{split.labels.max()}, expected 0 to {classes - 1} as in train_labels"
            )


def _check_agreement(path, train: Split, *others: Split | None) -> None:
    """Error unless all splits have samples of one shape and one type."""
    kind = train.images.shape[1:], train.images.dtype
    for purpose, split in zip(("test", "validation"), others, strict=True):
        if split is not None and (split.images.shape[1:], split.images.dtype) != kind:
            raise UserError(
                f"{path}: {purpose}_images has samples {split.images.shape[1:]} "
                f"{split.images.dtype}, train_images {kind[0]} {kind[1]}: they have to agree"
            )
