"""Silent neurons are left out of all arrays, and nothing that can be seen changes.

Whole trainings beside one with frozen zeros: tests/methods/test_sdsnn_oracle.py.
"""

import numpy as np
import pytest

from nsnn.csr import CSRMatrix, MaskedMatrix
from nsnn.data import Batch
from nsnn.errors import UserError
from nsnn.export import network_arrays
from nsnn.layers import LIF
from nsnn.models import MODELS, build, resnet19
from nsnn.neuron import from_preset
from nsnn.optim import SGD, Adam

SHAPE = (1, 8, 8)
KINDS = [
    (storage, norm, model)
    for storage in ("csr", "dense", "auto", "readout dense")
    for norm in ("none", "batch")
    for model in ("4C3-AP2-6C3-MP2-14-9", "8C3-MP2-12")
]


def make(storage="csr", norm="batch", model="4C3-AP2-6C3-MP2-14-9", shape=SHAPE, width=1.0):
    """Half of the weights active; "readout dense": the last one never made sparse."""
    rng = np.random.default_rng(90)
    neuron = from_preset("ndsnn", time_steps=3)
    network = build(model, neuron, shape, 4, rng, width=width, norm=norm, dtype=np.float64)
    weights = [p for p in network.parameters() if p.prunable]
    for p in weights:
        p.storage = "csr" if storage == "readout dense" else storage
        p.data *= 3
        if p is not weights[-1] or storage != "readout dense":
            p.sparsify(np.flatnonzero(rng.random(p.size) < 0.6))
    return network


def quieten(network, seed=91):
    """Take from some members of each prunable group what could make them fire; who they are."""
    rng = np.random.default_rng(seed)
    silent = {}
    for group in network.neurons():
        if group.prunable:
            members = silent[group.name] = rng.permutation(group.size) < group.size // 2
            for p, into in group.inputs_of(members):
                p.rewire(~into, [])
            for p in group.vectors:
                p.data[members] = 0
    return silent


def batch(rng, shape=SHAPE):
    return Batch(rng.integers(0, 256, (5, *shape)).astype(np.uint8), rng.integers(0, 4, 5))


def train(network, steps, kind=SGD):
    options = {"momentum": 0.9} if kind is SGD else {}
    optimiser = kind(network.parameters(), weight_decay=1e-3, **options)
    rng = np.random.default_rng(92)
    for _ in range(steps):
        network.loss_and_backward(batch(rng))
        optimiser.step(0.02)


def twins(*args, **options):
    """The same network twice, with the same silent members: left out in the first."""
    network, whole = make(*args, **options), make(*args, **options)
    silent = quieten(network)
    whole.restore(network.state())
    network.silence(silent)
    return network, whole, silent


def assert_like(network, whole, silent, data):
    """One step of both: loss, predictions, measures and gradients of what is live."""
    (loss, predictions), expected = (n.loss_and_backward(data) for n in (network, whole))
    np.testing.assert_allclose(loss, expected[0], rtol=1e-12)
    np.testing.assert_array_equal(predictions, expected[1])
    own, theirs = network.measures(), whole.measures()
    assert own.operations == theirs.operations
    assert own.spike_rates == theirs.spike_rates
    assert own.spike_rate == theirs.spike_rate > 0
    frozen = {p.name: m for g in network.neurons() for p in g.vectors for m in [silent.get(g.name)]}
    for p, q in zip(network.parameters(), whole.parameters(), strict=True):
        gradient = q.active_gradient().copy()
        if frozen.get(p.name) is not None:
            gradient[frozen[p.name]] = 0
        np.testing.assert_allclose(p.active_gradient(), gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("storage", "norm", "model", "shape", "width", "groups"), [
    *((*kind, SHAPE, 1.0, None) for kind in KINDS),
    ("csr", "batch", resnet19, (3, 16, 16), 0.06, 10),  # those inside residual blocks
    ("dense", "batch", resnet19, (3, 16, 16), 0.06, 10),
    ("auto", "none", MODELS["sdsnn-mnist"], (1, 12, 12), 0.4, 3),
])  # fmt: skip
def test_left_out_or_zero_is_the_same(storage, norm, model, shape, width, groups):
    network, whole, silent = twins(storage, norm, model, shape, width)
    assert groups in (None, len(silent))
    assert_like(network, whole, silent, batch(np.random.default_rng(93), shape))
    for layer in network.layers():
        if isinstance(layer, LIF) and layer.name in silent:
            assert len(layer.s) == np.count_nonzero(~silent[layer.name])
    images = batch(np.random.default_rng(94), shape).images
    np.testing.assert_allclose(network.scores(images), whole.scores(images), rtol=1e-12)


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize(("storage", "norm", "model"), KINDS)
def test_waking_brings_everything_back(storage, norm, model, kind):
    network = make(storage, norm, model)
    for p in network.parameters():
        p.attach("age", lambda positions: positions, np.int16)
    train(network, 2, kind)
    silent = quieten(network)
    whole, topologies = network.state(), [type(p.topology) for p in network.parameters()]
    arrays = network_arrays(network)
    network.silence(silent)
    shrunk = network.state()
    members = {name: shrunk.pop(f"silent/{name}") for name in silent}
    np.testing.assert_equal(shrunk, whole)
    np.testing.assert_equal(members, silent)
    np.testing.assert_equal(network_arrays(network), arrays)
    for p in network.parameters():
        np.testing.assert_array_equal(p.to_dense().reshape(-1)[p.positions()], p.values())
    woken = network.wake()
    np.testing.assert_equal(woken, silent)
    assert network.silent == {}
    np.testing.assert_equal(network.state(), whole)
    assert [type(p.topology) for p in network.parameters()] == topologies
    data = batch(np.random.default_rng(95))
    loss, _ = network.loss_and_backward(data)
    fires = [g.layers[-1].s[silent[g.name]].any() for g in network.neurons()]
    network.predict(data.images)
    fires += [g.layers[-1].s[silent[g.name]].any() for g in network.neurons()]
    assert not any(fires)
    network.silence(silent)
    np.testing.assert_allclose(network.loss_and_backward(data)[0], loss, rtol=1e-12)


def test_others_can_be_silent_next():
    network, whole, silent = twins()
    (first, members), *_ = silent.items()
    network.silence({first: members, "lif2": np.zeros_like(silent["lif2"])})
    assert list(network.silent) == [first]
    assert_like(network, whole, {first: members}, batch(np.random.default_rng(98)))


def test_parked_synapses_exist_and_only_live_ones_are_stored():
    network, whole, silent = twins()
    before = {p.name: (p.active, p.positions(), p.size, p.shape) for p in whole.parameters()}
    for p in network.parameters():
        active, positions, *rest = before[p.name]
        assert [p.active, p.size, p.shape] == [active, *rest]
        np.testing.assert_array_equal(p.positions(), positions)
        # Half of the rows have lost their synapses already; pixels and outputs are all there.
        assert p.data.size < active or p.name in ("conv1.weight", "linear3.bias")
    live = np.count_nonzero(~silent["lif1"]), np.count_nonzero(~silent["lif2"])
    assert network.layers()[4].weight.stored_shape == (live[1], 9 * live[0])
    for n in (network, whole):
        train(n, 1)
    held, full = network.bytes_held(), whole.bytes_held()
    assert held["gradients"] < full["gradients"]
    assert held["buffers"] < 0.7 * full["buffers"]
    assert network.bytes_dense() == whole.bytes_dense()
    assert network.first_non_finite() is None


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_new_optimiser_forgets_the_slots_of_parked_synapses(kind):
    network = make("csr", "none", "8C3-MP2-12")
    train(network, 2, kind)
    network.silence(quieten(network))
    for p in network.parameters():
        p.forget_slots()
    train(network, 1, kind)
    silent = network.wake()
    for group in network.neurons():
        for p in group.vectors:
            assert not any(slot[silent[group.name]].any() for slot in p.slots.values())
            assert p.slots
            assert all(slot.any() for slot in p.slots.values())


def test_a_shrunk_parameter_asks_to_wake_first():
    network = twins()[0]
    p = next(p for p in network.parameters() if p.name == "conv2.weight")
    for act in (
        lambda: p.rewire(np.ones(p.active, bool), []),
        lambda: p.assign(p.values()),
        lambda: p.observe(print),
        lambda: p.restore(p.state()),
    ):
        with pytest.raises(UserError, match=r"conv2\.weight cannot be .* call network\.wake\(\)"):
            act()


def test_who_observes_before_the_silence_is_told():
    network = make()
    silent = quieten(network)
    for p in network.parameters():
        p.observe(print)
    network.silence(silent)
    with pytest.raises(UserError, match="cannot be observed"):
        network.loss_and_backward(batch(np.random.default_rng(0)))


def test_wrong_members_are_refused_and_change_nothing():
    network = make()
    some = np.arange(6) < 2
    fixed = make(model=resnet19, shape=(3, 16, 16), width=0.1)
    for n, silent, message in (
        (network, {"lif9": some}, "no group of neurons 'lif9'; .*lif1"),
        (network, {"lif2": some[:4]}, r"lif2 takes bool of shape \(6,\), not bool of shape \(4,\)"),
        (network, {"lif2": some.astype(int)}, "not int64"),
        (network, {"lif2": some}, r"conv2\.weight feeds members of lif2 still"),
        (fixed, {"block1.lif2": np.arange(13) < 2}, "a shortcut adds to their current"),
    ):
        before = n.state()
        with pytest.raises(UserError, match=message):
            n.silence(silent)
        np.testing.assert_equal(n.state(), before)
    silent = quieten(network)
    network.neurons()[1].vectors[2].data[silent["lif2"]] = 0.1
    with pytest.raises(UserError, match=r"norm2\.beta feeds members of lif2"):
        network.silence(silent)
    with pytest.raises(UserError, match="all 6 members of lif2: leave one"):
        network.silence({"lif2": np.ones(6, bool)})


def test_auto_stores_what_is_left_as_suits_its_own_density():
    network, whole, _ = twins("auto")
    for n, kind in ((network, MaskedMatrix), (whole, CSRMatrix)):
        assert isinstance(n.layers()[4].weight.topology, kind)  # 0.3 of all, 0.6 of live positions


def test_operations_of_a_forward_with_others_silent_cannot_be_counted():
    network = twins()[0]
    network.predict(batch(np.random.default_rng(0)).images)
    network.wake()
    with pytest.raises(UserError, match=r"conv2: neurons have been silenced or woken since"):
        network.measures()
