"""Glyph digits: outlines and their distance fields, drawing, the file in the cache."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nsnn.data import glyphs, load
from nsnn.data.arrays import ARRAYS
from nsnn.data.glyphs import FIELD, HALF_SIDE, TEST_FACES, TRAIN_FACES, Face

PLAIN = glyphs.Style(
    tilt=0, shear=0, scale=(1, 1), shift=0, thicken=(0, 0), blur=(1, 1), contrast=(1, 1), noise=0
)


def draw(size=40, seed=0, faces=TRAIN_FACES[:2], style=None):
    return glyphs.draw(faces, size, np.random.default_rng(seed), style)


def test_types_balance_and_seeds():
    images, labels = draw(43)
    assert images.shape == (43, 1, glyphs.SIDE, glyphs.SIDE)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert set(np.bincount(labels)) == {4, 5}
    assert draw(43)[0].tobytes() == images.tobytes() != draw(43, seed=1)[0].tobytes()
    assert draw(43)[1].tobytes() == labels.tobytes()


def test_the_bytes_are_those_of_every_machine():
    # A change of this number changes all results on glyphs: say so where they are listed.
    images, labels = draw(600, faces=TEST_FACES)
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert digest[:16] == "40fe6c38c1f40dfc"


def test_without_distortion_a_digit_of_one_face_is_always_the_same():
    images, labels = draw(60, faces=TRAIN_FACES[:1], style=PLAIN)
    for digit in range(10):
        assert len(np.unique(images[labels == digit], axis=0)) == 1
    assert len(np.unique(images, axis=0)) == 10
    # Centred, and as high as said.
    rows = np.flatnonzero((images > 127).any(axis=(0, 1, 3)))
    assert abs(rows.mean() - (glyphs.SIDE - 1) / 2) <= 0.5
    assert abs(len(rows) - 18) <= 1


@pytest.mark.parametrize("name", PLAIN._fields)
def test_each_distortion_changes_the_picture(name):
    strong = PLAIN._replace(**{name: getattr(glyphs.Style(), name)})
    plain, _ = draw(60, faces=TRAIN_FACES[:1], style=PLAIN)
    images, labels = draw(60, faces=TRAIN_FACES[:1], style=strong)
    assert len(np.unique(images, axis=0)) > 50
    assert len(np.unique(plain, axis=0)) == 10
    assert np.bincount(labels).tolist() == [6] * 10


def test_each_digit_is_one_high_and_inside_its_field():
    axis = np.linspace(-HALF_SIDE, HALF_SIDE, FIELD)
    fields = glyphs.distance_fields(TRAIN_FACES[:1] + TEST_FACES[-1:])
    assert fields.shape == (2, 10, FIELD, FIELD)
    rows = np.any(fields < 0, axis=3)
    heights = [np.ptp(axis[np.flatnonzero(r)]) for r in rows.reshape(-1, FIELD)]
    assert all(1 - 2 * (axis[1] - axis[0]) <= height <= 1 for height in heights)
    assert min(fields[..., [0, -1], :].min(), fields[..., [0, -1]].min()) > 0.1  # at the border


def test_no_font_file_is_in_both_splits():
    train, test = ({face.file for face in faces} for faces in (TRAIN_FACES, TEST_FACES))
    assert not train & test
    assert len(set(TRAIN_FACES)) == len(TRAIN_FACES)
    assert len(set(TEST_FACES)) == len(TEST_FACES)


def test_a_missing_font_is_named(refused):
    with refused("nowhere.ttf", "reinstall matplotlib"):
        glyphs.distance_fields((Face("nowhere"),))


def test_drawn_once_or_without_a_cache_each_time(cache, small_glyphs, same, monkeypatch, request):
    first = small_glyphs.read()
    assert [len(split) for split in first[:2]] == [40, 20]
    assert not np.array_equal(first.train.labels[:20], first.test.labels)
    assert [path.name for path in (cache / "glyphs").iterdir()] == [small_glyphs.file_name()]
    draw = glyphs.draw
    monkeypatch.setattr(glyphs, "draw", None)
    assert same(first, small_glyphs.read())
    request.getfixturevalue("no_home")
    monkeypatch.setattr(glyphs, "draw", draw)
    assert same(first, small_glyphs.read())


def test_the_name_follows_the_code_and_the_sizes(tmp_path, monkeypatch, small_glyphs):
    before = small_glyphs.file_name()
    assert replace(small_glyphs, sizes=(40, 21)).file_name() != before
    changed = tmp_path / "glyphs.py"
    changed.write_bytes(Path(glyphs.__file__).read_bytes() + b"# other code\n")
    monkeypatch.setattr(glyphs.GlyphsSource, "code", (changed,))
    assert small_glyphs.file_name() != before


def test_the_file_is_equal_each_time_and_an_example_of_arrays(cache, small_glyphs, same):
    path = cache / "glyphs" / small_glyphs.file_name()
    drawn = small_glyphs.read()
    before = path.read_bytes()
    path.unlink()
    small_glyphs.read()
    assert path.read_bytes() == before
    assert same(ARRAYS.read(path), drawn)
    assert load("arrays", path).train.fingerprint() == drawn.train.fingerprint()
