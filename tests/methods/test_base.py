"""What every method has to do: the interface, its state, the dense baseline."""

import json

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.methods import METHODS, Dense, Method, RunLength


def test_run_length():
    assert RunLength(steps_per_epoch=30, epochs=4).total_steps == 120


@pytest.mark.parametrize("name", METHODS)
def test_every_method_keeps_to_the_interface(name, bench):
    kind = METHODS[name]
    assert issubclass(kind, Method)
    config = kind.Config()
    config.validate()
    # As many epochs as the default rounds of LTH take.
    run = bench(kind(config), run=RunLength(steps_per_epoch=10, epochs=13)).train()
    weights = run.network.prunable()
    assert {key: p.active for key, p in weights.items()} == run.method.targets()
    for array in run.method.state().values():
        assert array.dtype != object


@pytest.mark.parametrize("name", METHODS)
def test_the_random_stream_is_restored(name, bench):
    kind = METHODS[name]
    length = RunLength(steps_per_epoch=10, epochs=13)
    run = bench(kind(kind.Config()), run=length)
    run.method.rng.random(7)
    state = run.method.state()
    json.loads(str(state["rng"]))
    expected = run.method.rng.random(3)
    again = bench(kind(kind.Config()), run=length)
    again.method.restore(state)
    np.testing.assert_array_equal(again.method.rng.random(3), expected)


def test_dense_changes_no_topology(bench):
    run = bench(Dense(Dense.Config())).train()
    assert run.taken == []
    assert run.log.names == []
    assert all(p.topology is None for p in run.network.parameters())
    assert run.method.targets()["fc1.weight"] == 60 * 150


@pytest.mark.parametrize("storage", ["csr", "dense"])
def test_a_static_mask_is_the_start_of_ndsnn_and_stays(bench, storage):
    run = bench(METHODS["static"](METHODS["static"].Config(final_sparsity=0.8)), storage)
    ndsnn = bench(METHODS["ndsnn"](METHODS["ndsnn"].Config(final_sparsity=0.8)), storage)
    start = {name: p.positions() for name, p in run.network.prunable().items()}
    run.train()
    for name, p in run.network.prunable().items():
        np.testing.assert_array_equal(p.positions(), start[name])
        np.testing.assert_array_equal(ndsnn.network.prunable()[name].positions(), start[name])
    assert run.taken == []
    assert run.log.events == 0


SPARSE = sorted(set(METHODS) - {"dense"})


@pytest.mark.parametrize("name", SPARSE)
def test_dense_layers_stay_dense_and_have_no_share(bench, name):
    kind, length = METHODS[name], RunLength(steps_per_epoch=10, epochs=13)
    config = kind.Config(dense_layers="conv2, fc2", final_sparsity=0.9)
    run = bench(kind(config), run=length).train()
    weights = run.network.prunable()
    assert weights["conv2.weight"].topology is None
    assert weights["fc2.weight"].topology is None
    others = [weights["conv1.weight"], weights["fc1.weight"]]
    share = sum(p.active for p in others) / sum(p.size for p in others)
    assert share == pytest.approx(0.1, abs=1e-3)
    assert run.method.targets() == {key: p.active for key, p in weights.items()}
    resumed = bench.resumed(lambda: kind(config), 45, run=length)
    resumed.assert_same_as(run)


@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv3", r"dense_layers: no layer 'conv3'; did you mean conv"),
        ("conv1,conv2,fc1,fc2", r"dense_layers names every layer"),
    ],
)
def test_dense_layers_that_cannot_be(bench, name, text, message):
    with pytest.raises(UserError, match=message):
        bench(METHODS[name](METHODS[name].Config(dense_layers=text)))


def test_admm_without_a_pull_is_one_shot_pruning(bench):
    kind = METHODS["admm"]
    run = bench(kind(kind.Config(rho=0.0, final_sparsity=0.9)), run=RunLength(10, 13))
    plain = bench(METHODS["dense"](METHODS["dense"].Config()), run=RunLength(10, 13))
    prune = 10 * run.method.prune_epoch
    run.train(0, prune)
    plain.train(0, prune)
    run.network.assert_same_as(plain.network)
    assert run.method.bytes_held() == 0
    run.train(prune)
    assert {n: p.active for n, p in run.network.prunable().items()} == run.method.targets()
