"""Unpacking archives: whole or not at all, nothing outside the folder."""

import io
import os
import stat
import tarfile
import zipfile

import pytest

from nsnn.data import archive
from nsnn.errors import RunError

FILES = {"top/a.bin": b"a" * 5000, "top/sub/b.txt": b"bb", "top/empty": b""}
KINDS = ["files.tar.gz", "files.zip"]


def make(path, files=FILES, links=()):
    """An archive of files and of symbolic links to /etc."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            opened.mkdir("top")
            for name in (*files, *links):
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = (stat.S_IFLNK | 0o777) << 16 if name in links else 0
                opened.writestr(info, files.get(name, "/etc"))
        return path
    with tarfile.open(path, "w:gz") as opened:
        for name in ("top", *files, *links):
            info = tarfile.TarInfo(name)
            content = files.get(name, b"")
            info.size = len(content)
            if name not in files:
                info.type = tarfile.SYMTYPE if name in links else tarfile.DIRTYPE
                info.linkname = "/etc"
            opened.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture(params=KINDS)
def path(request, tmp_path):
    return tmp_path / request.param


def content(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {f"top/{path.relative_to(folder)}": path.read_bytes() for path in files}


def beside(path):
    """What else is in the archive's folder."""
    return sorted(p.name for p in path.parent.iterdir() if p != path)


OUTSIDE = {"__MACOSX/top/a.bin": b"x", "notes": b"x", "./": b"", "top": b"x"}


@pytest.mark.parametrize("more", [{}, OUTSIDE])
def test_everything_in_the_folder_is_unpacked_and_nothing_else(path, more):
    more = {name.strip("/") if path.suffix == ".gz" else name: x for name, x in more.items()}
    archive.unpack(make(path, FILES | more), path.parent / "top")
    assert content(path.parent / "top") == FILES
    assert beside(path) == ["top"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["missing", "longer", "changed", "folder"])
def test_differences_are_found_and_mended(path, name, damage):
    folder = path.parent / "top"
    archive.unpack(make(path), folder)
    assert archive.first_difference(path, "top", folder) is None
    target = path.parent / name
    size = len(FILES[name])
    target.unlink()
    if damage == "folder":
        target.mkdir()
    elif damage == "longer":
        target.write_bytes(FILES[name] + b"x")
    elif damage == "changed":
        target.write_bytes(b"x" * max(size, 1))
    assert archive.first_difference(path, "top", folder) == target
    archive.unpack(path, folder)
    assert content(folder) == FILES
    assert beside(path) == ["top"]


def test_remains_of_an_earlier_attempt_are_removed(path):
    for name in ("top.part", "top.old"):
        (path.parent / name).mkdir()
        (path.parent / name / "stale").write_bytes(b"")
    (path.parent / "top").mkdir()
    archive.unpack(make(path), path.parent / "top")
    assert content(path.parent / "top") == FILES
    assert beside(path) == ["top"]


@pytest.mark.parametrize(
    "name", ["../evil", "top/../../evil", "/evil", "C:/evil", "top\\..\\evil", "top/../evil"]
)
def test_paths_that_lead_elsewhere_are_refused(path, name, refused):
    make(path, {**FILES, name: b"evil"})
    with refused(path, "evil", "not unpacked", error=RunError):
        archive.unpack(path, path.parent / "folder" / "top")
    assert list(path.parent.rglob("*evil*")) == []
    assert not os.path.exists("/evil")
    assert not (path.parent / "folder" / "top").exists()


def test_links_and_archives_without_the_folder_are_refused(path, refused):
    with refused(make(path), "no folder other", error=RunError):
        archive.unpack(path, path.parent / "other")
    with refused(make(path, links=["top/link"]), "top/link", "not unpacked", error=RunError):
        archive.unpack(path, path.parent / "top")
    assert beside(path) == []


@pytest.mark.parametrize("kept", [0, 0.2, 0.5, 0.9])
def test_an_archive_that_is_cut_short_leaves_what_was_there(path, kept, refused):
    whole, folder = make(path).read_bytes(), path.parent / "top"
    path.write_bytes(whole[: int(kept * len(whole))])
    with refused(path, "damaged", error=RunError):
        archive.unpack(path, folder)
    assert beside(path) == []
    archive.unpack(make(path), folder)
    path.write_bytes(whole[: int(kept * len(whole))])
    with refused(path, "damaged", error=RunError):
        archive.unpack(path, folder)
    assert content(folder) == FILES


@pytest.mark.parametrize(("local", "central", "value"), [(8, 10, 99), (6, 8, 1)])
def test_damaged_flags_of_a_zip_are_damage(tmp_path, local, central, value, refused):
    path = tmp_path / "files.zip"
    whole = bytearray(make(path, {"top/a": b"a" * 100}).read_bytes())
    name = whole.index(b"top/a")  # behind its local header, and again in the central directory
    whole[name - 30 + local] = whole[whole.rindex(b"top/a") - 46 + central] = value
    path.write_bytes(whole)
    with refused(path, "damaged", error=RunError):
        archive.unpack(path, tmp_path / "top")
    assert beside(path) == []


def test_a_full_disk_leaves_nothing(path, full_disk):
    make(path)
    with pytest.raises(OSError, match="too large"), full_disk():
        archive.unpack(path, path.parent / "top")
    assert beside(path) == []


def test_a_folder_that_cannot_be_replaced_is_not_lost(path, monkeypatch):
    folder = path.parent / "top"
    archive.unpack(make(path), folder)
    (folder / "empty").unlink()
    replace = os.replace

    def fail(source, target):
        if str(source).endswith(".part"):
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="Input/output"):
        archive.unpack(path, folder)
    assert (path.parent / "top.old" / "a.bin").read_bytes() == FILES["top/a.bin"]
