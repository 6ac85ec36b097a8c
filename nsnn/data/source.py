"""Where a data set comes from: one object that finds, reads, checks and gets its files.

Files are looked for in `data.dir`, `$NSNN_DATA` and the user cache, in this order. In each of the
first two, the sub-folder of the data set's name comes before the folder itself: MNIST and
Fashion-MNIST have equal file names, so the more specific place has to win. The folder that an
official archive unpacks to may lie in each of the places.
"""

import abc
import contextlib
import hashlib
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from nsnn.cachedir import user_cache
from nsnn.data.dataset import Split, Splits
from nsnn.data.events import TIME_STEPS
from nsnn.errors import RunError, UserError
from nsnn.files import read_arrays, write_atomic


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """A data set before it is loaded; a subclass overrides what is its own.

    The methods' `directory` is `data.dir`; None or "" when it was not given. Where it is not what
    it should be, or a file is missing, damaged or has another checksum, they raise a UserError.
    """

    name: str  # of the key in `DATASETS`, of its folder, in messages
    title: str = ""  # as papers write it; empty: the name
    description: str  # a few words for the list of all data sets
    shape: tuple[int, int, int] | None = None  # (C, H, W) of an image or a frame; None: the user's
    sizes: tuple[int, int] | None = None  # training and test samples; None: the user's
    classes: int | None = None  # that the data set declares; None: its labels decide
    folder: str = ""  # that an official archive unpacks to
    events: bool = False  # recordings, cut into as many frames as `read` is asked for
    cut_by: str = "count"  # how they are cut: `data.frames`

    how = ""  # to get the data set, to print after "to get it:"
    # For each of its files or folders, the names under which it may lie in a folder; none where it
    # is not found but made.
    wanted = ()

    def find(self, directory=None) -> list[Path]:
        """Paths of all files, one for each of `wanted`, from the first folder that has any."""
        if not self.wanted:
            return []
        folders = self._folders(directory)
        for folder in folders:
            if found := self.look(folder):
                return found
        looked = ", ".join(map(str, folders)) or "no folder (no data.dir, $NSNN_DATA or home)"
        what = f"{self.name}: {self.wanted[0][0]} not found; looked in {looked}"
        mend = f"to get it: {self.how}, or set data.dir to a folder that has it"
        raise UserError(f"{what}; {mend}")

    def _folders(self, directory) -> list[Path]:
        """The folders to search, in order; they need not exist."""
        given = os.path.expanduser(directory) if directory else None
        if given and not os.path.isdir(given):
            raise UserError(f"data.dir = {directory}: there is no such file or folder")
        roots = [Path(each) for each in (given, os.environ.get("NSNN_DATA")) if each]
        places = [place for root in roots for place in (root / self.name, root)]
        cache = user_cache("nsnn", self.name)
        places += [] if cache is None else [cache]
        if self.folder:
            places = [place for each in places for place in (each / self.folder, each)]
        return list(dict.fromkeys(places))  # two of the places may be one

    def look(self, folder: Path) -> list[Path]:
        """The files in one folder: all, or none; a part of them is an error."""
        found = []
        for names in self.wanted:
            # os.path.exists and not Path.exists: a folder that may not be read counts as empty.
            paths = (folder / name for name in names if os.path.exists(folder / name))
            found.append(next(paths, None))
        if any(found) and not all(found):
            pairs = zip(self.wanted, found, strict=True)
            missing = " and ".join(names[0] for names, path in pairs if not path)
            raise UserError(f"{self.name}: {folder} has no {missing}; to get it: {self.how}")
        return found if all(found) else []

    def read(self, directory=None, time_steps: int | None = None) -> Splits:
        """The data set's splits, checked; `time_steps`: frames of each recording of events."""
        return self.read_files(self.find(directory), time_steps)

    def read_files(self, paths: list[Path], time_steps: int | None) -> Splits:
        """The splits in the files that `find` has found, unless a subclass overrides `read`."""
        raise UserError(f"{self.name}: its {type(self).__name__} has to define read_files, or read")

    def get(self, directory=None) -> Path:
        """Download and unpack the data set into `directory`, by default the user cache.

        A folder that is given gets a sub-folder of the set's name, unless that is its name
        already: MNIST and Fashion-MNIST have equal file names. Returns the folder with the files.
        Raises UserError if there is nothing to get, or no place for it, RunError if the download
        or the writing failed.
        """
        folder = Path(os.path.expanduser(directory)) if directory else user_cache("nsnn", self.name)
        if folder is None:
            raise UserError(f"{self.name}: no home directory for data: give a folder with --dir")
        if folder.name != self.name:
            folder /= self.name
        try:
            return self.fill(folder)
        except OSError as error:
            what = f"{self.name}: cannot write to {folder} ({error.strerror or error})"
            raise RunError(f"{what}: make room, or give another folder with --dir") from None

    def fill(self, folder: Path) -> Path:
        """Make a folder and bring all files into it; what `get` returns."""
        raise UserError(f"{self.name}: nothing to download automatically; {self.how}")

    def verify(self, paths: list[Path]) -> list[str]:
        """Compare the files with what is known of them: lines for `check`."""
        return [f"{path}  all arrays as they should be" for path in paths]

    def check(self, directory=None) -> str:
        """Verify what can be verified: a line for each file or archive, one for each split."""
        lines = self.verify(self.find(directory))
        for purpose, split in self.read(directory)._asdict().items():
            if split is not None:
                counts = np.bincount(split.labels)
                shape = " × ".join(map(str, split.images.shape[1:]))
                what = f"{len(split):,} samples of {shape} {split.images.dtype}"
                classes = f"{counts.size} classes of {counts.min():,} to {counts.max():,}"
                lines.append(f"{purpose}: {what}, {classes}")
        return "\n".join(lines)

    def where(self) -> str:
        """Where the files are, or how to get them."""
        if not self.wanted:
            return self.how
        try:
            found = self.find()
        except UserError:
            return f"not here: {self.how}"
        return str(found[0] if len(found) == 1 else found[0].parent)

    def content(self, path: Path) -> bytes:
        """What a file holds."""
        with self.readable(path):
            return path.read_bytes()

    def lines(self, path: Path) -> list[str]:
        """The lines of a text file; what is no text, on a damaged disk, is a mark in them."""
        text = self.content(path).decode("utf-8", errors="replace")
        return text.replace("\0", "\N{REPLACEMENT CHARACTER}").splitlines()

    @contextlib.contextmanager
    def readable(self, path: Path):
        """While a file is read: what the system refuses is an error of `damaged`."""
        try:
            yield
        except OSError as error:
            raise self.damaged(path, f"cannot be read ({error.strerror or error})") from None

    def damaged(self, path: Path, what) -> UserError:
        """The error for a file that is not as it should be."""
        return UserError(f"{path}: {what}; to get it again: {self.how}")

    def kept(self, file: str, make: Callable[[], Splits], warning: str = "") -> Splits:
        """What a file in the user's cache holds; made, and written for the next time, without it.

        A damaged one is made again: the result is the same. With a `warning` it is said when it
        cannot be written.
        """
        folder = user_cache("nsnn", self.name)
        if folder is None:
            return make()
        with contextlib.suppress(OSError, ValueError, KeyError):  # not there, or damaged
            held, names = read_arrays(folder / file), ("train", "test")
            return Splits(*(Split(held[f"{n}_images"], held[f"{n}_labels"]) for n in names))
        splits = make()
        content = {}
        for purpose, split in zip(("train", "test"), splits[:2], strict=True):
            content |= {f"{purpose}_images": split.images, f"{purpose}_labels": split.labels}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomic(folder / file, lambda file: np.savez(file, **content))
        except (OSError, RunError) as error:
            if warning:
                warnings.warn(f"{warning} ({error})", RuntimeWarning, stacklevel=4)
        return splits

    def gathered(self, kind: str, samples: tuple, shape: tuple, read: Callable) -> Splits:
        """Splits of many files: `read(sample)` gives the array of each, uint8 of this `shape`.

        `samples` are those to train and those to test, tuples of path, label and what else there
        is. All is kept in the user's cache, under a name that begins with `kind` and is another
        when samples or files change; RuntimeWarning when that fails.
        """

        def gather(part: list[tuple]) -> Split:
            images = np.empty((len(part), *shape), dtype=np.uint8)
            bar = tqdm(part, f"reading {self.name}", unit="", disable=None, leave=False)
            for i, sample in enumerate(bar):
                images[i] = read(sample)
            return Split(images, np.array([label for _, label, *_ in part], dtype=np.int64))

        warning = f"{self.name}: images are not kept, the next run reads all files again"
        name = f"{kind}-{self.stamp(samples)}.npz"
        return self.kept(name, lambda: Splits(*map(gather, samples)), warning)

    def stamp(self, samples: tuple) -> str:
        """A digest of `samples` and of the sizes and times of their files."""
        digest = hashlib.sha256()
        for purpose, part in zip(("train", "test"), samples, strict=True):
            for path, *what in part:
                with self.readable(path):
                    state = os.stat(path)
                place = "/".join(path.parts[-3:])  # two images of Tiny-ImageNet differ there
                line = f"{purpose} {place} {state.st_size} {state.st_mtime_ns} {what}\n"
                digest.update(line.encode())
        return digest.hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class MadeSource(DataSource, abc.ABC):
    """A data set that a program makes, the same bytes on each machine, and keeps in the cache."""

    code = ()  # the files of this program

    def read(self, directory=None, time_steps: int | None = None) -> Splits:
        """Training and test split, from the cache or made anew."""
        return self.kept(self.file_name(time_steps), lambda: self.made(time_steps))

    def file_name(self, time_steps: int | None = None) -> str:
        """Of the file in the cache; it changes with the code, so that none goes stale."""
        code = b"".join(path.read_bytes() for path in self.code)
        digest = hashlib.sha256(code + repr(self).encode()).hexdigest()
        frames = f"-{self.cut_by}-{time_steps or TIME_STEPS}" if self.events else ""
        return f"{self.name}{frames}-{digest[:12]}.npz"

    @abc.abstractmethod
    def made(self, time_steps: int | None) -> Splits:
        """The data set made anew; `time_steps`: frames of each recording of events."""
