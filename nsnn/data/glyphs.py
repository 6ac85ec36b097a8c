"""The embedded data set: 28 × 28 pictures of digits, drawn from matplotlib's fonts.

Each picture is one digit of one face, rotated, sheared, scaled and shifted, with its own stroke
thickness, blur, contrast and noise. Whole fonts are kept for the test split, so that it
asks for digits of a design that training has never shown. They are drawn once, then read.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nsnn.data import glyph_fonts
from nsnn.data.arrays import MadeSource
from nsnn.data.dataset import Split, Splits

SIDE = 28
"""Pixels along each side of a picture."""

_HEIGHT = 18.0  # pixels that a digit is high before it is scaled
_CHUNK = 500  # pictures drawn at once: their arrays stay in the processor's cache


class Style(NamedTuple):
    """How strongly pictures are distorted; each quantity is uniform in ± its value or its range."""

    tilt: float = 0.16  # tangent of half the rotation angle (0.16: ± 18°)
    shear: float = 0.32
    scale: tuple[float, float] = (0.7, 1.15)
    shift: float = 2.8  # pixels
    thicken: tuple[float, float] = (-0.25, 0.8)  # pixels added on each side of a stroke
    blur: tuple[float, float] = (1.0, 2.6)  # pixels over which ink fades
    contrast: tuple[float, float] = (0.42, 1.0)
    noise: float = 0.25


def draw(faces: tuple, size: int, rng: np.random.Generator, style: Style | None = None) -> tuple:
    """Draw pictures of digits, each equally often (to within one), as `glyph_fonts.Face`s do.

    Returns uint8 (size, 1, SIDE, SIDE), white ink (255) on black as MNIST, and their labels,
    int64 (size,). Only operations that IEEE 754 rounds exactly are used (no sine, no exponential,
    no BLAS), so the same generator gives the same bytes on each machine.
    """
    style = style or Style()
    fields = glyph_fonts.distance_fields(faces)
    labels = rng.permutation(np.arange(size) % 10)
    images = np.empty((size, 1, SIDE, SIDE), dtype=np.uint8)
    for start in range(0, size, _CHUNK):
        part = labels[start : start + _CHUNK]
        which = rng.integers(len(faces), size=part.size)
        images[start : start + _CHUNK, 0] = _draw_chunk(fields, which * 10 + part, rng, style)
    return images, labels


def _draw_chunk(fields, glyphs, rng, style) -> np.ndarray:
    """Pictures (n, SIDE, SIDE) of the glyphs with flat numbers `glyphs` (n,) in `fields`."""
    n = glyphs.size

    def uniform(low, high):
        # Not rng.uniform: its C code may be compiled to a fused multiply-add, with other bits.
        return (low + (high - low) * rng.random((n, 1, 1))).astype(np.float32)

    x, y = _sources(uniform, style)
    distance = _sample(fields.reshape(-1, *fields.shape[2:]), glyphs, x, y) * np.float32(_HEIGHT)
    ink = np.clip(0.5 - (distance - uniform(*style.thicken)) / uniform(*style.blur), 0, 1)
    ink *= uniform(*style.contrast)
    # The sum of two uniform numbers: a triangular distribution, white noise.
    grain = rng.random((2, n, SIDE, SIDE), dtype=np.float32).sum(axis=0) - 1
    ink += np.float32(style.noise) * grain
    return np.rint(np.clip(ink, 0, 1) * 255).astype(np.uint8)


def _sources(uniform, style) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel's centre lies in the glyph: x and y (n, SIDE, SIDE), in digit heights."""
    pixel = (np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2).astype(np.float32)
    u = (pixel[None, None, :] - uniform(-style.shift, style.shift)) / np.float32(_HEIGHT)
    v = (pixel[None, :, None] - uniform(-style.shift, style.shift)) / np.float32(_HEIGHT)
    # Rotation by φ from t = tan(φ/2): cos φ = (1 − t²)/(1 + t²), sin φ = 2t/(1 + t²).
    t = uniform(-style.tilt, style.tilt)
    cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    x = (cosine * u + sine * v) / uniform(*style.scale)
    y = (cosine * v - sine * u) / uniform(*style.scale)
    return x + uniform(-style.shear, style.shear) * y, y


def _sample(fields, glyphs, x, y) -> np.ndarray:
    """Bilinear interpolation of `fields[glyphs]` at (x, y), clamped to the border."""
    step = np.float32(2 * glyph_fonts.HALF_SIDE / (glyph_fonts.FIELD - 1))
    last = np.float32(glyph_fonts.FIELD - 1 - 1e-3)
    column = np.clip((x + np.float32(glyph_fonts.HALF_SIDE)) / step, 0, last)
    row = np.clip((y + np.float32(glyph_fonts.HALF_SIDE)) / step, 0, last)
    j, i = column.astype(np.int32), row.astype(np.int32)
    b, a = column - j.astype(np.float32), row - i.astype(np.float32)
    flat = fields.ravel()
    corner = glyphs[:, None, None].astype(np.int32) * glyph_fonts.FIELD**2
    corner = corner + i * glyph_fonts.FIELD + j
    top = flat[corner] * (1 - b) + flat[corner + 1] * b
    below = corner + glyph_fonts.FIELD
    bottom = flat[below] * (1 - b) + flat[below + 1] * b
    return top * (1 - a) + bottom * a


@dataclass(frozen=True, kw_only=True)
class GlyphsSource(MadeSource):
    """The glyph digits: drawn when no file of them is there."""

    how = "nothing to do, it is drawn at first use (about 1 s)"
    code = (Path(glyph_fonts.__file__), Path(__file__))

    def made(self, time_steps: int | None = None) -> Splits:
        (train, test), (first, second) = self.sizes, np.random.default_rng(0).spawn(2)
        return Splits(
            Split(*draw(glyph_fonts.TRAIN_FACES, train, first)),
            Split(*draw(glyph_fonts.TEST_FACES, test, second)),
        )


GLYPHS = GlyphsSource(
    name="glyphs",
    description="digits drawn from matplotlib's fonts, test fonts unseen in training",
    shape=(1, SIDE, SIDE),
    sizes=(6_000, 2_000),
    classes=10,
)
