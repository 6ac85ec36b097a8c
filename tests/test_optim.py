"""Optimisers against literal formulas; state follows the weights; schedules by hand."""

import math

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.layers.parameter import Parameter
from nsnn.optim import SGD, Adam, clip_by_norm, learning_rate


def make(seed=0, dtype=np.float64, storage=None, shape=(6, 9)):
    """A weight, sparse unless storage is None, and a bias without decay."""
    rng = np.random.default_rng(seed)
    weight = Parameter("fc.weight", rng.normal(size=shape).astype(dtype), prunable=True)
    bias = Parameter("fc.bias", rng.normal(size=shape[0]).astype(dtype), decayed=False)
    if storage:
        active = np.sort(rng.choice(weight.size, weight.size // 3, replace=False))
        weight.storage = storage
        weight.sparsify(active)
    return [weight, bias]


def set_gradients(parameters, rng):
    """Random gradients of the dense shape, zero where inactive; returns the active ones."""
    for p in parameters:
        g, sparse = rng.normal(size=p.size), p.topology is not None
        p.gradient[...] = p.topology.scatter(g[p.positions()]) if sparse else g.reshape(p.shape)
    return [p.active_gradient().astype(np.float64) for p in parameters]


def literal_sgd(w, g, state, lr, decay, momentum, nesterov):
    """torch.optim.SGD, one parameter."""
    g = g + decay * w
    if momentum:
        b = g if "b" not in state else momentum * state["b"] + g
        state["b"] = b
        g = g + momentum * b if nesterov else b
    return w - lr * g


def literal_adam(w, g, state, lr, decay, beta1, beta2, eps):
    """torch.optim.Adam, one parameter."""
    g = g + decay * w
    k = state["k"] = state.get("k", 0) + 1
    m = state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    v = state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g**2
    return w - lr * (m / (1 - beta1**k)) / (np.sqrt(v / (1 - beta2**k)) + eps)


MOMENTA = [{"momentum": m, "nesterov": n} for m, n in ((0.0, False), (0.9, False), (0.9, True))]
ADAM = {"beta1": 0.8, "beta2": 0.99, "eps": 1e-3}
RULES = [*((SGD, literal_sgd, m, 1e-12) for m in MOMENTA), (Adam, literal_adam, ADAM, 1e-11)]


@pytest.mark.parametrize("storage", [None, "csr", "dense"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(("kind", "literal", "options", "rtol"), RULES)
def test_updates_are_the_formula(kind, literal, options, rtol, decay, storage):
    parameters = make(storage=storage)
    optimiser = kind(parameters, weight_decay=decay, **options)
    expected = [p.values().astype(np.float64) for p in parameters]
    states = [{}, {}]
    rng = np.random.default_rng(1)
    for step in range(5):
        gradients = set_gradients(parameters, rng)
        lr = 0.3 / (step + 1)
        optimiser.step(lr)
        for i, p in enumerate(parameters):
            own = decay if p.decayed else 0.0
            expected[i] = literal(expected[i], gradients[i], states[i], lr, own, **options)
            np.testing.assert_allclose(p.values(), expected[i], rtol=rtol)
            np.testing.assert_array_equal(p.active_gradient(), gradients[i])
    if storage == "dense":
        assert not parameters[0].data[~parameters[0].topology.mask].any()


def test_float32_arithmetic():
    """Bit for bit that of float32: a scratch array in float64 rounds elsewhere."""
    rng, f = np.random.default_rng(6), np.float32
    w, g = rng.normal(size=(2, 300)).astype(f)
    for optimiser in (SGD, Adam):
        weight = Parameter("fc.weight", w.copy())
        weight.gradient[...] = g
        optimiser([weight], weight_decay=0.7).step(0.3)
        h = w * f(0.7) + g
        if optimiser is Adam:
            m, v = h * f(1 - 0.9), h * h * f(1 - 0.999)
            h = m / (np.sqrt(v) / f(math.sqrt(1 - 0.999)) + f(1e-8))
            np.testing.assert_array_equal(weight.data, w - h * f(0.3 / (1 - 0.9)))
        else:
            np.testing.assert_array_equal(weight.data, w - h * f(0.3))


def test_nesterov_without_momentum():
    with pytest.raises(UserError, match=r"optim\.momentum"):
        SGD(make(), momentum=0.0, nesterov=True)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_an_optimiser_clips_all_gradients_together_where_it_was_told_to(kind):
    """`clip`, once a step, before some weights are moved by their method and others by `step`."""
    for max_norm, factor in ((0.0, 1.0), (10.0, 1.0), (1.0, 0.2)):
        first, second = (Parameter(name, np.zeros(2)) for name in ("a", "b"))
        first.gradient[:], second.gradient[:] = (3.0, 0.0), (0.0, 4.0)
        optimiser = kind([first, second], max_norm=max_norm)
        optimiser.clip()
        np.testing.assert_allclose(first.gradient, [3 * factor, 0], rtol=1e-6)
        np.testing.assert_allclose(second.gradient, [0, 4 * factor], rtol=1e-6)
        optimiser.step(0.1, only=[second])
        assert not first.data.any()
        assert second.data[1] < 0


def test_the_norm_is_summed_in_float64():
    assert clip_by_norm(make(), 1.0) == 0.0  # gradients of 0
    weight = Parameter("w", np.zeros((1000, 1000), dtype=np.float32))
    weight.gradient[...] = 0.1
    exact = 1000 * float(np.float32(0.1))
    assert clip_by_norm([weight], 1e9) == pytest.approx(exact, rel=1e-12)


def test_learning_rates_by_hand():
    assert learning_rate("constant", 0.3, 70, 100) == 0.3
    assert learning_rate("cosine", 0.3, 0, 100) == pytest.approx(0.3)
    assert learning_rate("cosine", 0.4, 25, 100) == pytest.approx(0.2 * (1 + math.sqrt(0.5)))
    assert learning_rate("cosine", 0.3, 100, 100) == pytest.approx(0.0)
    assert learning_rate("exponential", 0.01, 0, 100, lr_end=1e-4) == pytest.approx(0.01)
    assert learning_rate("exponential", 0.01, 50, 100, lr_end=1e-4) == pytest.approx(1e-3)
    assert learning_rate("exponential", 0.01, 100, 100, lr_end=1e-4) == pytest.approx(1e-4)
    rates = [learning_rate("step", 0.8, s, 100, period=10, gamma=0.5) for s in (0, 9, 10, 29)]
    assert rates == [0.8, 0.8, 0.4, 0.2]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [("exponential", "lr_end"), ("step", "period"), ("cosin", "constant, cosine")],
)
def test_bad_schedules(schedule, message):
    with pytest.raises(UserError, match=message):
        learning_rate(schedule, 0.1, 1, 10)
