"""Unpacking archives: whole or not at all, nothing outside the folder."""

import pytest

from nsnn.data import download

FILES = {"top/a.bin": b"a" * 5000, "top/sub/b.txt": b"bb", "top/empty": b""}
KINDS = ["files.tar.gz", "files.zip"]


@pytest.fixture(params=KINDS)
def path(request, tmp_path):
    return tmp_path / request.param


def content(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {f"top/{path.relative_to(folder)}": path.read_bytes() for path in files}


def beside(path):
    """What else is in the archive's folder."""
    return sorted(p.name for p in path.parent.iterdir() if p != path)


OUTSIDE = ("__MACOSX/top/a.bin", "notes", "top", "../evil", "top/../../evil", "/evil")


def test_everything_in_the_folder_is_unpacked_and_nothing_else(path, pack):
    download.unpack(pack(path, FILES | dict.fromkeys(OUTSIDE, b"x")), path.parent / "top")
    assert content(path.parent / "top") == FILES
    assert beside(path) == ["top"]


@pytest.mark.parametrize("damage", ["missing", "longer", "changed", "folder"])
def test_differences_are_found_and_mended(path, pack, damage):
    folder = path.parent / "top"
    download.unpack(pack(path, FILES), folder)
    assert download.first_difference(path, folder) is None
    target = folder / "sub" / "b.txt"
    target.unlink()
    if damage == "folder":
        target.mkdir()
    elif damage != "missing":
        target.write_bytes({"longer": b"bbb", "changed": b"bx"}[damage])
    assert download.first_difference(path, folder) == target
    download.unpack(path, folder)
    assert content(folder) == FILES
    assert beside(path) == ["top"]


def test_remains_of_an_earlier_attempt_and_other_files_are_removed(path, pack):
    for name in ("top.part", "top"):
        (path.parent / name).mkdir()
        (path.parent / name / "stale").write_bytes(b"")
    download.unpack(pack(path, FILES), path.parent / "top")
    assert content(path.parent / "top") == FILES
    assert beside(path) == ["top"]
