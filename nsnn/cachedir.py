"""Where Numba keeps its compiled kernels when the usual places cannot be written."""

import os
import pathlib
import tempfile
import warnings


def writable(folder: pathlib.Path) -> bool:
    """True if `folder` exists, or can be made, and a file can be created in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _usual_places() -> list[pathlib.Path]:
    """The folders that Numba tries: beside the source, then the user's cache."""
    places = [pathlib.Path(__file__).parent / "kernels" / "__pycache__"]
    try:
        cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        places.append(pathlib.Path(cache) / "numba")
    except RuntimeError:  # no home directory can be determined
        pass
    return places


def ensure_writable() -> None:
    """Set `NUMBA_CACHE_DIR` to a private temporary folder when no usual place is writable.

    Without a place for its cache, Numba refuses to define a kernel that has `cache=True`, so the
    import of nsnn would fail. A value of `NUMBA_CACHE_DIR` that is set already is left alone.

    Warns
    -----
    RuntimeWarning
        Once, when the temporary folder is used: each process then compiles anew.
    """
    if os.environ.get("NUMBA_CACHE_DIR") or any(writable(place) for place in _usual_places()):
        return
    folder = tempfile.mkdtemp(prefix="nsnn-numba-")
    os.environ["NUMBA_CACHE_DIR"] = folder
    warnings.warn(
        "no writable place for compiled kernels (beside the package or in the user's cache): "
        f"using {folder} for this process; set NUMBA_CACHE_DIR to a folder to keep them",
        RuntimeWarning,
        stacklevel=3,
    )
