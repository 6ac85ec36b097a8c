"""What a check says: how far two gradients are apart, and what the check could have seen."""

import dataclasses

import numpy as np

TOLERANCE = 1e-6  # largest relative error that passes against a finite difference in float64
PLANTED = 1.01  # an error of 1 %, which every check must notice
LIVE = 0.2  # fraction of a gradient's entries that must differ from 0


@dataclasses.dataclass(frozen=True)
class Result:
    """One comparison of a gradient with what it should be.

    `planted` is what `error` would be if the gradient were 1 % larger: a check that could not see
    that has seen nothing. `level` is True for a bias before a normalisation, which moves nothing:
    both sides are 0, measured against the gradient of its layer's weight; no error can be planted.
    """

    layer: str  # what was checked, such as "conv1.weight"
    option: str
    error: float  # relative, the worst over directions or entries
    planted: float
    live: float = 1.0  # fraction of entries that differ from 0, on both sides where both have any
    tolerance: float = TOLERANCE
    level: bool = False
    near_kink: int = 0  # draws thrown away because a value lay too near a kink
    dead: int = 0  # and because of too few live entries

    @property
    def alive(self) -> bool:
        """True if enough entries differ from 0 for the comparison to mean something."""
        return self.level or self.live >= LIVE

    @property
    def passed(self) -> bool:
        """True if the error is within the tolerance, and one of 1 % would not be; no NaN is."""
        noticed = self.level or self.planted > self.tolerance
        return self.error <= self.tolerance and self.alive and noticed


def nonzero(gradient) -> float:
    """Fraction of the entries that differ from 0; 0 if there are none."""
    return np.count_nonzero(gradient) / max(1, np.size(gradient))


def compare(layer, option, expected, found, tolerance=TOLERANCE, **measured) -> Result:
    """`found` against `expected`, entry by entry, relative to the largest entry.

    **measured: `scale`, another number that differences are relative to; `live` and `level` as in
    `Result`. By default the entries beyond 1e-9 of the scale are live, on the side with fewer.
    """
    expected, found = np.asarray(expected, np.float64), np.asarray(found, np.float64)
    sides = np.abs(expected), np.abs(found)
    scale = measured.pop("scale", None) or max(side.max() for side in sides)

    def error(gradient):
        return float(np.abs(expected - gradient).max() / scale) if scale else 0.0

    measured.setdefault("live", min(nonzero(side > 1e-9 * scale) for side in sides))
    return Result(
        layer, option, error(found), error(PLANTED * found), tolerance=tolerance, **measured
    )


def summary(results, option, where="network: ") -> Result:
    """One line for the arrays of a network: the worst is named, and all must be live and caught."""
    worst = max(results, key=lambda r: (not r.passed, r.error))
    counting = [r for r in results if not r.level]
    return dataclasses.replace(
        worst, layer=where + worst.layer, option=option, level=False,
        planted=min(r.planted for r in counting), live=min(r.live for r in counting),
    )  # fmt: skip
