"""LTH: exact counts, one ranking of all layers, late rewinding, and what breaks it is noticed."""

import numpy as np
import pytest

from nsnn.errors import RunError, UserError
from nsnn.layers.batchnorm import BatchNorm
from nsnn.methods import RunLength

N = 2 * 9 + 12 * 54 + 60 * 150 + 5 * 60
# Prunes to .75, .5625, .4219 and .4: five rounds of two epochs, the last of three.
COUNTS = [round(N * d) for d in (0.75, 0.5625, 0.421875, 0.4)]
RUN = RunLength(steps_per_epoch=4, epochs=13)
STARTS = [4, 6, 8, 10]


def dense(network):
    return {p.name: p.to_dense().reshape(-1).copy() for p in network.parameters()}


def keep_largest(weights, active, count):
    """The global rule, literally: one list of all |w|, the later of two equals stays."""
    names = list(active)
    magnitude = np.concatenate([np.where(active[n], np.abs(weights[n]), -1) for n in names])
    order = np.lexsort((-np.arange(magnitude.size), -magnitude))
    kept = np.zeros(magnitude.size, dtype=bool)
    kept[order[:count]] = True
    cuts = np.cumsum([active[n].size for n in names])[:-1]
    return dict(zip(names, np.split(kept, cuts), strict=True))


def check_rounds(run, starts=STARTS, counts=COUNTS, late=2):
    """Train, and compare every start of a round with the rule on dense arrays."""
    network, norm = run.network, BatchNorm(3)
    network.layers = lambda: [norm]
    begin, rng, seen = run.method.begin_epoch, np.random.default_rng(5), []
    snapshot = {}

    def begin_epoch(epoch):
        before, active = dense(network), run.masks()
        if epoch == late:
            snapshot.update(before, mean=norm.running_mean, variance=norm.running_variance)
        fresh = begin(epoch)
        assert fresh == (epoch in starts)
        after = dense(network)
        if not fresh:
            np.testing.assert_equal(after, before)
            return fresh
        k = starts.index(epoch)
        kept = keep_largest(before, active, counts[k])
        np.testing.assert_equal(run.masks(), kept)
        for name, mask in kept.items():
            logged = [run.log.positions_at(name, step) for step in (4 * epoch - 1, 4 * epoch)]
            np.testing.assert_equal(logged, [np.flatnonzero(m) for m in (active[name], mask)])
            np.testing.assert_array_equal(after[name], np.where(mask, snapshot[name], 0))
        np.testing.assert_array_equal(after["fc2.bias"], snapshot["fc2.bias"])
        np.testing.assert_array_equal(norm.running_mean, snapshot["mean"])
        np.testing.assert_array_equal(norm.running_variance, snapshot["variance"])
        assert not any(p.slots for p in network.parameters())
        assert sum(p.active for p in network.prunable().values()) == counts[k]
        seen.append(epoch)
        return fresh

    run.method.begin_epoch = begin_epoch
    for _ in run.steps():
        norm.fold(rng.normal(1, 2, (3, 8)), training=True)
    assert seen == starts
    assert all(p.slots for p in network.parameters())


@pytest.mark.parametrize("seed", range(4))
def test_every_round_is_literal(bench, seed):
    run, rng = bench("lth"), np.random.default_rng(seed)
    for p in run.network.prunable().values():
        p.data[...] = rng.normal(scale=rng.uniform(0.5, 2), size=p.shape)
    check_rounds(run)


def test_rounds_with_equal_weights(bench):
    run = bench("lth")
    for p in run.network.prunable().values():
        p.data[...] = np.random.default_rng(0).integers(-2, 3, p.shape)
    run.network.dense_gradient = lambda p, step: np.zeros(p.size)
    run.network.is_connected = lambda: True  # the first layer loses every tie, and all its weights
    check_rounds(run)


def test_rewinding_to_the_initial_weights_is_an_option(bench):
    run = RunLength(steps_per_epoch=4, epochs=11)
    check_rounds(bench("lth", run=run, rewind_epochs=0), starts=[2, 4, 6, 8], late=0)


def test_the_learning_rate_is_rewound(bench):
    run = bench("lth")
    places = [run.method.schedule(step) for step in range(RUN.total_steps)]
    # The first two epochs and a round are one schedule of 16 steps; so is each further round,
    # from the snapshot on; the last round is an epoch longer.
    expected = [(i, 16) for i in range(16)] + 3 * [(i, 16) for i in range(8, 16)]
    assert places == expected + [(i, 20) for i in range(8, 20)]


def test_a_layer_without_weights_stops_the_run(bench):
    def small_weights_in_a_layer():
        run = bench("lth")
        run.network.prunable()["conv2.weight"].data *= 1e-9
        run.network.dense_gradient = lambda p, step: np.zeros(p.size)
        return run

    with pytest.raises(RunError, match=r"prune 1 of 4 leaves conv2\.weight without a weight"):
        small_weights_in_a_layer().train()
    # Beside another branch the network goes on, and says so in its counts.
    run = small_weights_in_a_layer()
    run.network.is_connected = lambda: True
    assert run.train().method.targets()["conv2.weight"] == 0


@pytest.mark.parametrize(("options", "epochs", "message"), [
    ({}, 6, r"takes 4 prunes .* 5 rounds of 1 .* train\.epochs = 6; use train\.epochs = 7 or"),
    ({"rewind_epochs": 9}, 6, r"use train\.epochs = 14$"),
    ({"round_epochs": 3}, 13, r"5 rounds of 3 .*use train\.epochs = 17 or .*round_epochs = 2"),
])  # fmt: skip
def test_rounds_that_overshoot(bench, options, epochs, message):
    with pytest.raises(UserError, match=message):
        bench("lth", run=RunLength(4, epochs), **options)


@pytest.mark.parametrize("theta", [0.5, 0.9, 0.95, 0.98, 0.99])
def test_what_the_overshooting_message_advises_fits(bench, theta):
    options = {"final_sparsity": theta, "round_epochs": 5}
    with pytest.raises(UserError, match=r"prune_fraction = [\d.]+$") as error:
        bench("lth", run=RunLength(4, 14), **options)
    p = float(str(error.value).split()[-1])
    bench("lth", run=RunLength(4, 14), prune_fraction=p, **options)
    epochs = int(str(error.value).split("use train.epochs = ")[1].split()[0])
    bench("lth", run=RunLength(4, epochs), **options)
    with pytest.raises(UserError):
        bench("lth", run=RunLength(4, epochs - 1), **options)


def test_a_target_of_no_weight_at_all(bench):
    with pytest.raises(UserError, match=r"final_sparsity = 0\.99999 leaves none of 9966 weights"):
        bench("lth", run=RunLength(4, 100), final_sparsity=0.99999)


def test_given_rounds_leave_the_rest_to_the_last(bench):
    run = bench("lth", round_epochs=1)
    check_rounds(run, starts=[3, 4, 5, 6])
    assert run.method.schedule(4 * 6) == (8, 36)
