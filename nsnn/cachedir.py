"""The user's cache, and where Numba keeps its compiled kernels when no usual place is writable."""

import os
import pathlib
import shutil
import tempfile
import warnings

ROOM = 16 << 20  # bytes; all kernels together take about 6 MiB


def writable(folder: pathlib.Path) -> bool:
    """True if `folder` exists, or can be made, and a file can be created in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def user_cache(*parts: str) -> pathlib.Path | None:
    """A folder in the user's cache, for what can be made again; None without a home."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is invalid and has to be ignored.
    if not os.path.isabs(cache):
        try:
            cache = pathlib.Path.home() / ".cache"
        except RuntimeError:
            return None
    return pathlib.Path(cache, *parts)


def usual_places() -> list[pathlib.Path]:
    """The folders that Numba tries: beside the source, then the user's cache."""
    beside, cache = pathlib.Path(__file__).parent / "kernels" / "__pycache__", user_cache("numba")
    return [beside] if cache is None else [beside, cache]


def ensure_writable(places=None) -> None:
    """Set `NUMBA_CACHE_DIR` to a private temporary folder when no usual place can be used.

    Without a place for its cache, Numba refuses to define a kernel that has `cache=True`, so the
    import of nsnn would fail; with a place that is full, the first compilation would. Numba takes
    the first place where it can make an (empty) file, so that one needs the room. A value of
    `NUMBA_CACHE_DIR` that is set already is left alone. A RuntimeWarning names the folder, once.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    places = usual_places() if places is None else places
    chosen = next((place for place in places if writable(place)), None)
    if chosen is not None and shutil.disk_usage(chosen).free >= ROOM:
        return
    folder = tempfile.mkdtemp(prefix="nsnn-numba-")
    os.environ["NUMBA_CACHE_DIR"] = folder
    warnings.warn(
        f"no writable place for compiled kernels with {ROOM >> 20} MiB free (beside the package or "
        f"in the user's cache): using {folder} for this process; set NUMBA_CACHE_DIR to a folder "
        "to keep them",
        RuntimeWarning,
        stacklevel=3,
    )
