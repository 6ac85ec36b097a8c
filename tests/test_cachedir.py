"""Without a writable place for compiled kernels nsnn still works, and says so once."""

import os
import pathlib
import shutil
import tempfile

import pytest

import nsnn
from nsnn import cachedir


@pytest.fixture
def blocked(tmp_path):
    """A folder that cannot be made, even by root: it would lie below a regular file."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "folder"


@pytest.fixture(autouse=True)
def unset(monkeypatch, tmp_path):
    """No folder is chosen yet; temporary ones are made in `tmp_path`."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # set first, so that it is put back at the end
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_places_that_numba_tries(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    beside = pathlib.Path(nsnn.__file__).parent / "kernels" / "__pycache__"
    assert cachedir.usual_places() == [beside, tmp_path / "numba"]

    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(pathlib.Path, "home", nobody)
    assert cachedir.usual_places() == [beside]


def test_where_no_place_is_writable_a_temporary_folder_and_one_warning(tmp_path, blocked):
    for places in ([tmp_path, blocked], [blocked, tmp_path]):
        cachedir.ensure_writable(places)
        assert "NUMBA_CACHE_DIR" not in os.environ
    with pytest.warns(RuntimeWarning, match="no writable place for compiled kernels") as seen:
        cachedir.ensure_writable([blocked])
    assert len(seen) == 1
    folder = pathlib.Path(os.environ["NUMBA_CACHE_DIR"])
    cachedir.ensure_writable([blocked])  # it is set now: nothing to do, nothing to warn of
    assert str(folder) in str(seen[0].message)
    assert os.environ["NUMBA_CACHE_DIR"] == str(folder)
    assert folder.is_dir()
    assert folder.parent == tmp_path


def test_a_full_disk_counts_where_numba_would_write(monkeypatch, tmp_path):
    """Numba takes the first place where it can make an empty file; the second is not asked."""
    first, second = tmp_path / "first", tmp_path / "second"
    usage = shutil.disk_usage(tmp_path)
    free = {second: cachedir.ROOM - 1, first: cachedir.ROOM}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=free[folder]))
    cachedir.ensure_writable([first, second])
    assert "NUMBA_CACHE_DIR" not in os.environ
    free[first] -= 1
    with pytest.warns(RuntimeWarning, match="with 16 MiB free"):
        cachedir.ensure_writable([first, second])
    assert pathlib.Path(os.environ["NUMBA_CACHE_DIR"]).parent == tmp_path


# The command line with a command that compiles a kernel.
COUNT = """
import sys
import numpy as np
import nsnn.gradcheck
from nsnn import cli
from nsnn.kernels.count import column_uses
image, uses = np.array([[[[0.0, 2.0]]]]), np.zeros(1, np.int64)
count = lambda: (column_uses(image, 1, 1, 1, 0, 1, 1, uses, 0, 1) or uses[0], True)
nsnn.gradcheck.main_table = count
sys.exit(cli.main(["gradcheck"]))
"""


def test_a_process_with_neither_cache_nor_home(tmp_path, blocked, python):
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
    done = python("-c", COUNT, env=environment, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "1"
    assert done.stderr.count("RuntimeWarning: no writable place for compiled kernels") == 1
    assert list((tmp_path / "temporary").glob("nsnn-numba-*/**/*.nbi"))  # compiled into it


def test_a_damaged_kernel_cache_is_one_line(tmp_path, python):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}

    def count():
        done = python("-c", COUNT, env=environment)
        return done.returncode, done.stderr

    assert count() == (0, "")
    for end, damage in (("nbi", lambda data: data[:30]), ("nbc", lambda data: b"junk" * 9)):
        (path,) = tmp_path.glob(f"**/*column_uses*.{end}")
        whole = path.read_bytes()
        path.write_bytes(damage(whole))
        code, said = count()
        assert (code, said.count("\n")) == (1, 1)
        assert "a compiled kernel is damaged: empty the kernel cache, see nsnn info" in said
        path.write_bytes(whole)
