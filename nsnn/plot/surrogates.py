"""The surrogates: what takes the place of the derivative of a spike."""

import numpy as np

from nsnn.plot.style import GREY, colours, legend_beside, new_figure, titled
from nsnn.surrogate import SURROGATES, derivative, primitive


def surrogates(names=tuple(SURROGATES), width=None, axes=None):
    """The spike and the smooth steps in its place, and beside them their derivatives.

    `names` are keys of `nsnn.surrogate.SURROGATES`. Without a `width` each has that with which its
    derivative is 1 at the threshold. Returns the two axes.
    """
    left, right = new_figure(9.0, 3.4).subplots(1, 2) if axes is None else axes
    x, names = np.linspace(-2.0, 2.0, 801), list(names)
    left.step([-2.0, 0.0, 2.0], [0.0, 0.0, 1.0], where="pre", color=GREY)
    for name, colour in zip(names, colours(len(names)), strict=True):
        left.plot(x, primitive(name, x, width), color=colour, linewidth=1.4)
        right.plot(x, derivative(name, x, width), color=colour, linewidth=1.4, label=name)
    right.plot([], [], color=GREY, label="spike (no derivative)")
    legend_beside(right)
    below = "membrane above the threshold, v − ϑ"
    titled(left, "In place of the spike", below, "smooth step")
    return left, titled(right, "Its derivative, used for learning", below, "φ(v − ϑ)")
