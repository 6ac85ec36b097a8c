"""Shifted crops, mirror images and Cutout of training batches."""

import contextlib

import numpy as np
import pytest

from nsnn.data import Batch, Split, Splits, augment
from nsnn.data.dataset import assemble

SEEDS = range(5)


def make(n=40, shape=(3, 12, 10), dtype=np.uint8, seed=0):
    """Images without a black pixel, all pixels of an image different enough to place them."""
    images = np.random.default_rng(seed).integers(1, 256, size=(n, *shape)).astype(np.uint8)
    return images if dtype == np.uint8 else (images / 255).astype(dtype)


def crops(image, pad):
    """All (top, left) → crop of one image (C, H, W), slowly."""
    _, height, width = image.shape
    padded = np.pad(image, ((0, 0), (pad, pad), (pad, pad)))
    places = range(2 * pad + 1)
    return {(i, j): padded[:, i : i + height, j : j + width] for i in places for j in places}


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("shape", "pad"), [((3, 12, 31), 2), ((3, 32, 33), 4), ((1, 64, 65), 8)])
def test_each_crop_is_one_of_the_padded_image(dtype, shape, pad):
    images = make(3, shape, dtype)
    cropped = augment.crop(images, np.random.default_rng(1))
    assert (cropped.dtype, cropped.shape) == (images.dtype, images.shape)
    for image, result in zip(images, cropped, strict=True):
        assert sum(np.array_equal(result, part) for part in crops(image, pad).values()) == 1


def test_every_place_is_met_equally_often():
    image = make(1)
    n = 25 * 200
    cropped = augment.crop(np.repeat(image, n, axis=0), np.random.default_rng(0))
    counts = [(cropped == part).all(axis=(1, 2, 3)).sum() for part in crops(image[0], 2).values()]
    assert sum(counts) == n
    # Chi-squared of 24 degrees of freedom: beyond 75 less than once in a million.
    assert sum((c - 200) ** 2 / 200 for c in counts) < 75


@pytest.mark.parametrize("seed", SEEDS)
def test_flip_mirrors_half_of_the_images(seed):
    images = make(1000, (2, 3, 4))
    result = augment.flip(images, np.random.default_rng(seed))
    same = (result == images).all(axis=(1, 2, 3))
    mirrored = (result == images[:, :, :, ::-1]).all(axis=(1, 2, 3))
    assert np.all(same ^ mirrored)
    assert abs(mirrored.sum() - 500) < 80  # 5 standard deviations


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_cutout_fills_a_clipped_square_with_black(dtype):
    n, side = 3000, 32
    before = make(n, (3, side, side), dtype)
    after = before.copy()
    augment.cutout(after, np.random.default_rng(0))
    filled = (after == 0).all(axis=1)
    assert np.array_equal(after, np.where(filled[:, None], 0, before))
    rows, columns = filled.any(axis=2), filled.any(axis=1)
    assert np.array_equal(filled, rows[:, :, None] & columns[:, None, :])
    for covered in (rows, columns):
        first, last = covered.argmax(axis=1), side - 1 - covered[:, ::-1].argmax(axis=1)
        assert np.array_equal(covered.sum(axis=1), last - first + 1)  # without a gap
        # A centre c covers c − 8 … c + 7 of 0 … 31: each c once, as seen from both ends.
        centres = np.where(first > 0, first + 8, last - 7)
        assert np.array_equal(first, np.maximum(centres - 8, 0))
        assert np.array_equal(last, np.minimum(centres + 7, side - 1))
        counts = np.bincount(centres, minlength=side)
        assert counts.size == side
        # 31 degrees of freedom: beyond 80 about three times in a million.
        assert ((counts - n / side) ** 2 / (n / side)).sum() < 80


def test_late_spikes_leave_the_images_and_come_with_half_a_normal_delay():
    images = make(8, (3, 32, 32))
    given, rng = Batch(images, np.arange(8)), np.random.default_rng(3)
    (result,) = augment.augmented([given], "spike-delay", rng, delay=0.2)
    assert np.array_equal(result.images, images)
    assert result.delays.shape == images.shape
    assert result.delays.dtype == np.float32
    assert result.delays.min() >= 0
    assert result.delays.mean() == pytest.approx(0.2 * np.sqrt(2 / np.pi), rel=0.02)
    assert given.delays is None


@pytest.mark.parametrize("kind", ["none", "crop", "crop-flip", "crop-flip-cutout"])
def test_what_each_kind_does(kind):
    images = make(8, (3, 32, 32))
    rng = np.random.default_rng(3)
    expected = images
    if kind != "none":
        expected = augment.crop(images, rng)
    if kind not in ("none", "crop"):
        expected = augment.flip(expected, rng)
    if kind == "crop-flip-cutout":
        augment.cutout(expected, rng)
    given = Batch(images.copy(), np.arange(8))
    (result,) = augment.augmented([given], kind, np.random.default_rng(3))
    assert np.array_equal(result.images, expected)
    assert np.array_equal(result.images, images) == (kind == "none")
    assert np.array_equal(result.labels, np.arange(8))
    assert np.array_equal(given.images, images)


@pytest.mark.parametrize(("kind", "shape", "parts"), [
    ("none", (7, 2, 3, 4), None),
    ("crop-flip", (7, 2, 3, 4), ('data.augment = "crop-flip"', "dots holds events", '"none"')),
    ("crop-flip-cutout", (1, 17, 17), None),
    ("crop-flip", (1, 16, 40), None),
    ("crop-flip-cutout", (1, 16, 40), ("16 pixels", "dots, 16 × 40", '"crop-flip"')),
])  # fmt: skip
def test_events_and_images_that_cutout_would_blank_are_refused(kind, shape, parts, refused):
    split = Split(np.ones((6, *shape), np.uint8), np.arange(6) % 2)
    with refused(*parts) if parts else contextlib.nullcontext():
        augment.check(kind, assemble("dots", Splits(split, split)))
