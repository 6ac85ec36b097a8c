"""Small layers and networks to check: every layer, neuron, surrogate, storage and loss."""

import dataclasses
import functools
import itertools

import numpy as np

from nsnn import surrogate
from nsnn.data import Batch
from nsnn.gradcheck.check import check_network, check_readout
from nsnn.gradcheck.result import Result, compare, nonzero, summary
from nsnn.layers import AvgPool2d, Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d
from nsnn.losses import mse_rate, tet
from nsnn.models import build
from nsnn.models.resnet import resnet
from nsnn.neuron import PRESETS, from_preset

# "masked": a full array and a mask, `model.storage = "dense"`.
STORAGES = ("all active", "csr", "masked")


def small_network(
    notation, neuron, rng, storage="csr", norm="none", loss=None, events=False, side=6, samples=3,
    dtype=np.float64,
):  # fmt: skip
    """A network for images or events of side x side pixels and 4 classes, and a batch."""
    C = 4 if events else 2
    network = build(notation, neuron, (C, side, side), 4, rng, norm=norm, dtype=dtype)
    network.loss = loss or network.loss
    shape = (samples, *((neuron.time_steps,) if events else ()), C, side, side)
    return lively(network, storage, shape, rng)


def residual_network(neuron, rng, storage="csr"):
    """A small residual network: a block with a convolution as shortcut, one with the identity."""
    small = functools.partial(resnet, stages=[(4, 2)], strides=[2], stem=3, hidden=5)
    network = build(small, neuron, (2, 6, 6), 4, rng, norm="batch", dtype=np.float64)
    return lively(network, storage, (3, 2, 6, 6), rng)


def lively(network, storage, shape, rng):
    """The network, sparse, with currents large enough that neurons live near ϑ, and a batch.

    Images or events of `shape` are random numbers that float32 has too.
    """
    for parameter in network.parameters():
        if parameter.prunable:
            parameter.data *= 3
            sparsify(parameter, storage, rng)
    images = rng.normal(size=shape).astype(np.float32).astype(np.float64)
    return network, Batch(images, rng.integers(0, 4, shape[0]))


def sparsify(parameter, storage, rng, density=0.6):
    """Make a weight sparse at random positions, unless `storage` is "all active"."""
    if storage != "all active":
        count = max(1, round(density * parameter.size))
        positions = np.sort(rng.choice(parameter.size, count, replace=False))
        parameter.storage = "csr" if storage == "csr" else "dense"
        parameter.sparsify(positions)


def linear_layers():
    """Layers that are linear in x: (layer's kind, option, layer, input shape)."""
    rng = np.random.default_rng(20)
    for storage in STORAGES:
        linear = Linear(12, 9, rng, float, bias=False, name="Linear")
        sparsify(linear.weight, storage, rng)
        yield "Linear", f", {storage}", linear, (12, 3, 4)
        for kernel, stride, padding in ((3, 1, 1), (3, 2, 1), (5, 1, 0), (1, 2, 0)):
            conv = Conv2d(3, 4, kernel, rng, stride, padding, float, bias=False, name="Conv2d")
            sparsify(conv.weight, storage, rng)
            option = f", {storage}, {kernel}x{kernel}, stride {stride}, padding {padding}"
            yield "Conv2d", option, conv, (3, 7, 6, 2, 3)
    yield "AvgPool2d", ", 2x2", AvgPool2d(2, float), (3, 6, 5, 2, 3)
    yield "MaxPool2d", ", 2x2", MaxPool2d(2), (3, 6, 5, 2, 3)
    yield "GlobalAvgPool2d", "", GlobalAvgPool2d(float), (3, 6, 5, 2, 3)
    yield "Flatten", "", Flatten(), (3, 6, 5, 2, 3)


def adjoint_check(name, option, layer, shape, rng) -> Result:
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩ and, for weights, = ⟨W, ∂⟨A x, y⟩/∂W⟩."""
    x = rng.normal(size=shape)
    out = layer.forward(x).copy()
    y = rng.normal(size=out.shape)
    left = float(np.vdot(out, y))
    pairs = [(x, layer.backward(y))]
    pairs += [(p.values(), p.active_gradient()) for p in layer.parameters()]
    results = [compare(name, "", left, float(np.vdot(a, b)), live=nonzero(b)) for a, b in pairs]
    return summary(results, f"adjoint identity{option}", where="")


def networks():
    """Whole networks with smooth spikes: (option, make(rng=…) -> network, batch)."""
    partial, small = functools.partial, "3C3-AP2-5"
    for reset, detached, name in itertools.product(
        ("subtract", "zero"), (True, False), surrogate.SURROGATES
    ):
        changes = {"reset": reset, "detach_reset": detached, "surrogate": name}
        text = f"reset {reset}{', detached' if detached else ''}, {name}"
        yield text, partial(small_network, small, from_preset(time_steps=4, **changes))
    for preset in PRESETS:
        yield f"preset {preset}", partial(small_network, small, from_preset(preset, time_steps=4))
    neuron = from_preset(detach_reset=False, time_steps=3)
    yield "one time step", partial(small_network, small, dataclasses.replace(neuron, time_steps=1))
    for text, notation, changes in (
        *((f"two convolutions, max pool, {s}", "3C3-MP2-4C3-5", {"storage": s}) for s in STORAGES),
        ("batch norm", small, {"norm": "batch"}),
        ("events, four channels of input", "3C3-5", {"events": True}),
        ("valid convolution of averages", "3C3-AP2-4C3V-5", {}),
        ("loss TET, lambda 0", small, {"loss": tet}),
        ("loss TET, lambda 0.3", small, {"loss": partial(tet, lam=0.3)}),
        ("loss MSE on rates", small, {"loss": mse_rate}),
    ):
        yield text, partial(small_network, notation, neuron, **changes)
    for reset, storage in itertools.product(("subtract", "zero"), ("csr", "masked")):
        changed = dataclasses.replace(neuron, reset=reset)
        text = f"residual network, reset {reset}, {storage}"
        yield text, partial(residual_network, changed, storage=storage)
    yield "as trained: detached, norm and LIF in one, csr, max pool, T = 2, TET", trained_network


def trained_network(rng, **changes):
    """The combination that small versions of the papers' tables are trained with."""
    neuron = from_preset(time_steps=2)
    return small_network("4C3-MP2-4C3-5", neuron, rng, norm="batch", loss=tet, **changes)


def network_check(option, make, rng) -> Result:
    """Every parameter and the input of a network with smooth spikes."""
    network, batch = make(rng=rng)
    return summary(check_network(network, batch, rng), option)


def readout_check(storage, rng) -> Result:
    """The readout's weights of a network that really spikes."""
    network, batch = small_network("3C3-AP2-5", from_preset(), rng, storage=storage)
    return check_readout(network, batch, rng, option=f"true spikes, {storage}")
