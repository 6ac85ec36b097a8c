"""The checks that `nsnn gradcheck` runs: every layer, neuron, surrogate, storage and loss."""

import dataclasses
import functools
import itertools

import numpy as np

from nsnn import surrogate
from nsnn.data import Batch
from nsnn.gradcheck.check import (
    TOLERANCE,
    NearKinkError,
    Result,
    check_network,
    check_readout,
    check_surrogate,
    relative_error,
)
from nsnn.layers import (
    AvgPool2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
)
from nsnn.losses import mse_rate, tet
from nsnn.models import build
from nsnn.models.resnet import resnet
from nsnn.neuron import PRESETS, from_preset

DRAWS = 50  # at most; a draw near a kink is thrown away


def run_all(seed: int = 0) -> list[Result]:
    """Every check, each from its own random stream."""
    streams = (np.random.default_rng([seed, i]) for i in itertools.count())
    results = [check_surrogate(name, next(streams)) for name in surrogate.SURROGATES]
    results += [_adjoint(*case, next(streams)) for case in _linear_layers()]
    results += [_network_check(*case, next(streams)) for case in _networks()]
    results += [_readout_check(storage, next(streams)) for storage in ("csr", "masked")]
    return results


def main_table(seed: int = 0) -> tuple[str, bool]:
    """The table of `nsnn gradcheck`, and whether everything passed.

    Returns
    -------
    text : str
    passed : bool
        Also requires that a gradient that is 1 % too large is caught.
    """
    results = run_all(seed)
    corrupted = _corrupted(seed)
    width = max(len(r.option) for r in (*results, corrupted))
    lines = [f"{'layer':<24} {'option':<{width}} {'relative error':>14}  passed"]
    for r in results:
        note = f"  ({r.redrawn} redrawn)" if r.redrawn else ""
        verdict = "yes" if r.passed else "NO"
        lines.append(f"{r.layer:<24} {r.option:<{width}} {r.error:14.1e}  {verdict}{note}")
    caught = not corrupted.passed
    verdict = "caught" if caught else "NOT CAUGHT"
    row = f"{corrupted.layer:<24} {corrupted.option:<{width}} {corrupted.error:14.1e}  {verdict}"
    failed = sum(not r.passed for r in results)
    below = sum(r.error < 1e-8 for r in results)
    lines += [
        row,
        "",
        "surrogate: against the central difference of its primitive. adjoint identity: <Ax, y> =",
        "<x, A'y>. network: every parameter and the input of a small network, against central",
        "differences of the network with smooth spikes; the worst is named. redrawn: a value lay",
        "within 1e-4 of a bend of the surrogate or of a tie in max pooling.",
        f"{len(results)} checks in float64, tolerance {TOLERANCE:.0e}: {len(results) - failed} "
        f"passed, {failed} failed; {below} below 1e-8; {sum(r.redrawn for r in results)} draws "
        "near a kink redrawn.",
    ]
    return "\n".join(lines), failed == 0 and caught


def _linear_layers():
    """Layers that are linear in x: (text, option, layer, input shape)."""
    rng = np.random.default_rng(20)
    for storage in ("all active", "csr", "masked"):
        linear = Linear(12, 9, rng, float, bias=False, name="Linear")
        _sparsify(linear.weight, storage, rng)
        yield "Linear", storage, linear, (12, 3, 4)
        for kernel, stride, padding in ((3, 1, 1), (3, 2, 1), (5, 1, 0), (1, 2, 0)):
            conv = Conv2d(3, 4, kernel, rng, stride, padding, float, bias=False, name="Conv2d")
            _sparsify(conv.weight, storage, rng)
            option = f"{storage}, {kernel}x{kernel}, stride {stride}, padding {padding}"
            yield "Conv2d", option, conv, (3, 7, 6, 2, 3)
    yield "AvgPool2d", "2x2", AvgPool2d(2, float), (3, 6, 5, 2, 3)
    yield "MaxPool2d", "2x2", MaxPool2d(2), (3, 6, 5, 2, 3)
    yield "GlobalAvgPool2d", "", GlobalAvgPool2d(float), (3, 6, 5, 2, 3)
    yield "Flatten", "", Flatten(), (3, 6, 5, 2, 3)


def _sparsify(parameter, storage, rng, density=0.4):
    """Make a weight sparse at random positions, held as "csr" or "masked" (a full array and a mask,
    `model.storage = "dense"`); "all active" leaves it dense.
    """
    if storage != "all active":
        count = max(1, round(density * parameter.size))
        positions = np.sort(rng.choice(parameter.size, count, replace=False))
        parameter.sparsify(positions, "csr" if storage == "csr" else "dense")


def _adjoint(name, option, layer, shape, rng) -> Result:
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩ and, for weights, = ⟨W, ∂⟨A x, y⟩/∂W⟩."""
    x = rng.normal(size=shape)
    out = layer.forward(x).copy()
    y = rng.normal(size=out.shape)
    left = float(np.vdot(out, y))
    errors = [relative_error(left, float(np.vdot(x, layer.backward(y))))]
    for parameter in layer.parameters():
        errors.append(relative_error(left, float(np.vdot(parameter.data, parameter.gradient))))
    return Result(
        name, f"adjoint identity, {option}" if option else "adjoint identity", max(errors)
    )


def _networks():
    """Whole networks: (text, make(rng) -> Network)."""
    for reset, detached, name in itertools.product(
        ("subtract", "zero"), (True, False), surrogate.SURROGATES
    ):
        neuron = from_preset(
            "ndsnn", reset=reset, detach_reset=detached, surrogate=name, time_steps=4
        )
        text = f"reset {reset}{', detached' if detached else ''}, {name}"
        yield text, functools.partial(_small, "3C3-AP2-5", neuron)
    for preset in PRESETS:
        neuron = from_preset(preset, time_steps=4)
        yield f"preset {preset}", functools.partial(_small, "3C3-AP2-5", neuron)
    neuron = from_preset("ndsnn", detach_reset=False, time_steps=3)
    for storage in ("all active", "csr", "masked"):
        make = functools.partial(_small, "3C3-MP2-4C3-5", neuron, storage=storage)
        yield f"two convolutions, max pool, {storage}", make
    yield "batch norm", functools.partial(_small, "3C3-AP2-5", neuron, norm="batch")
    yield (
        "one time step",
        functools.partial(_small, "3C3-AP2-5", dataclasses.replace(neuron, time_steps=1)),
    )
    yield "events, four channels of input", functools.partial(_small, "3C3-5", neuron, events=True)
    yield "valid convolution of averages", functools.partial(_small, "3C3-AP2-4C3V-5", neuron)
    for reset, storage in itertools.product(("subtract", "zero"), ("csr", "masked")):
        changed = dataclasses.replace(neuron, reset=reset)
        text = f"residual network, reset {reset}, {storage}"
        yield text, functools.partial(_residual, changed, storage=storage)
    for text, loss in (
        ("loss TET, lambda 0", functools.partial(tet, lam=0.0)),
        ("loss TET, lambda 0.3", functools.partial(tet, lam=0.3)),
        ("loss MSE on rates", mse_rate),
    ):
        yield text, functools.partial(_small, "3C3-AP2-5", neuron, loss=loss)


def _small(notation, neuron, rng, storage="csr", norm="none", loss=None, events=False):
    """A small network in float64 and a batch."""
    C = 4 if events else 2
    network = build(notation, neuron, (C, 6, 6), 4, rng, norm=norm, dtype=np.float64)
    if loss is not None:
        network.loss = loss
    shape = (3, neuron.time_steps, C, 6, 6) if events else (3, C, 6, 6)
    return _lively(network, storage, rng), _batch(shape, rng)


def _residual(neuron, rng, storage="csr"):
    """A small residual network: a block with a convolution as shortcut, one with the identity."""
    small = functools.partial(resnet, stages=[(4, 2)], strides=[2], stem=3, hidden=5)
    network = build(small, neuron, (2, 6, 6), 4, rng, norm="batch", dtype=np.float64)
    return _lively(network, storage, rng), _batch((3, 2, 6, 6), rng)


def _lively(network, storage, rng):
    """The network, sparse, with currents large enough that neurons live near ϑ."""
    for parameter in network.parameters():
        if parameter.prunable:
            parameter.data *= 3
            _sparsify(parameter, storage, rng, density=0.6)
    return network


def _batch(shape, rng):
    """Random images or events, random labels of 4 classes."""
    return Batch(rng.normal(size=shape), rng.integers(0, 4, shape[0]))


def _network_check(text, make, rng) -> Result:
    """The worst error over all parameters and the input; draws near a kink are redrawn."""
    for redrawn in range(DRAWS):
        network, batch = make(rng=rng)
        try:
            worst = max(check_network(network, batch, rng), key=lambda r: r.error)
        except NearKinkError:
            continue
        return Result(f"network: {worst.layer}", text, worst.error, redrawn)
    return Result("network", f"{text}: every one of {DRAWS} draws lay near a kink", np.nan, DRAWS)


def _readout_check(storage, rng) -> Result:
    """The readout's weights of a network that really spikes."""
    network, batch = _small("3C3-AP2-5", from_preset("ndsnn"), rng, storage=storage)
    return check_readout(network, batch, rng, option=f"true spikes, {storage}")


def _corrupted(seed) -> Result:
    """The check of a network whose first convolution reports a gradient 1 % too large."""
    rng = np.random.default_rng([seed, 10_000])
    network, batch = _small("3C3-AP2-5", from_preset("ndsnn"), rng)
    conv = network.layers()[0]
    honest = conv.backward

    def one_percent_too_large(dy):
        dx = honest(dy)
        conv.weight.gradient *= 1.01
        return dx

    conv.backward = one_percent_too_large
    results = check_network(network, batch, rng, option="gradient made 1 % too large on purpose")
    return next(r for r in results if r.layer == conv.weight.name)
