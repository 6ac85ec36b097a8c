"""Central differences, and where they say nothing."""

import numpy as np

STEP = 1e-6  # h of the central difference
MARGIN = 100 * STEP  # how far every value must stay from a kink


class NearKinkError(Exception):
    """A value on the tape lies so near a kink that a finite difference may cross it: redraw."""


def slopes(loss, array, gradient, directions, step=STEP):
    """Numeric and analytic slopes of the loss along each direction in `array`."""
    kept, numeric, analytic = array.copy(), [], []
    for d in directions:
        array[...] = kept + step * d
        above = loss()
        array[...] = kept - step * d
        below = loss()
        array[...] = kept
        numeric.append((above - below) / (2 * step))
        analytic.append(float(np.vdot(gradient, d)))
    return numeric, analytic
