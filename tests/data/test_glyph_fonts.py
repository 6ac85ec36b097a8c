"""Outlines of digits and their distance fields."""

import numpy as np

from nsnn.data import glyph_fonts
from nsnn.data.glyph_fonts import FIELD, HALF_SIDE, TEST_FACES, TRAIN_FACES, Face

AXIS = np.linspace(-HALF_SIDE, HALF_SIDE, FIELD)


def test_each_digit_is_one_high_and_inside_its_field():
    fields = glyph_fonts.distance_fields(TRAIN_FACES[:1] + TEST_FACES[-1:])
    assert fields.shape == (2, 10, FIELD, FIELD)
    rows = np.any(fields < 0, axis=3)
    heights = [np.ptp(AXIS[np.flatnonzero(r)]) for r in rows.reshape(-1, FIELD)]
    assert all(1 - 2 * (AXIS[1] - AXIS[0]) <= height <= 1 for height in heights)
    border = np.concatenate(
        [fields[..., 0, :], fields[..., -1, :], fields[..., 0], fields[..., -1]]
    )
    assert border.min() > 0.1


def test_no_font_file_is_in_both_splits():
    train, test = ({face.file for face in faces} for faces in (TRAIN_FACES, TEST_FACES))
    assert not train & test
    assert len(set(TRAIN_FACES)) == len(TRAIN_FACES)
    assert len(set(TEST_FACES)) == len(TEST_FACES)


def test_a_missing_font_is_named(refused):
    with refused("nowhere.ttf", "reinstall matplotlib"):
        glyph_fonts.distance_fields((Face("nowhere.ttf"),))
