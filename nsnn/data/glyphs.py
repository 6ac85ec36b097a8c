"""The embedded data set: 28 × 28 pictures of digits, drawn from matplotlib's fonts.

Each picture is one digit of one face, rotated, sheared, scaled and shifted, with its own stroke
thickness, blur, contrast and noise. Whole fonts are kept for the test split, so that it
asks for digits of a design that training has never shown. They are drawn once, then read.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nsnn.data.dataset import Split, Splits
from nsnn.data.source import MadeSource
from nsnn.errors import UserError

SIDE = 28
"""Pixels along each side of a picture."""

_HEIGHT = 18.0  # pixels that a digit is high before it is scaled
_CHUNK = 500  # pictures drawn at once: their arrays stay in the processor's cache

FIELD = 40
"""Samples of a distance field along each side."""

HALF_SIDE = 0.8
"""A field spans [-HALF_SIDE, HALF_SIDE] in both directions; a digit is 1 high, centred on 0."""

_PIECES = 4  # straight pieces that stand for one curve of an outline


class Face(NamedTuple):
    """One drawing of the ten digits: a font's file and the character code of its zero."""

    file: str
    zero: int = ord("0")


# Each face's ten digits were looked at. Left out: cmex10 and cmsy10 (symbols where the digits
# should be), the double-struck digits, and copies of a face under a second character code.
# No font file serves both splits. The order belongs to the data set.
_SANS, _SANS_BOLD, _MONOSPACE = 0x1D7E2, 0x1D7EC, 0x1D7F6  # where a run 0..9 begins
TRAIN_FACES = (
    Face("DejaVuSans"), Face("DejaVuSans-Bold"),
    Face("DejaVuSans-Oblique"), Face("DejaVuSans-BoldOblique"),
    Face("DejaVuSansMono"), Face("DejaVuSansMono-Bold"),
    Face("DejaVuSansMono-Oblique"), Face("DejaVuSansMono-BoldOblique"),
    Face("STIXGeneral"), Face("STIXGeneral", _SANS),
    Face("STIXGeneral", _SANS_BOLD), Face("STIXGeneral", _MONOSPACE),
    Face("STIXGeneralBol"), Face("STIXGeneralBol", _SANS_BOLD),
    Face("STIXGeneralItalic"), Face("STIXGeneralBolIta"),
    Face("cmr10"), Face("cmb10"), Face("cmmi10"),
)  # fmt: skip
TEST_FACES = (
    Face("DejaVuSerif"), Face("DejaVuSerif-Bold"),
    Face("DejaVuSerif-Italic"), Face("DejaVuSerif-BoldItalic"),
    Face("cmss10"), Face("cmti10"), Face("cmtt10"),
)  # fmt: skip


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
    """Draw pictures of digits, each equally often (to within one), as `Face`s do.

    Returns uint8 (size, 1, SIDE, SIDE), white ink (255) on black as MNIST, and their labels,
    int64 (size,). Only operations that IEEE 754 rounds exactly are used (no sine, no exponential,
    no BLAS), so the same generator gives the same bytes on each machine.
    """
    style = style or Style()
    fields = distance_fields(faces)
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
    step = np.float32(2 * HALF_SIDE / (FIELD - 1))
    last = np.float32(FIELD - 1 - 1e-3)
    column = np.clip((x + np.float32(HALF_SIDE)) / step, 0, last)
    row = np.clip((y + np.float32(HALF_SIDE)) / step, 0, last)
    j, i = column.astype(np.int32), row.astype(np.int32)
    b, a = column - j.astype(np.float32), row - i.astype(np.float32)
    flat = fields.ravel()
    corner = glyphs[:, None, None].astype(np.int32) * FIELD**2
    corner = corner + i * FIELD + j
    top = flat[corner] * (1 - b) + flat[corner + 1] * b
    below = corner + FIELD
    bottom = flat[below] * (1 - b) + flat[below + 1] * b
    return top * (1 - a) + bottom * a


def distance_fields(faces: tuple[Face, ...]) -> np.ndarray:
    """Signed distances to the outlines of the ten digits: float32 (faces, 10, FIELD, FIELD).

    In heights of the digit, negative inside; rows from top to bottom. Raises UserError if
    matplotlib's font files are not installed. Outlines are read in the font's integer units, and
    no transcendental function is used from there on: the fields are the same bits on each machine
    and with each FreeType.
    """
    import matplotlib
    from matplotlib import ft2font

    flags = getattr(ft2font, "LoadFlags", None)  # from matplotlib 3.10 on
    integers = flags.NO_SCALE if flags else ft2font.LOAD_NO_SCALE
    fields = np.empty((len(faces), 10, FIELD, FIELD), dtype=np.float32)
    for i, face in enumerate(faces):
        path = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{face.file}.ttf")
        if not path.is_file():
            raise UserError(f"matplotlib's font {path} is missing: reinstall matplotlib (pip)")
        font = ft2font.FT2Font(str(path))
        for digit in range(10):
            font.load_char(face.zero + digit, flags=integers)
            fields[i, digit] = _field(_segments(*font.get_path()))
    return fields


def _segments(vertices: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Straight pieces of an outline, scaled to height 1 and centred: shape (m, 2 ends, 2).

    The outline has vertices (n, 2) and matplotlib's path codes (n,).
    """
    from matplotlib.path import Path as Outline

    contours = []
    for points, code in Outline(vertices, codes).iter_segments(simplify=False):
        if code == Outline.MOVETO:
            contours.append([points])
        elif code != Outline.CLOSEPOLY:  # which the line after the loop does
            control = np.array([contours[-1][-1], *points.reshape(-1, 2)])
            contours[-1].extend(_curve(control, 1 if code == Outline.LINETO else _PIECES))
    segments = np.concatenate(
        [np.stack([c, np.roll(c, -1, axis=0)], axis=1) for c in map(np.array, contours)]
    )
    low, high = segments.min(axis=(0, 1)), segments.max(axis=(0, 1))
    return (segments - (low + high) / 2) / (high[1] - low[1])


def _curve(control: np.ndarray, pieces: int) -> np.ndarray:
    """Points at t = 1/pieces … 1 of the Bézier curve of `control` (k, 2), by de Casteljau."""
    t = np.arange(1, pieces + 1)[:, None, None] / pieces
    points = np.broadcast_to(control, (pieces, *control.shape))
    while points.shape[1] > 1:
        points = (1 - t) * points[:, :-1] + t * points[:, 1:]
    return points[:, 0]


def _field(segments: np.ndarray) -> np.ndarray:
    """Signed distance of the points of a FIELD × FIELD grid to `segments`."""
    axis = np.linspace(-HALF_SIDE, HALF_SIDE, FIELD, dtype=np.float32)
    x, y = axis[None, :, None], -axis[:, None, None]  # the first row is the top
    (ax, ay), (bx, by) = segments.astype(np.float32).transpose(1, 2, 0)
    dx, dy = bx - ax, by - ay
    length = np.maximum(dx * dx + dy * dy, np.float32(1e-12))
    # Foot of the perpendicular, clipped to the segment: a + t (b - a).
    t = np.clip(((x - ax) * dx + (y - ay) * dy) / length, 0, 1)
    distance = np.sqrt(((ax + t * dx - x) ** 2 + (ay + t * dy - y) ** 2).min(axis=2))
    # Winding number: edges that cross the point's row to its right, upward minus downward.
    # Not even-odd: TrueType contours may overlap.
    rises = (ay <= y).astype(np.int8) - (by <= y).astype(np.int8)
    right = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
    winding = np.where(rises * right > 0, rises, 0).sum(axis=2)
    return np.where(winding != 0, -distance, distance)


@dataclass(frozen=True, kw_only=True)
class GlyphsSource(MadeSource):
    """The glyph digits: drawn when no file of them is there."""

    how = "nothing to do, it is drawn at first use (about 1 s)"
    code = (Path(__file__),)

    def made(self, time_steps: int | None = None) -> Splits:
        (train, test), (first, second) = self.sizes, np.random.default_rng(0).spawn(2)
        return Splits(
            Split(*draw(TRAIN_FACES, train, first)),
            Split(*draw(TEST_FACES, test, second)),
        )


GLYPHS = GlyphsSource(
    name="glyphs",
    description="digits drawn from matplotlib's fonts, test fonts unseen in training",
    shape=(1, SIDE, SIDE),
    sizes=(6_000, 2_000),
    classes=10,
)
