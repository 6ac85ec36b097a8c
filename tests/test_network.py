"""Network: prediction, bytes, wrong input; what is saved and restored: tests/training."""

import copy
import functools
import re
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nsnn.data import Batch
from nsnn.errors import UserError
from nsnn.gradcheck.cases import lively
from nsnn.layers import BatchNorm, Flatten, decide
from nsnn.models import build
from nsnn.neuron import from_preset
from nsnn.optim import SGD

NOTATION = "3C3-AP2-4C3-MP2-6"


def make(storage="csr", norm="batch", seed=60):
    rng, neuron = np.random.default_rng(seed), from_preset("ndsnn", time_steps=3)
    network = build(NOTATION, neuron, (1, 8, 8), 4, rng, norm=norm)
    return lively(network, storage, (1, 1, 8, 8), rng)[0]


def images(n=6, shape=(1, 8, 8), seed=61):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape)).astype(np.uint8)


def train(network):
    """One step."""
    network.loss_and_backward(Batch(images(5), np.arange(5) % 4))
    SGD(network.parameters(), momentum=0.9).step(0.05)


def test_a_network_shows_itself_as_a_table_of_its_layers():
    network = make()
    title, _, head, *rows = repr(network).splitlines()
    assert title == "TimeSteppedNetwork: 1 × 8 × 8 -> 4 classes"
    assert head.split() == ["layer", "kind", "weight", "active", "density"]
    assert [row.split()[0] for row in rows] == [layer.name for layer in network.layers()]
    (conv,) = [row.split() for row in rows if row.startswith("conv2")]
    p = next(p for p in network.parameters() if p.name == "conv2.weight")
    share = f"{100 * p.active / 108:.2f}"
    assert conv == f"conv2 Conv2d 4 × 3 × 3 × 3 {p.active} {share} %".split()
    (lif,) = [row.split() for row in rows if row.startswith("lif2")]
    assert lif == ["lif2", "LIF"]


@pytest.mark.parametrize("storage", ["csr", "all active"])
def test_a_state_stays_what_it_was(storage):
    """Restoring an earlier state undoes training, as the estimate before a run relies on."""
    network = make(storage)
    outputs = network.forward(Batch(images(), None)).copy()
    state = network.state()
    train(network)
    assert not np.array_equal(network.forward(Batch(images(), None)), outputs)
    network.restore(state)
    np.testing.assert_array_equal(network.forward(Batch(images(), None)), outputs)


@pytest.mark.parametrize("storage", ["csr", "masked", "all active"])
def test_prediction_of_every_kind_of_image(storage):
    network = make(storage, norm="none", seed=163)
    pictures = images(7)
    for i in range(7):
        pictures[i, :, i:] = 0  # different enough for different answers
    network.parameters()[-1].data[...] = 0  # the readout's bias would decide for all
    expected = decide(network.forward(Batch(pictures, None)))
    assert len(set(expected.tolist())) > 1
    for given in (
        pictures, pictures[:, 0], pictures / 255, (pictures / 255).astype(np.float32),
        np.asfortranarray(pictures), (pictures[:, 0] / 255).tolist(),
    ):  # fmt: skip
        labels = network.predict(given)
        assert labels.dtype == np.int64
        np.testing.assert_array_equal(labels, expected)
    for batch_size in (1, 3, 7):
        np.testing.assert_array_equal(network.predict(pictures, batch_size), expected)


@pytest.mark.parametrize(("value", "message"), [
    (np.nan, "from nan to nan"), (np.inf, "to inf"), (200.0, "from 200 to 200, expected uint8 or"),
    (-0.5, "from -0.5"), (1, "type int64, expected uint8 or float in [0, 1]"), (True, "type bool"),
    ("a", "type <U1"), (None, "type object"),
])  # fmt: skip
def test_what_is_no_image_is_not_classified(value, message):
    with pytest.raises(UserError, match=re.escape(message)):
        make().predict(np.full((2, 1, 8, 8), value))
    frames = np.full((2, 3, 1, 8, 8), value)
    if value in (200.0, 1, True):  # counts of events
        make().predict(frames)
    else:
        with pytest.raises(UserError, match="expected whole numbers 0 to 255 for events"):
            make().predict(frames)


@pytest.mark.parametrize("size", [0, -1, 1.5, None, "a"])
def test_a_batch_size_is_a_whole_number(size):
    with pytest.raises(UserError, match=rf"batch_size = {size!r}: needs a whole number, at least"):
        make().predict(images(), size)


class Slow(Flatten):
    """Gives others the time to write into what it has been given."""

    def forward(self, x, training=False):
        time.sleep(0.001)
        return x


def test_threads_that_predict_with_one_network_take_turns():
    network = make(norm="none", seed=163)
    network.body.parts.insert(-1, Slow())
    parts = [images(4, seed=seed) for seed in range(12)]
    for each in (network, copy.deepcopy(network)):
        scores = functools.partial(each.scores, batch_size=2)
        expected = [*map(scores, parts)]
        assert not np.array_equal(expected[0], expected[1])
        with ThreadPoolExecutor(4) as pool:
            np.testing.assert_array_equal([*pool.map(scores, parts)], expected)


def test_prediction_of_nothing_and_of_events():
    network = make()
    empty = network.predict(images(0))
    assert empty.shape == (0,)
    assert empty.dtype == np.int64
    frames = np.random.default_rng(0).integers(0, 2, (5, 3, 1, 8, 8)).astype(np.uint8)
    assert network.predict(frames).shape == (5,)


@pytest.mark.parametrize(("shape", "message"), [
    ((5, 1, 8, 9), "images of shape (5, 1, 8, 9), but the network takes (samples, 1, 8, 8): sam"),
    ((8, 8), "images of shape (8, 8), but the network takes (samples, 1, 8, 8)"),
    ((5, 3, 8, 8), "(5, 3, 8, 8)"),
    ((64,), "(64,)"),
    ((5, 4, 1, 8, 8), "events of 4 time steps, but neuron.time_steps = 3"),
    ((2, 5, 3, 1, 8, 8), "give images"),
])  # fmt: skip
def test_wrong_shapes(shape, message):
    network = make()
    with pytest.raises(UserError, match=re.escape(message)):
        network.predict(np.zeros(shape))
    with pytest.raises(UserError, match=re.escape(message)):
        network.loss_and_backward(Batch(np.zeros(shape), np.zeros(shape[0], np.int64)))


@pytest.mark.parametrize("label", [-1, 4])
def test_labels_outside_the_classes(label):
    """-1 would silently count as the last class."""
    network = make()
    labels = np.array([0, 1, label])
    with pytest.raises(UserError, match=str(label)):
        network.loss_and_backward(Batch(images(3), labels))


def test_a_batch_of_no_samples_is_refused():
    network = make()
    for run in (network.forward, network.loss_and_backward):
        with pytest.raises(UserError, match="no images"):
            run(Batch(images(0), np.zeros(0, np.int64)))


@pytest.mark.parametrize("where", ["conv1.weight", "conv2.bias", "norm2.gamma", "linear2.weight"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_layer_of_a_bad_weight_is_named(where, value):
    network = make()
    train(network)
    assert network.first_non_finite() is None
    parameter = {p.name: p for p in network.parameters()}[where]
    parameter.data.reshape(-1)[0] = value
    assert network.first_non_finite() == where.split(".")[0]


@pytest.mark.parametrize("layer", ["conv2", "linear1", "linear2"])
def test_a_step_that_blows_up_names_the_layer_where_it_began(layer):
    """The backward carries a NaN down to the first layer, which is not where it comes from."""
    network = make("all active", norm="none")
    parameter = {p.name: p for p in network.parameters()}[f"{layer}.bias"]
    parameter.data[0] = np.nan
    with np.errstate(all="ignore"):
        network.loss_and_backward(Batch(images(), np.zeros(6, np.int64)))
    assert network.first_non_finite() == layer


def test_bytes():
    network = make()
    train(network)
    held = network.bytes_held()
    active = sum(p.active for p in network.parameters())
    assert held["weights"] == held["gradients"] == held["optimiser"] == 4 * active
    assert held["indices"] == sum(
        p.topology.index_bytes for p in network.parameters() if p.topology is not None
    )
    activations = sum(layer.buffer_bytes() for layer in network.layers())
    largest = 4 * 3 * 8 * 8 * 3 * 5  # into pool1: (C, H, W, T, B) float32
    assert largest <= held["buffers"] - activations <= 2 * largest
    assert network.bytes_dense() == 12 * sum(p.size for p in network.parameters())
    assert make("all active").bytes_held()["indices"] == 0
    assert held["blocks"] == 0
    conv, other = [p for p in network.parameters() if p.prunable][:2]
    for _ in range(2):  # a dense gradient is freed before the next is made, so the largest counts
        for p in (conv, other):
            p.observe(lambda columns, block: None)
        network.loss_and_backward(Batch(images(), np.zeros(6, np.int64)))
        assert network.bytes_held()["blocks"] == 4 * max(conv.size, other.size)


def test_currents_are_the_running_deviations_and_leave_out_what_is_not_finite():
    network = make()
    train(network)
    norms = {layer.name: layer for layer in network.layers() if isinstance(layer, BatchNorm)}
    wanted = {
        name: np.sqrt(np.quantile(n.running_variance, [0.1, 0.5])) for name, n in norms.items()
    }
    for name, found in network.currents().items():
        np.testing.assert_allclose(found, wanted[name], rtol=1e-12)
    assert network.currents().keys() == wanted.keys()
    assert len(wanted) > 1
    name = min(norms)
    norms[name].running_variance = np.full_like(norms[name].running_variance, np.nan)
    assert network.currents().keys() == wanted.keys() - {name}


def test_a_model_of_another_number_of_classes_is_refused():
    def three(neuron, shape, classes, *rest):
        return build("4", neuron, shape, 3, *rest).body

    neuron = from_preset("ndsnn", time_steps=2)
    network = build(three, neuron, (1, 4, 4), 10, np.random.default_rng(0))
    batch = Batch(np.zeros((2, 1, 4, 4), dtype=np.uint8), np.array([0, 9]))
    for run in (network.forward, network.loss_and_backward):
        with pytest.raises(UserError, match=r"outputs of shape \(3, 2, 2\), expected \(10 classes"):
            run(batch)
