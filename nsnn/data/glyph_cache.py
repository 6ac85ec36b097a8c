"""The glyph digits on disk: drawn once, then read."""

import contextlib
import hashlib
import os
from pathlib import Path

import numpy as np

from nsnn.data import arrays, glyph_fonts, glyphs
from nsnn.data.batches import Split
from nsnn.data.locate import candidates, user_cache
from nsnn.errors import UserError


def generate(train: int = glyphs.TRAIN_SIZE, test: int = glyphs.TEST_SIZE) -> dict:
    """Draw the data set: the same bytes each time.

    Parameters
    ----------
    train, test : int
        Number of pictures.

    Returns
    -------
    dict of ndarray
        The arrays of `nsnn.data.arrays`: this is also an example of that format.
    """
    train_rng, test_rng = np.random.default_rng(0).spawn(2)
    train_images, train_labels = glyphs.draw(glyph_fonts.TRAIN_FACES, train, train_rng)
    test_images, test_labels = glyphs.draw(glyph_fonts.TEST_FACES, test, test_rng)
    return {
        "train_images": train_images,
        "train_labels": train_labels,
        "test_images": test_images,
        "test_labels": test_labels,
    }


def file_name() -> str:
    """Name of the cached file; it changes with the code that draws, so that none goes stale."""
    digest = hashlib.sha256()
    for module in (glyph_fonts, glyphs):
        digest.update(Path(module.__file__).read_bytes())
    return f"glyphs-{digest.hexdigest()[:12]}.npz"


def find(directory: str | os.PathLike | None = None) -> Path | None:
    """The cached file, in `data.dir` or one of the fallbacks of `locate`; None if there is none."""
    paths = (folder / file_name() for folder in candidates("glyphs", directory))
    return next((path for path in paths if os.path.isfile(path)), None)


def save(folder: Path) -> Path:
    """Draw the data set and write it into `folder`.

    Raises
    ------
    OSError
        If it cannot be written; no part of it is left.
    """
    path = folder / file_name()
    arrays.write_npz(path, *_splits(generate()))
    return path


def _splits(content: dict) -> tuple[Split, Split]:
    """Training and test split of what `generate` gives."""
    return (
        Split(content["train_images"], content["train_labels"]),
        Split(content["test_images"], content["test_labels"]),
    )


def read_splits(directory: str | os.PathLike | None = None) -> tuple[Split, Split]:
    """Training and test split, from the cache or drawn anew.

    Parameters
    ----------
    directory : path-like, optional
        `data.dir`, which need not hold anything.

    Raises
    ------
    UserError
        If `directory` is given and is no folder, or matplotlib's fonts are missing.
    """
    cached = find(directory)
    if cached is not None:
        # A damaged cache is drawn again: the result is the same bytes, so nothing is hidden.
        with contextlib.suppress(UserError):
            return arrays.read_npz(cached)[:2]
    splits = _splits(generate())
    folder = user_cache("glyphs")
    if folder is not None:
        with contextlib.suppress(OSError):  # without a writable home each run draws them
            arrays.write_npz(folder / file_name(), *splits)
    return splits
