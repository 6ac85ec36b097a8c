"""What training runs and a smooth network in float64 does not.

Spikes of one byte, float32, threads, and the gradients at inactive positions that growth reads.
"""

import functools

import numpy as np

from nsnn import parallel
from nsnn.gradcheck import check
from nsnn.gradcheck.cases import small_network, trained_network
from nsnn.gradcheck.check import gradients, smooth_spikes
from nsnn.gradcheck.differences import NearKinkError, slopes
from nsnn.gradcheck.result import Result, compare, summary
from nsnn.layers import LIF
from nsnn.neuron import from_preset
from nsnn.reference.lif import lif_backward, lif_forward

ROUNDING = 1e-12  # the same sums in another order, in float64
FLOAT32 = 1e-4  # float32 against float64


def lif_check(preset, rng) -> Result:
    """A layer's spikes, and its ε from spikes of one byte, against the equations.

    The current is scaled and shifted by channel, as a normalisation before the layer does.
    """
    layer = LIF(from_preset(preset, time_steps=5), np.float64)
    affine = rng.uniform(0.5, 2, 10), rng.normal(0.5, 0.5, 10)
    s = layer.forward(rng.normal(1, 1, (10, 8, 5, 10)), affine=affine)
    delta = rng.normal(size=s.shape)
    v, o = lif_forward(layer.current, layer.neuron)
    epsilon = layer.neuron.gain * lif_backward(delta, v, o, layer.neuron)
    pairs = (o, s), (epsilon, layer.backward(delta))
    results = [compare("LIF", "", expected, found, ROUNDING) for expected, found in pairs]
    return summary(results, f"spikes and gradient of preset {preset} by the equations", where="")


def byte_check(storage, rng) -> Result:
    """A network that really spikes, in bytes, against the same spikes as real numbers."""
    network, batch = trained_network(rng, storage=storage)
    x = network.encode(batch.images)
    found = gradients(network, x, batch.labels)
    spikes = [(n, n.s.astype(np.float64)) for n in network.layers() if isinstance(n, LIF)]
    for layer, s in spikes:
        layer.fire = lambda current, s=s: s
    expected = gradients(network, x, batch.labels)
    option = f"true spikes of one byte against real numbers, {storage}"
    return summary(_compared(network, expected, found, ROUNDING), option)


def float32_check(storage, rng) -> Result:
    """A network that really spikes, in float32, against itself in float64."""
    seed = rng.integers(2**32)
    (network, batch), (single, _) = (
        trained_network(np.random.default_rng(seed), storage=storage, dtype=dtype)
        for dtype in (np.float64, np.float32)
    )
    for wide, narrow in zip(network.parameters(), single.parameters(), strict=True):
        wide.data[...] = narrow.data
    pair = network, single
    expected, found = (gradients(n, n.encode(batch.images), batch.labels) for n in pair)
    for wide, narrow in zip(network.layers(), single.layers(), strict=True):
        if isinstance(wide, LIF) and np.any(wide.s != narrow.s):
            raise NearKinkError(f"{wide.name}: a membrane within rounding of the threshold")
    option = f"float32 against float64, true spikes, {storage}"
    return summary(_compared(network, expected, found, FLOAT32), option)


def threads_check(threads, storage, rng) -> Result:
    """The gradients in float32 by several threads, bit-equal to those by one."""
    network, batch = small_network(
        "16C3-MP2-16C3-160", from_preset(time_steps=2), rng, side=12, samples=24,
        norm="batch", storage=storage, dtype=np.float32,
    )  # fmt: skip
    x = network.encode(batch.images)
    before = parallel.get_threads()
    try:
        expected, found = (
            gradients(network, x, batch.labels) for _ in map(parallel.set_threads, (1, threads))
        )
    finally:
        parallel.set_threads(before)
    option = f"{threads} threads bit-equal to one, float32, {storage}"
    return summary(_compared(network, expected, found, 0.0), option)


def inactive_check(storage, rng) -> Result:
    """∂L/∂w where there is no synapse, as growth reads it, against differences entry by entry.

    These are taken in the same network with every synapse, of weight 0 where there was none.
    """
    seed = rng.integers(2**32)
    (network, batch), (full, _) = (
        trained_network(np.random.default_rng(seed), storage=s) for s in (storage, "all active")
    )
    x, observed = network.encode(batch.images), {}
    for p, q in zip(network.parameters(), full.parameters(), strict=True):
        q.data[...] = p.to_dense()
        if p.prunable:
            observed[p] = q, []
            p.observe(lambda _, block, blocks=observed[p][1]: blocks.append(block.copy()))
    with smooth_spikes(network), smooth_spikes(full):
        gradients(network, x, batch.labels)
        check.raise_near_kink(network)
        loss, results = functools.partial(check.loss_of, full, x, batch.labels), []
        loss()  # the resets are held from here
        for p, (q, blocks) in observed.items():
            inactive = np.setdiff1d(np.arange(p.size), p.positions())
            each = np.eye(p.size)[inactive].reshape(-1, *p.shape)
            pairs = slopes(loss, q.data, np.concatenate(blocks, axis=1), each)
            results.append(compare(p.name, "", *pairs))
    return summary(results, f"inactive positions, entry by entry, {storage}")


def _compared(network, expected, found, tolerance) -> list[Result]:
    """Two sets of gradients, array by array."""
    level = check.level_biases(network)
    return [
        compare(
            name, "", array, found[name], tolerance, level=name in level,
            scale=float(np.abs(expected[level.get(name, name)]).max()),
        )
        for name, array in expected.items()
    ]  # fmt: skip
