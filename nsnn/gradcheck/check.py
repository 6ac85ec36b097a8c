"""How to check a gradient that does not exist.

The derivative of a spike is 0 almost everywhere, so the finite difference of a spiking loss in a
hidden weight is 0 and says nothing about the surrogate gradient. But the surrogate φ is the exact
derivative of a smooth step, its primitive. With the primitive in place of the spike the network is
smooth, its loss has finite differences, and the *production* backward, unchanged, must agree with
them. (A detached reset ignores how the reset moves with the weights; the finite difference then
holds the reset's outputs at the unperturbed run.)
"""

import contextlib
import functools
import itertools

import numpy as np

from nsnn import surrogate
from nsnn.csr import MaskedMatrix
from nsnn.errors import UserError
from nsnn.firstspike import FirstSpikeNetwork
from nsnn.gradcheck.differences import MARGIN, STEP, NearKinkError, slopes
from nsnn.gradcheck.firstspike import check_first_spike
from nsnn.gradcheck.result import TOLERANCE, Result, compare, nonzero
from nsnn.layers import LIF, BatchNorm, Conv2d, Integrator, Linear, MaxPool2d
from nsnn.reference.lif import lif_forward
from nsnn.reference.pool import windows
from nsnn.timestepped import TimeSteppedNetwork


def check_surrogate(name: str, rng, width=None) -> Result:
    """φ against the central difference of its primitive, at 200 points away from its kinks."""
    x = rng.uniform(-2, 2, 200)
    for kink in surrogate.kinks(name, width):
        x = x[np.abs(x - kink) > MARGIN]
    above, below = (surrogate.primitive(name, x + h, width) for h in (STEP, -STEP))
    numeric = (above - below) / (2 * STEP)
    return compare("surrogate", name, numeric, surrogate.derivative(name, x, width))


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


def check_network(network, batch, rng=None, directions=3, option="", step=STEP) -> list[Result]:
    """Check the gradient of every parameter, and of the input, of a network in float64.

    Of a first-spike network that of every weight, see `check_first_spike`: it is exact.

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
    step : float
        h. A deep network bends more and wants a smaller one.

    Returns
    -------
    list of Result
        `passed` is False also where a gradient is 0 nearly everywhere: then nothing was checked,
        and weights or images that let more neurons fire are needed.

    Raises
    ------
    NearKinkError
        If a value lies within `MARGIN` of a kink of the surrogate or of a tie in max pooling, or
        nearly every direction changes a causal set.
    UserError
        If the network is not in float64, or of another kind.

    Notes
    -----
    For each direction d ~ N(0, 1): (L(w + h d) - L(w - h d)) / 2h against ⟨∂L/∂w, d⟩, relative to
    |∂L/∂w|, the typical size of ⟨∂L/∂w, d⟩: a direction that happens to be level is no error. L is
    known to 10 eps, so that a difference is off by 10 eps L / h, about 3e-9: where this is more
    than `TOLERANCE` of |∂L/∂w|, so much is allowed, and the array passes only if an error of 1 %
    would still be seen. Inactive positions of a sparse weight are not in the network.
    """
    if network.dtype != np.float64:
        raise UserError("check_network needs a network of dtype float64: build it with dtype=float")
    if isinstance(network, FirstSpikeNetwork):
        rng = np.random.default_rng(0) if rng is None else rng
        return check_first_spike(network, batch, rng, directions, option, step)
    if not isinstance(network, TimeSteppedNetwork):
        raise UserError("check_network takes time-stepped and first-spike networks only")
    x = network.encode(batch.images).astype(np.float64)
    arrays = {p.name: (p.data, active_entries(p)) for p in network.parameters()}
    arrays["input"] = x, np.ones(x.shape, bool)
    with smooth_spikes(network):
        return _check(network, x, batch.labels, arrays, rng, directions, option, step)


def check_readout(network, batch, rng=None, directions=3, option="") -> Result:
    """Check the readout's weights in the true spiking network, where the loss is smooth in them."""
    x = network.encode(batch.images)
    weight = next(layer.weight for layer in network.layers() if isinstance(layer, Integrator))
    arrays = {weight.name: (weight.data, active_entries(weight))}
    return _check(network, x, batch.labels, arrays, rng, directions, option, STEP)[0]


def _check(network, x, labels, arrays, rng, directions, option, step) -> list[Result]:
    """The gradient of each of `arrays`, name: (array, active entries), and its differences."""
    rng = np.random.default_rng(0) if rng is None else rng
    with as_before(network):
        found = gradients(network, x, labels)
        raise_near_kink(network)
        loss = functools.partial(loss_of, network, x, labels)
        rounding = 10 * np.finfo(float).eps * abs(loss()) / step
        level, results = level_biases(network), []
        for name, (array, active) in arrays.items():
            random = (rng.normal(size=array.shape) * active for _ in range(directions))
            pairs = slopes(loss, array, found[name], random, step)
            scale = float(np.linalg.norm(found[level.get(name, name)]))
            result = compare(
                name, option, *pairs, max(TOLERANCE, rounding / scale if scale else 0.0),
                scale=scale, live=nonzero(found[name][active]), level=name in level,
            )  # fmt: skip
            results.append(result)
    return results


def loss_of(network, x, labels) -> float:
    """The loss of encoded input x, in training mode."""
    return network.loss(network.body.forward(x, training=True), labels)[0]


def gradients(network, x, labels) -> dict[str, np.ndarray]:
    """Copies of the gradient of every parameter, by name, and of the "input"'s.

    First with the input's, which training leaves out; then as in training, by other kernels.
    """
    first, found = _first_weighted(network), {}
    for first.input_gradient in (True, False):
        outputs = network.body.forward(x, training=True)
        d_input = network.body.backward(network.loss(outputs, labels)[1])
        if d_input is not None:
            found["input"] = d_input.copy()
    return found | {p.name: p.gradient.copy() for p in network.parameters()}


def _first_weighted(network):
    """The first layer with weights."""
    return next(layer for layer in network.layers() if isinstance(layer, Conv2d | Linear))


def active_entries(parameter) -> np.ndarray:
    """True where an entry of `parameter.data` is part of the network."""
    if isinstance(parameter.topology, MaskedMatrix):
        return parameter.topology.mask
    return np.ones(parameter.data.shape, bool)


def level_biases(network) -> dict[str, str]:
    """Biases right before a normalisation, each with the weight of its layer, by name."""
    return {
        layer.bias.name: layer.weight.name
        for layer, after in itertools.pairwise(network.layers())
        if isinstance(after, BatchNorm) and isinstance(layer, Conv2d | Linear) and layer.bias
    }


@contextlib.contextmanager
def as_before(network):
    """Put back at the end what checks move: running statistics, who computes input gradients."""
    first = _first_weighted(network)
    before, kept = first.input_gradient, [(layer, layer.state()) for layer in network.layers()]
    try:
        yield
    finally:
        first.input_gradient = before
        for layer, state in kept:
            layer.restore(state)


def raise_near_kink(network) -> None:
    """NearKinkError if a finite difference could cross a bend of φ or change a maximum."""
    for layer in network.layers():
        if isinstance(layer, LIF) and layer.neuron.surrogate in ("rectangle", "triangle"):
            n = layer.neuron
            x = layer.v - n.threshold
            for kink in surrogate.kinks(n.surrogate, n.surrogate_width):
                if np.any(np.abs(x - kink) < MARGIN):
                    raise NearKinkError(f"{layer.name}: a membrane lies within {MARGIN} of {kink}")
        if isinstance(layer, MaxPool2d):
            window = windows(layer.x.reshape(*layer.x.shape[:3], -1), layer.k)
            best = np.sort(window, axis=3)[:, :, :, -2:]
            gap, y = np.diff(best, axis=3), best[:, :, :, -1:]
            # Equal competitors at 0 or 1, as two silent neurons are, have φ = 0: no gradient.
            if np.any((gap < MARGIN) & ((gap > 0) | ((y > 0) & (y < 1)))):
                raise NearKinkError(f"{layer.name}: two competitors differ by less than {MARGIN}")
