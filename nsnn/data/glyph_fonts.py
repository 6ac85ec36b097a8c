"""The digits of the fonts that matplotlib ships, as distance fields."""

import pathlib
from typing import NamedTuple

import numpy as np

from nsnn.errors import UserError

FIELD = 40
"""Samples of a distance field along each side."""

HALF_SIDE = 0.8
"""A field spans [-HALF_SIDE, HALF_SIDE] in both directions; a digit is 1 high, centred on 0."""

_PIECES = 4  # straight pieces that stand for one curve of an outline

_ASCII, _SANS, _SANS_BOLD, _MONOSPACE = 0x30, 0x1D7E2, 0x1D7EC, 0x1D7F6  # where a run 0..9 begins


class Face(NamedTuple):
    """One drawing of the ten digits: a font file and the character code of its zero."""

    file: str
    zero: int = _ASCII


def _plain(*names: str) -> tuple[Face, ...]:
    return tuple(Face(f"{name}.ttf") for name in names)


# Each face's ten digits were looked at. Left out: cmex10 and cmsy10 (symbols where the digits
# should be), the double-struck digits, and copies of a face under a second character code.
# No font file serves both splits. The order belongs to the data set.
TRAIN_FACES = (
    *_plain("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    *_plain("DejaVuSansMono", "DejaVuSansMono-Bold"),
    *_plain("DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique"),
    *(Face("STIXGeneral.ttf", zero) for zero in (_ASCII, _SANS, _SANS_BOLD, _MONOSPACE)),
    *(Face("STIXGeneralBol.ttf", zero) for zero in (_ASCII, _SANS_BOLD)),
    *_plain("STIXGeneralItalic", "STIXGeneralBolIta", "cmr10", "cmb10", "cmmi10"),
)
TEST_FACES = (
    *_plain("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    *_plain("cmss10", "cmti10", "cmtt10"),
)


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
        path = pathlib.Path(matplotlib.get_data_path(), "fonts", "ttf", face.file)
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
    from matplotlib.path import Path

    contours = []
    for points, code in Path(vertices, codes).iter_segments(simplify=False):
        if code == Path.MOVETO:
            contours.append([points])
        elif code != Path.CLOSEPOLY:  # which the line after the loop does
            control = np.array([contours[-1][-1], *points.reshape(-1, 2)])
            contours[-1].extend(_curve(control, 1 if code == Path.LINETO else _PIECES))
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
