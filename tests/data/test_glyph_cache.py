"""Glyph digits on disk."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nsnn.data import glyphs, load
from nsnn.data.arrays import ARRAYS


@pytest.fixture
def drawn(monkeypatch):
    """A list that grows by the size of each split that is drawn."""
    sizes, draw = [], glyphs.draw

    def count(faces, size, rng):
        sizes.append(size)
        return draw(faces, size, rng)

    monkeypatch.setattr(glyphs, "draw", count)
    return sizes


def test_drawn_once_then_read_until_damaged(cache, small_glyphs, drawn, same):
    first = small_glyphs.read()
    assert [len(split) for split in first[:2]] == [40, 20]
    assert not np.array_equal(first.train.labels[:20], first.test.labels)
    assert [path.name for path in (cache / "glyphs").iterdir()] == [small_glyphs.file_name]
    assert same(first, small_glyphs.read())
    assert drawn == [40, 20]
    (path,) = small_glyphs.find()
    path.write_bytes(path.read_bytes()[:1000])
    assert same(first, small_glyphs.read())
    assert same(first, small_glyphs.read())
    assert drawn == [40, 20] * 2


@pytest.mark.parametrize("where", ["file", "full", "no_home"])
def test_a_cache_that_cannot_be_written_does_no_harm(
    where, tmp_path, monkeypatch, request, small_glyphs, full_disk, drawn, same, cache
):
    if where == "no_home":
        request.getfixturevalue("no_home")
    if where == "file":
        (tmp_path / "file").write_bytes(b"")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with warnings.catch_warnings(action="error"):
        if where == "full":
            with full_disk():
                assert same(small_glyphs.read(), small_glyphs.read())
            assert list((cache / "glyphs").iterdir()) == []
        else:
            assert same(small_glyphs.read(), small_glyphs.read())
    assert drawn == [40, 20] * 2


def test_data_dir_may_hold_the_file(tmp_path, small_glyphs, drawn, cache):
    path = small_glyphs.get(tmp_path)
    for folder in (tmp_path, tmp_path / "glyphs"):
        small_glyphs.read(folder)
        assert small_glyphs.find(folder) == [path]
    assert drawn == [40, 20]
    assert not cache.exists()


def test_the_name_follows_the_code_and_the_sizes(tmp_path, monkeypatch, small_glyphs):
    before = small_glyphs.file_name
    assert replace(small_glyphs, sizes=(40, 21)).file_name != before
    changed = tmp_path / "glyphs.py"
    changed.write_bytes(Path(glyphs.__file__).read_bytes() + b"# other code\n")
    monkeypatch.setattr(glyphs, "__file__", str(changed))
    assert small_glyphs.file_name != before


def test_the_file_is_equal_each_time_and_an_example_of_arrays(tmp_path, small_glyphs, same):
    path, second = (small_glyphs.get(tmp_path / name) for name in "ab")
    assert path.read_bytes() == second.read_bytes()
    assert same(ARRAYS.read(path), small_glyphs.read(tmp_path / "a"))
    assert load("arrays", path).fingerprint() == load("glyphs", tmp_path / "a").fingerprint()
