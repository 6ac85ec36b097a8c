"""Surrogate derivatives of the spike, each with the smooth function whose derivative it is.

The spike u(x) = 1 for x ≥ 0, x = v - ϑ, has derivative 0 almost everywhere. Training puts φ(x) in
its place. φ is the exact derivative of a smooth *primitive*; a network that uses the primitive in
place of u has φ as its true gradient, which is how nsnn checks its backward pass.

Every surrogate has one width: a width (rectangle a, triangle γ) or a slope k. With the default
width φ(0) = 1 for all five; `nsnn.plot.surrogates` draws them.
"""

import numpy as np

from nsnn.errors import UserError

# name: (code in the kernels, default width)
SURROGATES = {
    "arctan": (0, 1.0),
    "rectangle": (1, 1.0),
    "triangle": (2, 1.0),
    "sigmoid": (3, 4.0),
    "fast_sigmoid": (4, 2.0),
}


def code(name: str) -> int:
    """The integer that stands for the surrogate `name` in a kernel."""
    return _entry(name)[0]


def default_width(name: str) -> float:
    """The width that gives φ(0) = 1."""
    return _entry(name)[1]


def _entry(name):
    if name not in SURROGATES:
        raise UserError(f"surrogate = {name!r}: choose one of {', '.join(SURROGATES)}")
    return SURROGATES[name]


def spike(x):
    """u(x) = 1 for x ≥ 0, else 0: the neuron fires at equality. uint8, shape of x.

    Source: NDSNN Eq. 1c; ESL Eq. 8; SD-SNN Eq. 2
    """
    return (np.asarray(x) >= 0).astype(np.uint8)


def derivative(name: str, x, width: float | None = None):
    """φ(x), what backpropagation uses in place of du/dx.

    Parameters
    ----------
    name : str
        A key of `SURROGATES`.
    x : array_like
        v - ϑ; whole numbers and lists are taken as float64.
    width : float, optional
        Width a or γ, or slope k; default `default_width(name)`.

    Returns
    -------
    ndarray, shape and dtype of x

    Notes
    -----
    Source: NDSNN Eq. 3 (arctan, with k = 1: 1/(1 + π²x²)). Source: SD-SNN Eq. 3 (rectangle; the
    paper prints sign() for an indicator). The triangle is that of TET's code, which ESL uses.
    """
    x, k = _real(name, x, width)
    if name == "arctan":
        return k / (1 + (np.pi * k * x) ** 2)
    if name == "rectangle":
        return np.where(np.abs(x) < k / 2, 1 / k, 0 * k)
    if name == "triangle":
        return np.maximum(0, k - np.abs(x)) / k**2
    if name == "sigmoid":
        e = np.exp(-np.abs(k * x))
        return k * e / (1 + e) ** 2
    return (k / 2) / (1 + k * np.abs(x)) ** 2


def primitive(name: str, x, width: float | None = None):
    """The smooth step whose derivative is φ: rises from 0 to 1, ½ at x = 0.

    Parameters and result as for `derivative`.
    """
    x, k = _real(name, x, width)
    if name == "arctan":
        return 0.5 + np.arctan(np.pi * k * x) / np.pi
    if name == "rectangle":
        return np.clip(x / k + 0.5, 0, 1)
    if name == "triangle":
        rising = 0.5 * np.maximum(0, 1 + x / k) ** 2
        falling = 1 - 0.5 * np.maximum(0, 1 - x / k) ** 2
        return np.where(x < 0, rising, falling)
    if name == "sigmoid":
        return 0.5 * (1 + np.tanh(k * x / 2))
    return 0.5 + 0.5 * k * x / (1 + k * np.abs(x))


def kinks(name: str, width: float | None = None) -> tuple[float, ...]:
    """The x at which φ jumps or bends, where a finite difference of the primitive misleads."""
    k = default_width(name) if width is None else width
    if name == "rectangle":
        return (-k / 2, k / 2)
    if name == "triangle":
        return (-k, 0.0, k)
    if name == "fast_sigmoid":
        return (0.0,)
    return ()


def _real(name, x, width):
    """x as an array of float, and the width in its dtype, so that float32 stays float32."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    return x, x.dtype.type(default_width(name) if width is None else width)
