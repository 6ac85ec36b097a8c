"""Without a writable place for compiled kernels nsnn still works, and says so once."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

import pytest

import nsnn
from nsnn import cachedir


@pytest.fixture
def blocked(tmp_path):
    """A folder that cannot be made, even by root: it would lie below a regular file."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "folder"


def test_writable(tmp_path, blocked):
    assert cachedir.writable(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]  # nothing is left behind
    assert cachedir.writable(tmp_path / "new" / "folder")
    assert not cachedir.writable(blocked)
    assert not cachedir.writable(tmp_path / "file")


def test_usual_places(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    beside, user = cachedir._usual_places()
    assert beside == pathlib.Path(nsnn.__file__).parent / "kernels" / "__pycache__"
    assert user == tmp_path / "numba"


def test_no_home(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(pathlib.Path, "home", nobody)
    assert len(cachedir._usual_places()) == 1


@pytest.mark.parametrize("writable", [0, 1])
def test_nothing_happens_when_one_place_is_writable(writable, monkeypatch, tmp_path, blocked):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    places = [blocked, blocked]
    places[writable] = tmp_path
    monkeypatch.setattr(cachedir, "_usual_places", lambda: places)
    cachedir.ensure_writable()
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_a_temporary_folder_and_one_warning(monkeypatch, tmp_path, blocked):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # set first, so that it is put back at the end
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(cachedir, "_usual_places", lambda: [blocked])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.warns(RuntimeWarning, match="no writable place for compiled kernels") as seen:
        cachedir.ensure_writable()
    assert len(seen) == 1
    folder = pathlib.Path(os.environ["NUMBA_CACHE_DIR"])
    assert folder.parent == tmp_path
    assert folder.is_dir()
    assert str(folder) in str(seen[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cachedir.ensure_writable()  # it is set now: nothing to do
    assert os.environ["NUMBA_CACHE_DIR"] == str(folder)


@pytest.mark.parametrize("full", ["first", "second"])
def test_a_full_disk_counts_where_numba_would_write(full, monkeypatch, tmp_path):
    """Numba takes the first place where it can make an empty file; the second is not asked."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    places = [tmp_path / "first", tmp_path / "second"]
    monkeypatch.setattr(cachedir, "_usual_places", lambda: places)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        shutil, "disk_usage",
        lambda folder: usage._replace(free=cachedir.ROOM - (folder.name == full)),
    )  # fmt: skip
    if full == "first":
        with pytest.warns(RuntimeWarning, match="with 16 MiB free"):
            cachedir.ensure_writable()
        assert pathlib.Path(os.environ["NUMBA_CACHE_DIR"]).parent == tmp_path
    else:
        cachedir.ensure_writable()
        assert "NUMBA_CACHE_DIR" not in os.environ


def test_a_choice_of_the_user_is_left_alone(monkeypatch, blocked):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/chosen")
    monkeypatch.setattr(cachedir, "_usual_places", lambda: [blocked])
    cachedir.ensure_writable()
    assert os.environ["NUMBA_CACHE_DIR"] == "/chosen"


SCRIPT = """
import numpy as np
from nsnn.kernels.select import select_largest_update
none = np.zeros(0, np.int64)
score, position, count = np.zeros(1), np.zeros(1, np.int64), np.zeros(1, np.int64)
select_largest_update(np.array([[1.0, -3.0, 2.0]]), 0, 3, none, score, position, count)
print(position[0])
"""


def test_a_process_with_neither_cache_nor_home(tmp_path, blocked):
    """A copy of the package whose caches cannot be written, and a home that is not a folder."""
    copy = tmp_path / "site" / "nsnn"
    source = pathlib.Path(nsnn.__file__).parent
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "kernels" / "__pycache__").write_text("a file where a folder should be")
    (tmp_path / "temporary").mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    environment |= {
        "HOME": str(blocked), "XDG_CACHE_HOME": str(blocked), "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONPATH": str(copy.parent), "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=tmp_path, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "1"
    assert done.stderr.count("RuntimeWarning: no writable place for compiled kernels") == 1
    assert list((tmp_path / "temporary").glob("nsnn-numba-*/**/*.nbi"))  # compiled into it
