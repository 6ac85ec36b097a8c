"""Atomic writes, JSON lines, the lock of a folder."""

import errno
import os
import zipfile

import numpy as np
import pytest

from nsnn import files
from nsnn.errors import RunError, UserError


def full(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "other"])
def test_an_error_keeps_the_old_file_and_leaves_no_other(tmp_path, monkeypatch, call):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")

    def write(file):
        file.write(b"half")
        if call == "write":
            full()
        if call == "other":
            raise ValueError("No space left on device: said by the writer")

    if call in ("fsync", "replace"):
        monkeypatch.setattr(files.os, call, full)
    kind, start = (ValueError, "") if call == "other" else (RunError, "cannot write .*a.txt: ")
    with pytest.raises(kind, match=f"^{start}No space left"):
        files.write_atomic(path, write)
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_is_no_file_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match="is a device or a pipe: name a file"):
        files.write_text(pipe, "text")
    with pytest.raises(UserError, match="is a folder"):
        files.write_text(tmp_path, "text")
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.txt").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "far" / "a.txt")
    files.write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far" / "a.txt").read_text() == "new"


def test_two_that_write_at_once_do_not_meet(tmp_path):
    """The one that ends last wins, and its file is whole."""
    path = tmp_path / "a.txt"

    def write(file):
        file.write(b"outer, first half ")
        files.write_text(path, "inner")
        file.write(b"and second half")

    files.write_atomic(path, write)
    assert path.read_text() == "outer, first half and second half"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_lock_clears_what_a_kill_left_and_nothing_else(tmp_path):
    for name in ("checkpoint.npz.0123abcd.tmp", "mine.tmp", "notes.txt"):
        (tmp_path / name).write_text("")
    with files.locked(tmp_path):
        assert sorted(os.listdir(tmp_path)) == [".lock", "mine.tmp", "notes.txt"]


def test_lines_come_back_exactly(tmp_path):
    path = tmp_path / "a.jsonl"
    records = [{"x": 0.1 + 0.2, "y": None}, {"x": 1e-300, "name": "ü"}]
    for record in records:
        files.append_line(path, record)
    assert files.read_lines(path) == records
    assert b"0.30000000000000004" in path.read_bytes()


@pytest.mark.parametrize(("held", "whole"), [
    (b'{"a": 1}\n{"a": 2}\n', 2), (b'{"a": 1}\n{"a": 2}\n{"a"', 2), (b'{"a": 1}\n' + b"\0" * 9, 1),
    (b'{"a": 1}\n{"a": 2}', 2),  # an editor may have taken the newline away
    (b'{"a"', 0), (b"", 0),
])  # fmt: skip
def test_a_line_cut_short_does_not_count_and_does_not_spoil_the_next(tmp_path, held, whole):
    path = tmp_path / "a.jsonl"
    path.write_bytes(held)
    kept = b'{"a": 1}\n{"a": 2}\n'[: 9 * whole]
    assert files.read_lines(path) == [{"a": 1}, {"a": 2}][:whole]
    files.append_line(path, {"a": 3})
    assert path.read_bytes() == kept + b'{"a": 3}\n'
    for lines in range(whole + 1):
        path.write_bytes(held)
        files.keep_lines(path, lines)
        assert path.read_bytes() == kept[: 9 * lines]
    path.write_bytes(held)
    said = f"has {whole} lines, the checkpoint was made after {whole + 1}"
    with pytest.raises(RunError, match=said):
        files.keep_lines(path, whole + 1)


def test_not_a_number_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        files.append_line(tmp_path / "a.jsonl", {"x": float("nan")})


@pytest.mark.parametrize("line", [b"", b"3", b"null", b"\xff\x00", b'{"a"', b"[" * 100_000])
def test_a_damaged_record_is_named(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' + line + b"\n")
    with pytest.raises(RunError, match=r"line 2 of .*a.jsonl is damaged"):
        files.read_lines(path)
    path.write_bytes(line)
    with pytest.raises(RunError, match=r"a.jsonl is damaged"):
        files.read_json(path)


def flipped(content, place, bits):
    """Bytes of which one is damaged."""
    content = bytearray(content)
    content[place] ^= bits
    return content


@pytest.mark.parametrize("change", [
    lambda c: b"not a zip",
    lambda c: b"x" + c,  # zipfile goes by its end
    lambda c: b"PKx" + c[3:],
    lambda c: c[:-200],
    lambda c: flipped(c, 300, 0xFF),  # among the values
    # Of the directory: flags, compression.
    lambda c: flipped(c, c.index(b"PK\x01\x02") + 8, 0x01),
    lambda c: flipped(c, c.index(b"PK\x01\x02") + 10, 0xFF),
])  # fmt: skip
def test_arrays_of_a_damaged_file(tmp_path, change):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(1000))
    assert files.read_arrays(path)["a"].tolist() == [*range(1000)]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError):
        files.read_arrays(path)


HEADER = "{{'descr': '|u1', 'fortran_order': False, 'shape': {}, }}\n"
SHAPES = (
    "(99999999999999999999999, 8)", "(4611686018427387904, 8, 8)", "(True, 8, 8)", "(-1, 8)",
    "(12, 8, 9)", "(1, " + "2, " * 70 + ")", "('a', 8)", "((3,), 8)", "(1e3, 8)",
)  # fmt: skip


@pytest.mark.parametrize("text", ["hello", "{'a':[\n", *map(HEADER.format, SHAPES)])
def test_members_that_are_no_arrays(tmp_path, text):
    start = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") if "{" in text else b""
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("a.npy", start + text.encode() + bytes(64))
    with pytest.raises(ValueError):
        files.read_arrays(tmp_path / "a.npz")
