"""Outlines of digits and their distance fields."""

import numpy as np
import pytest

from nsnn.data import glyph_fonts
from nsnn.data.glyph_fonts import FIELD, HALF_SIDE, TEST_FACES, TRAIN_FACES, Face

SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [0, 0]]) * 300.0 + [50, 70]
SQUARE_CODES = np.array([1, 2, 2, 2, 79])
AXIS = np.linspace(-HALF_SIDE, HALF_SIDE, FIELD)


def box_distance(half):
    """Signed distance to a centred square, in closed form."""
    x, y = np.abs(np.meshgrid(AXIS, AXIS)) - half
    return np.hypot(np.maximum(x, 0), np.maximum(y, 0)) + np.minimum(np.maximum(x, y), 0)


def test_the_field_of_a_square():
    field = glyph_fonts._field(glyph_fonts._segments(SQUARE, SQUARE_CODES))
    np.testing.assert_allclose(field, box_distance(0.5), atol=1e-6)


def test_a_contour_the_other_way_round_is_a_hole():
    inner = (SQUARE[[0, 3, 2, 1, 4]] - [50, 70]) / 2 + [50, 70]
    segments = glyph_fonts._segments(
        np.concatenate([SQUARE, inner]), np.concatenate([SQUARE_CODES] * 2)
    )
    expected = np.maximum(box_distance(0.5), -box_distance(0.25))
    inside = np.sign(glyph_fonts._field(segments))
    assert np.array_equal(inside, np.sign(expected))


def test_contours_that_overlap_stay_filled():
    both = np.concatenate([SQUARE, SQUARE + 0.0])
    segments = glyph_fonts._segments(both, np.concatenate([SQUARE_CODES] * 2))
    np.testing.assert_allclose(glyph_fonts._field(segments), box_distance(0.5), atol=1e-6)


@pytest.mark.parametrize("order", [2, 3])
def test_curves_pass_through_their_ends_and_middle(order):
    control = np.random.default_rng(order).normal(size=(order + 1, 2))
    weights = {2: [1, 2, 1], 3: [1, 3, 3, 1]}[order]
    points = glyph_fonts._curve(control, 4)
    np.testing.assert_allclose(points[-1], control[-1], atol=1e-15)
    np.testing.assert_allclose(points[1], np.average(control, axis=0, weights=weights), atol=1e-15)


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


def test_the_digits_of_a_face_differ():
    fields = glyph_fonts.distance_fields(TEST_FACES)
    for face in fields.reshape(len(TEST_FACES), 10, -1):
        apart = np.abs(face[:, None] - face[None]).mean(axis=2) + np.eye(10)
        assert apart.min() > 0.01


def test_no_font_file_is_in_both_splits():
    train, test = ({face.file for face in faces} for faces in (TRAIN_FACES, TEST_FACES))
    assert not train & test
    assert len(set(TRAIN_FACES)) == len(TRAIN_FACES)
    assert len(set(TEST_FACES)) == len(TEST_FACES)


def test_a_missing_font_is_named(refused):
    with refused("nowhere.ttf", "reinstall matplotlib"):
        glyph_fonts.distance_fields((Face("nowhere.ttf"),))
