"""The embedded events: the glyph digits in front of a camera that makes three quick moves."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nsnn.data.dataset import Split, Splits
from nsnn.data.events import TIME_STEPS, Events, to_frames
from nsnn.data.glyphs import GLYPHS, GlyphsSource
from nsnn.data.source import MadeSource
from nsnn.errors import UserError

SENSOR, OFFSET = 34, 3  # pixels: side of the sensor, its border beside a picture in the middle
MOVE, CORNERS = 100, ((-2, -2), (0, 2), (2, -2), (-2, -2))  # ms of a move; from where to where

STEP = 0.75
"""Change of L = ln(0.05 + brightness) that makes an event.

At 0.25 the grain of the glyphs makes 19,200 events a sample, at 0.5 7,700, at 0.75 4,100, at 1.0
2,500; half of them are ON, as each pixel ends as it began. N-MNIST has 4,100.
"""

# Where the picture is after 0, 1, 2 … ms: x and y in units of 1/MOVE pixel.
_PLACES = [(MOVE * CORNERS[0][0], MOVE * CORNERS[0][1])] + [
    (MOVE * x + (u - x) * ms, MOVE * y + (v - y) * ms)
    for (x, y), (u, v) in itertools.pairwise(CORNERS)
    for ms in range(1, MOVE + 1)
]
# e^(k STEP) for the at most 4 steps from black to white and one more; rounding to float32 hides in
# what the exponentials of two machines differ.
_MOST = 5
_POWERS = np.exp(STEP * np.arange(-_MOST, _MOST + 1)).astype(np.float32)
_AT_ONCE = 100  # pictures: their arrays stay in the processor's cache


def record(images: np.ndarray) -> list[Events]:
    """What the camera records of pictures, uint8 (n, 28, 28), 255 is 1, in steps of 1 ms.

    Notes
    -----
    A pixel that begins at L₀ and is k steps above it makes an ON event while L ≥ L₀ + (k + 1) STEP,
    an OFF event while L ≤ L₀ + (k − 1) STEP, and each moves k. Compared are 0.05 + I and
    (0.05 + I₀) e^(k STEP), exact or rounded by IEEE 754: the same events on each machine.
    """
    images = images.astype(np.float32)
    first = _light(images, *_PLACES[0])
    level = np.full(first.size, _MOST)
    low, high = first * _POWERS[_MOST - 1], first * _POWERS[_MOST + 1]
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, bool))]
    for ms, place in enumerate(_PLACES):
        light = _light(images, *place)
        changed = np.flatnonzero((light <= low) | (light >= high))
        while changed.size:
            on = light[changed] >= high[changed]
            found.append((np.full(changed.size, ms), changed, on))
            level[changed] += 2 * on - 1
            low[changed] = first[changed] * _POWERS[level[changed] - 1]
            high[changed] = first[changed] * _POWERS[level[changed] + 1]
            again = (light[changed] <= low[changed]) | (light[changed] >= high[changed])
            changed = changed[again]
    ms, pixel, on = map(np.concatenate, zip(*found, strict=True))
    sample, pixel = np.divmod(pixel, SENSOR**2)
    order = np.argsort(sample, kind="stable")
    columns = np.stack([1000 * ms, pixel % SENSOR, pixel // SENSOR, on])[:, order]
    ends = np.searchsorted(sample[order], np.arange(1, len(images)))
    return [Events(*part) for part in np.split(columns, ends, axis=1)]


def _light(images, x: int, y: int) -> np.ndarray:
    """0.05 + I of each pixel of the sensor, flat, in units of 1/(255 MOVE²).

    Bilinear, of pictures that lie x, y to the right of and below the middle; these are whole
    numbers below 2²⁴, so that float32 rounds nothing.
    """
    (j, right), (i, below) = divmod(-x, MOVE), divmod(-y, MOVE)
    sides = [(OFFSET - k, OFFSET + 1 + k) for k in (i, j)]  # of the sensor, a pixel more each way
    padded = np.pad(images, ((0, 0), *sides))
    rows = padded[:, :-1] * np.float32(MOVE - below) + padded[:, 1:] * np.float32(below)
    light = rows[:, :, :-1] * np.float32(MOVE - right) + rows[:, :, 1:] * np.float32(right)
    return (light + np.float32(0.05 * 255 * MOVE**2)).ravel()


@dataclass(frozen=True, kw_only=True)
class SaccadesSource(MadeSource):
    """The recordings of `pictures`, cut into frames: made when no file of these is there."""

    events: bool = True
    pictures: GlyphsSource = GLYPHS
    how = "nothing to do, it is made at first use (about 20 s)"
    code = (*GlyphsSource.code, Path(__file__), Path(__file__).with_name("events.py"))

    def made(self, time_steps: int | None = None) -> Splits:
        T = time_steps or TIME_STEPS
        return Splits(*(self._cut(split, T) for split in self.pictures.read()[:2]))

    def _cut(self, split: Split, time_steps: int) -> Split:
        """The frames of what the camera records of pictures."""
        frames = np.empty((len(split), time_steps, *self.shape), dtype=np.uint8)
        for start in range(0, len(split), _AT_ONCE):
            recorded = record(split.images[start : start + _AT_ONCE, 0])
            for i, each in enumerate(recorded, start):
                try:
                    frames[i] = to_frames(each, time_steps, self.cut_by, SENSOR, SENSOR)
                except ValueError as error:
                    raise UserError(f"{self.name}: sample {i} {error}") from None
        return Split(frames, split.labels)


SACCADES = SaccadesSource(
    name="saccades",
    description="the glyphs before an event camera that moves",
    shape=(2, SENSOR, SENSOR),
    sizes=GLYPHS.sizes,
    classes=10,
)
