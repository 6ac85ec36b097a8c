"""What every method has to do: the interface, its state, the dense baseline."""

import json

import numpy as np
import pytest

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
