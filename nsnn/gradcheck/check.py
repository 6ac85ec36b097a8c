"""How to check a gradient that does not exist.

The derivative of a spike is 0 almost everywhere, so the finite difference of a spiking loss in a
hidden weight is 0 and says nothing about the surrogate gradient. But the surrogate φ is the exact
derivative of a smooth step, its primitive. With the primitive in place of the spike the network is
smooth, its loss has finite differences, and the *production* backward, unchanged, must agree with
them. (A detached reset ignores how the reset moves with the weights; the finite difference then
holds the reset's outputs at the unperturbed run.)
"""

import contextlib
import dataclasses
import functools

import numpy as np

from nsnn import surrogate
from nsnn.errors import UserError
from nsnn.layers import LIF, Conv2d, Integrator, Linear, MaxPool2d
from nsnn.reference.lif import lif_forward

TOLERANCE = 1e-6  # largest relative error that passes, in float64
STEP = 1e-6  # h of the central difference
MARGIN = 100 * STEP  # how far every value must stay from a kink


@dataclasses.dataclass(frozen=True)
class Result:
    """One comparison of a gradient with a finite difference.

    Attributes
    ----------
    layer : str
        What was checked, such as "conv1.weight".
    option : str
    error : float
        Relative error, the worst over the directions.
    redrawn : int
        Draws that were thrown away because a value lay too near a kink.
    """

    layer: str
    option: str
    error: float
    redrawn: int = 0

    @property
    def passed(self) -> bool:
        """True if the error is at most `TOLERANCE`; a NaN does not pass."""
        return self.error <= TOLERANCE


class NearKinkError(Exception):
    """A value on the tape lies so near a kink that a finite difference may cross it: redraw."""


def relative_error(numeric: float, analytic: float, least: float = 0.0) -> float:
    """|numeric - analytic| / max(|numeric|, |analytic|, least); 0 if all are 0."""
    scale = max(abs(numeric), abs(analytic), least)
    return abs(numeric - analytic) / scale if scale else 0.0


def check_surrogate(name: str, rng, width=None) -> Result:
    """φ against the central difference of its primitive, at 200 points away from its kinks."""
    x = rng.uniform(-2, 2, 200)
    for kink in surrogate.kinks(name, width):
        x = x[np.abs(x - kink) > MARGIN]
    numeric = surrogate.primitive(name, x + STEP, width) - surrogate.primitive(
        name, x - STEP, width
    )
    numeric /= 2 * STEP
    phi = surrogate.derivative(name, x, width)
    # Where φ is tiny the difference of two numbers near 1 has no digits left: measured against 1.
    return Result("surrogate", name, float(np.max(np.abs(numeric - phi) / np.maximum(phi, 1))))


@contextlib.contextmanager
def smooth_spikes(network):
    """While open, every LIF layer fires with the primitive of its surrogate.

    The backward is the one of training; only the forward is replaced. Outputs recorded by the
    first forward are what a detached reset sees in the later ones.
    """
    spiking = [layer for layer in network.layers() if isinstance(layer, LIF)]
    for layer in spiking:
        layer.fire = functools.partial(_smooth, layer.neuron, {})
    try:
        yield
    finally:
        for layer in spiking:
            layer.fire = None


def _smooth(neuron, held, current):
    """The outputs o = primitive(v - ϑ) for a current (…, T, B)."""
    fire = functools.partial(surrogate.primitive, neuron.surrogate, width=neuron.surrogate_width)
    _, o = lif_forward(current, neuron, fire, held.get("o"))
    if neuron.detach_reset:
        held.setdefault("o", o)
    return o


def check_network(network, batch, rng=None, directions=3, option="") -> list[Result]:
    """Check the gradient of every parameter, and of the input, of a network in float64.

    Parameters
    ----------
    network : Network
        With dtype float64. Its weights are perturbed and put back.
    batch : Batch
    rng : numpy.random.Generator, optional
        Draws the directions; default: seed 0.
    directions : int
        Random directions for each array; the worst counts.
    option : str
        Text for the results.

    Returns
    -------
    list of Result

    Raises
    ------
    NearKinkError
        If a value lies within `MARGIN` of a kink of the surrogate or of a tie in max pooling.
    UserError
        If the network is not in float64.

    Notes
    -----
    For each direction d ~ N(0, 1): (L(w + h d) - L(w - h d)) / 2h against ⟨∂L/∂w, d⟩, h = 1e-6.
    Inactive positions of a sparse weight take no part: they are not in the network.
    """
    if network.dtype != np.float64:
        raise UserError("check_network needs a network of dtype float64: build it with dtype=float")
    rng = np.random.default_rng(0) if rng is None else rng
    x = network.encode(batch.images).astype(np.float64)
    with smooth_spikes(network), _running_statistics(network):
        gradients, _ = _gradients(network, x, batch.labels)  # as in training
        with _input_gradient(network):
            _, d_input = _gradients(network, x, batch.labels)
        _raise_near_kink(network)
        loss = functools.partial(_loss, network, x, batch.labels)
        results = []
        for parameter in network.parameters():
            active = _active(parameter)
            error = _worst(loss, parameter.data, gradients[parameter.name], active, rng, directions)
            results.append(Result(parameter.name, option, error))
        error = _worst(loss, x, d_input, np.ones(x.shape, bool), rng, directions)
        return [*results, Result("input", option, error)]


def check_readout(network, batch, rng=None, directions=3, option="") -> Result:
    """Check the readout's weights in the true spiking network, where the loss is smooth in them."""
    rng = np.random.default_rng(0) if rng is None else rng
    x = network.encode(batch.images)
    weight = next(layer.weight for layer in network.layers() if isinstance(layer, Integrator))
    with _running_statistics(network):
        gradients, _ = _gradients(network, x, batch.labels)
        loss = functools.partial(_loss, network, x, batch.labels)
        active = _active(weight)
        error = _worst(loss, weight.data, gradients[weight.name], active, rng, directions)
    return Result(weight.name, option, error)


def _loss(network, x, labels):
    """The loss of encoded input x, in training mode."""
    return network.loss(network.body.forward(x, training=True), labels)[0]


def _gradients(network, x, labels):
    """Copies of every parameter's gradient by name, and of the input's gradient."""
    outputs = network.body.forward(x, training=True)
    d_input = network.body.backward(network.loss(outputs, labels)[1])
    gradients = {p.name: p.gradient.copy() for p in network.parameters()}
    return gradients, None if d_input is None else d_input.copy()


def _worst(loss, array, gradient, active, rng, directions) -> float:
    """Largest relative error over random directions in the active entries of `array`.

    Relative to |∂L/∂w|, the typical size of ⟨∂L/∂w, d⟩, so that a direction that happens to be
    level does not count as an error; and to no less than what rounding leaves of a difference:
    L known to 10 eps gives a slope known to 10 eps L / h, hence to `TOLERANCE` only if larger
    than 10 eps L / (h · TOLERANCE). A bias before batch normalisation, for one, has slope 0.
    """
    errors = []
    kept = array.copy()
    rounding = 10 * np.finfo(float).eps * abs(loss()) / (STEP * TOLERANCE)
    least = max(float(np.linalg.norm(gradient[active])), rounding)
    for _ in range(directions):
        d = rng.normal(size=array.shape) * active
        array[...] = kept + STEP * d
        above = loss()
        array[...] = kept - STEP * d
        below = loss()
        array[...] = kept
        numeric, analytic = (above - below) / (2 * STEP), float(np.vdot(gradient, d))
        errors.append(relative_error(numeric, analytic, least))
    return max(errors)


def _active(parameter):
    """True where an entry of `parameter.data` is part of the network."""
    mask = getattr(parameter.topology, "mask", None)
    return np.ones(parameter.data.shape, bool) if mask is None else mask


@contextlib.contextmanager
def _input_gradient(network):
    """While open, the first layer computes its input gradient too."""
    first = next(layer for layer in network.layers() if isinstance(layer, Conv2d | Linear))
    before, first.input_gradient = first.input_gradient, True
    try:
        yield
    finally:
        first.input_gradient = before


@contextlib.contextmanager
def _running_statistics(network):
    """Put back at the end what forwards in training mode move."""
    kept = [
        (layer, {key: array.copy() for key, array in layer.state().items()})
        for layer in network.layers()
    ]
    try:
        yield
    finally:
        for layer, state in kept:
            layer.restore(state)


def _raise_near_kink(network):
    """NearKinkError if a finite difference could cross a bend of φ or change a maximum."""
    for layer in network.layers():
        if isinstance(layer, LIF) and layer.neuron.surrogate in ("rectangle", "triangle"):
            n = layer.neuron
            x = layer.v - n.threshold
            for kink in surrogate.kinks(n.surrogate, n.surrogate_width):
                if np.any(np.abs(x - kink) < MARGIN):
                    raise NearKinkError(f"{layer.name}: a membrane lies within {MARGIN} of {kink}")
        if isinstance(layer, MaxPool2d):
            x, y, k = layer.x, layer.y, layer.k
            wide = y.repeat(k, axis=1).repeat(k, axis=2)
            gap = wide - x[:, : wide.shape[1], : wide.shape[2]]
            C, H, W = y.shape[:3]
            winners = (gap == 0).reshape(C, H, k, W, k, *y.shape[3:]).sum(axis=(2, 4))
            # Equal competitors at 0 or 1, as two silent neurons are, have φ = 0: no gradient.
            tie = (winners > 1) & (y > 0) & (y < 1)
            if np.any(tie) or np.any((gap > 0) & (gap < MARGIN)):
                raise NearKinkError(f"{layer.name}: two competitors differ by less than {MARGIN}")
