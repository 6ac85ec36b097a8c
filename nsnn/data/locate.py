"""Where the files of a data set are: `data.dir`, `$NSNN_DATA`, the user cache, in this order.

In each of the first two, the sub-folder of the data set's name comes before the folder itself:
MNIST and Fashion-MNIST have equal file names, so the more specific place has to win. The folder
that an official archive unpacks to may lie in each of the places.
"""

import os
from pathlib import Path

from nsnn.errors import UserError


def user_cache(name: str) -> Path | None:
    """The folder of data set `name` in the user's cache, or None when there is no home.

    It need not exist, and may not be writable.
    """
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is invalid and has to be ignored.
    if not os.path.isabs(cache):
        try:
            cache = Path.home() / ".cache"
        except RuntimeError:
            return None
    return Path(cache, "nsnn", name)


def given_folder(directory: str | os.PathLike) -> Path:
    """`directory` as a path with ~ replaced.

    Raises
    ------
    UserError
        If it begins with ~ and there is no home.
    """
    try:
        return Path(directory).expanduser()
    except RuntimeError as error:
        raise UserError(f"data.dir = {directory}: ~ cannot be replaced, {error}") from None


def candidates(name: str, directory: str | os.PathLike | None = None) -> list[Path]:
    """The folders to search for data set `name`, in order; they need not exist.

    Parameters
    ----------
    name : str
    directory : path-like, optional
        `data.dir`; None or "" when it was not given.

    Raises
    ------
    UserError
        If `directory` was given and is not a folder.
    """
    folders = []
    if directory:
        given = given_folder(directory)
        if not os.path.isdir(given):
            raise UserError(f"data.dir = {directory}: there is no such folder")
        folders += [given / name, given]
    if os.environ.get("NSNN_DATA"):
        shared = Path(os.environ["NSNN_DATA"])
        folders += [shared / name, shared]
    cache = user_cache(name)
    # Two of the places may be one.
    return list(dict.fromkeys(folders if cache is None else [*folders, cache]))


def present(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The first of the alternative file names that exists in `folder`, as a path."""
    # os.path.isfile and not Path.is_file: a folder that may not be read counts as empty.
    return next((folder / name for name in names if os.path.isfile(folder / name)), None)


def find_files(
    name: str,
    wanted: list[tuple[str, ...]],
    how: str,
    directory: str | os.PathLike | None = None,
    unpacked: str = "",
) -> list[Path]:
    """Paths of all files of a data set, from the first folder that has any of them.

    Parameters
    ----------
    name : str
    wanted : list of tuple of str
        For each file, its alternative names.
    how : str
        How to get the files, for the message.
    directory : path-like, optional
        `data.dir`.
    unpacked : str
        The folder in the official archive, which may lie in each of the places as well.

    Returns
    -------
    list of Path
        One for each of `wanted`.

    Raises
    ------
    UserError
        If no folder has the files, or the first that has one lacks another.
    """
    folders = candidates(name, directory)
    if unpacked:
        folders = [place for folder in folders for place in (folder / unpacked, folder)]
    for folder in folders:
        found = [present(folder, names) for names in wanted]
        if all(found):
            return found
        if any(found):
            missing = " and ".join(w[0] for w, path in zip(wanted, found, strict=True) if not path)
            raise UserError(f"{name}: {folder} has no {missing}; to get it: {how}")
    looked = ", ".join(map(str, folders)) or "no folder (no data.dir, $NSNN_DATA or home is set)"
    raise UserError(
        f"{name}: {wanted[0][0]} not found; looked in {looked}; "
        f"to get it: {how}, or set data.dir to a folder that has it"
    )
