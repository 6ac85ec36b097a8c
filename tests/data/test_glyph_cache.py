"""Glyph digits on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from nsnn.data import glyphs, load
from nsnn.data.arrays import ARRAYS


def test_drawn_once_into_the_cache_or_without_one_each_time(
    cache, small_glyphs, same, monkeypatch, request
):
    first = small_glyphs.read()
    assert [len(split) for split in first[:2]] == [40, 20]
    assert not np.array_equal(first.train.labels[:20], first.test.labels)
    assert [path.name for path in (cache / "glyphs").iterdir()] == [small_glyphs.file_name]
    draw = glyphs.draw
    monkeypatch.setattr(glyphs, "draw", None)
    assert same(first, small_glyphs.read())
    request.getfixturevalue("no_home")
    monkeypatch.setattr(glyphs, "draw", draw)
    assert same(first, small_glyphs.read())


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
