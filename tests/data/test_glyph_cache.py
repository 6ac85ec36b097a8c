"""Glyph digits on disk."""

import os

import numpy as np
import pytest

from nsnn.data import glyph_cache, glyphs, registry

pytestmark = pytest.mark.usefixtures("small_glyphs")


def same(first, second):
    return all(
        np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels)
        for a, b in zip(first, second, strict=True)
    )


def test_drawn_once_then_read(cache, small_glyphs):
    first = glyph_cache.read_splits()
    assert [path.name for path in (cache / "glyphs").iterdir()] == [glyph_cache.file_name()]
    assert same(first, glyph_cache.read_splits())
    assert len(small_glyphs) == 1


def test_sizes_and_independent_splits():
    train, test = glyph_cache.read_splits()
    assert (len(train), len(test)) == (40, 20)
    assert not np.array_equal(train.labels[:20], test.labels)


def test_a_damaged_cache_is_drawn_again(small_glyphs):
    first = glyph_cache.read_splits()
    path = glyph_cache.find()
    path.write_bytes(path.read_bytes()[:1000])
    assert same(first, glyph_cache.read_splits())
    assert same(first, glyph_cache.read_splits())
    assert len(small_glyphs) == 2


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path, monkeypatch, small_glyphs):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert same(glyph_cache.read_splits(), glyph_cache.read_splits())
    assert len(small_glyphs) == 2


def test_no_home_does_no_harm(monkeypatch, small_glyphs):
    for module in ("glyph_cache", "locate"):
        monkeypatch.setattr(f"nsnn.data.{module}.user_cache", lambda name: None)
    assert same(glyph_cache.read_splits(), glyph_cache.read_splits())


def test_nothing_is_left_when_writing_fails(cache, monkeypatch):
    def full(*arguments, **names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    glyph_cache.read_splits()
    assert list((cache / "glyphs").iterdir()) == []


def test_data_dir_may_hold_the_file(tmp_path, small_glyphs, cache):
    path = glyph_cache.save(tmp_path / "glyphs")
    for folder in (tmp_path, tmp_path / "glyphs"):
        glyph_cache.read_splits(folder)
    assert len(small_glyphs) == 1
    assert glyph_cache.find(tmp_path) == path
    assert not cache.exists()


def test_the_name_follows_the_code(tmp_path, monkeypatch):
    before = glyph_cache.file_name()
    changed = tmp_path / "glyphs.py"
    changed.write_bytes(b"# other code\n")
    monkeypatch.setattr(glyphs, "__file__", str(changed))
    assert glyph_cache.file_name() != before


def test_equal_files_each_time(tmp_path):
    first, second = (glyph_cache.save(tmp_path / name).read_bytes() for name in "ab")
    assert first == second


def test_the_file_is_an_example_of_arrays(tmp_path):
    path = glyph_cache.save(tmp_path)
    mine, glyph = registry.load("arrays", path), registry.load("glyphs", tmp_path)
    assert same((mine.train, mine.test), (glyph.train, glyph.test))
    assert os.path.dirname(path) == str(tmp_path)
