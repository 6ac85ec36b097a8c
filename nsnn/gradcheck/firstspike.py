"""The gradient of a first-spike network is exact: compared with differences of its own loss.

No surrogate, no smooth network in its place: while every neuron waits for the same inputs, its time
is a smooth function of the weights. A difference across a change of these sets is left out.
"""

import contextlib
import dataclasses

import numpy as np

from nsnn.data import Batch
from nsnn.firstspike import FirstSpikeNetwork
from nsnn.gradcheck.differences import STEP, NearKinkError, slopes
from nsnn.gradcheck.result import Result, compare, nonzero, summary
from nsnn.layers.firstspike import BinaryTimes
from nsnn.reference import firstspike as reference

EXACT = 1e-7  # largest relative error that passes
SKIPPED = 50  # directions at most for each array that change a causal set


def check_first_spike(network, batch, rng, directions=3, option="", step=STEP) -> list[Result]:
    """The gradient of every weight of a first-spike network; see `check_network`.

    The whole loss of training, with the K-term and the cap. What training does with a gradient
    after that is no derivative and is left out: the scaling of a large one.

    Raises
    ------
    NearKinkError
        Where nearly every direction changes a causal set: a smaller batch or `step` helps.
    """
    results = []
    with _unscaled(network):
        value = network.loss_and_backward(batch)[0]
        found = {p.name: p.gradient.copy() for p in network.parameters()}
        before = _waiting(network)
        rounding = 10 * np.finfo(float).eps * abs(value) / step
        for p in network.parameters():
            pairs, skipped, gradient = [], 0, found[p.name]
            while len(pairs) < directions:
                same = []

                def loss(same=same):
                    value = network.loss_and_backward(batch)[0]
                    now = _waiting(network)
                    same.append(all(map(np.array_equal, now, before)))
                    return value

                pair = slopes(loss, p.data, gradient, [rng.normal(size=p.data.shape)], step)
                if all(same):
                    pairs.append(pair)
                    continue
                skipped += 1
                if skipped > SKIPPED:
                    raise NearKinkError(f"{p.name}: {skipped} directions change a causal set")
            scale = float(np.linalg.norm(gradient))
            tolerance = max(EXACT, rounding / scale if scale else 0.0)
            numeric, analytic = np.concatenate(pairs, axis=1)
            result = compare(
                p.name, option, numeric, analytic, tolerance, scale=scale, live=nonzero(gradient)
            )
            results.append(dataclasses.replace(result, near_kink=skipped))
    return results


@contextlib.contextmanager
def _unscaled(network):
    """While open, a large gradient stays as large as it is."""
    config = network.config
    network.config = dataclasses.replace(config, largest_gradient=np.inf)
    try:
        yield
    finally:
        network.config = config


def _waiting(network) -> list[np.ndarray]:
    """What the loss is smooth between changes of: causal sets, and whom the K-term acts on."""
    found = []
    for layer in network.layers():
        found += [_causal(layer), layer.z < np.inf, layer.weight.to_dense().sum(axis=1) < 1]
    return found


def _causal(layer) -> np.ndarray:
    """Whom each neuron of each sample waited for in the last forward, bool (out, in, B)."""
    z = layer.x.z if isinstance(layer.x, BinaryTimes) else layer.x
    return reference.causal(z, layer.z)


def small_first_spike(rng, sparse, delays, dtype=np.float64):
    """A network of two hidden layers with weights of both signs and a silent neuron, and a batch.

    With `delays` each input spike has a time of its own, else one of two.
    """
    config = FirstSpikeNetwork.Config(k_term=0.5)
    network = FirstSpikeNetwork([14, 9], (1, 5, 4), 4, config, rng, dtype)
    for p in network.parameters():
        p.data += rng.normal(0, 0.05, p.shape).astype(dtype)
        p.data[0] = -0.01
        if sparse:
            p.sparsify(np.flatnonzero(rng.random(p.size) < 0.7))
    network.sparse_start()
    images = rng.integers(0, 256, (6, 1, 5, 4)).astype(np.uint8)
    late = np.abs(rng.normal(0, 0.15, images.shape)) if delays else None
    return network, Batch(images, rng.integers(0, 4, 6), late)


def first_spike_check(sparse, delays, rng) -> Result:
    """Every weight; a draw without all that has to be in it counts as dead."""
    network, batch = small_first_spike(rng, sparse, delays)
    times = "a time for each input" if delays else "binary input"
    results = check_first_spike(network, batch, rng)
    line = summary(results, f"first-spike, exact, {times}, {'csr' if sparse else 'all active'}")
    network.forward(batch)
    if not all(map(_tells, network.layers())):
        line = dataclasses.replace(line, live=0.0)
    return dataclasses.replace(line, near_kink=sum(r.near_kink for r in results))


def _tells(layer) -> bool:
    """Whether a layer has a silent neuron, one that waits for a part, and weights of both signs."""
    p, fired = layer.weight, np.isfinite(layer.z)
    stored = np.zeros(p.size, bool)
    stored[p.positions()] = True
    stored = stored.reshape(p.shape)
    waited = np.einsum("oi,oib->ob", stored, _causal(layer).astype(int))
    partial = fired & (waited > 0) & (waited < stored.sum(axis=1)[:, None])
    signs = p.values().min() < 0 < p.values().max()
    return bool(signs and partial.any() and (~fired).all(axis=1).any())
