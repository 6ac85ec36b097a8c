"""Parameter: what belongs to a weight moves with it, in both storages."""

import numpy as np
import pytest

from nsnn.csr import CSRMatrix, MaskedMatrix
from nsnn.errors import UserError
from nsnn.layers.parameter import Parameter
from nsnn.layers.stored import BREAK_EVEN

STORAGES = ["csr", "dense"]


def make(storage=None, seed=0, shape=(5, 8), dtype=np.float64):
    rng = np.random.default_rng(seed)
    p = Parameter("fc.weight", rng.uniform(1, 2, shape).astype(dtype), prunable=True)
    if storage:
        p.storage = storage
        p.sparsify(np.sort(rng.choice(p.size, 15, replace=False)))
    return p


def test_dense():
    p = make()
    assert p.topology is None
    assert p.active == p.size == 40
    assert p.dims == p.shape == (5, 8)
    np.testing.assert_array_equal(p.positions(), np.arange(40))
    np.testing.assert_array_equal(p.values(), p.data.reshape(-1))
    assert p.to_dense() is p.data
    with pytest.raises(UserError, match="is dense: sparsify"):
        p.rewire(np.ones(40, dtype=bool), [])
    p = Parameter("conv.weight", np.zeros((4, 18)), dims=(4, 2, 3, 3))
    assert p.dims == (4, 2, 3, 3)
    assert p.size == 72


@pytest.mark.parametrize("storage", STORAGES)
def test_sparsify_keeps_the_values(storage):
    p = make()
    before = p.data.copy()
    positions = np.array([0, 3, 21, 39])
    p.storage = storage
    p.sparsify(positions)
    assert p.active == 4
    assert p.size == 40
    np.testing.assert_array_equal(p.positions(), positions)
    np.testing.assert_array_equal(p.values(), before.reshape(-1)[positions])
    expected = np.zeros(40)
    expected[positions] = before.reshape(-1)[positions]
    np.testing.assert_array_equal(p.to_dense().reshape(-1), expected)
    assert p.gradient.shape == p.data.shape == ((4,) if storage == "csr" else (5, 8))


def test_sparsify_errors():
    p = make()
    p.storage = "coo"
    with pytest.raises(UserError, match="use one of csr, auto, dense"):
        p.sparsify(np.array([0]))
    with pytest.raises(UserError, match="rewire it instead"):
        make("csr").sparsify(np.array([0]))
    trained = make()
    trained.slots["momentum"] = np.zeros_like(trained.data)
    with pytest.raises(UserError, match="rewire it instead"):
        trained.sparsify(np.array([0]))


@pytest.mark.parametrize("storage", STORAGES)
def test_everything_follows_a_rewiring(storage):
    """Values, gradient, optimiser state, counters and bounds go where the synapse goes."""
    for seed in range(20):
        p, rng = make(storage, seed), np.random.default_rng(seed)
        p.attach("born", lambda positions: -positions, np.int32)
        p.attach("bound", 0.5, np.float32)
        p.attached["bound"] += p.positions().astype(np.float32)
        for given in (False, True, False):
            where = p.positions() + 1.0  # gradients and slots say where they are
            p.gradient[...] = p.topology.scatter(10 * where)
            p.slots["momentum"] = p.topology.scatter(100 * where)
            before = p.positions(), p.values().copy(), p.attached["bound"]
            keep = rng.random(p.active) < 0.7
            kept = p.positions()[keep]
            new = np.sort(rng.choice(np.setdiff1d(np.arange(p.size), kept), 6, replace=False))
            p.rewire(keep, new, values=-7.0 - new if given else 0)
            positions = p.positions()
            np.testing.assert_array_equal(positions, np.union1d(kept, new))
            grown = np.isin(positions, new)
            where = np.where(grown, 0.0, positions + 1)
            np.testing.assert_array_equal(p.active_gradient(), 10 * where)
            momentum = p.topology.gather(p.slots["momentum"])
            np.testing.assert_array_equal(momentum, 100 * where)
            np.testing.assert_array_equal(p.values()[grown], -7.0 - new if given else 0)
            np.testing.assert_array_equal(p.values()[~grown], before[1][keep])
            np.testing.assert_array_equal(p.attached["born"], -positions)
            np.testing.assert_array_equal(p.attached["bound"][grown], 0.5)
            np.testing.assert_array_equal(p.attached["bound"][~grown], before[2][keep])
            assert p.attached["born"].dtype == np.int32
            assert p.data is p.topology.data
            p.data[...] = np.where(p.data == 0, 0, p.data + 1)


@pytest.mark.parametrize("storage", STORAGES)
def test_what_is_attached_is_attached_again_after_a_restore(storage):
    p, q = make(storage), make()
    p.attach("born", lambda positions: -positions, np.int32)
    q.storage = storage
    q.restore({key: array.copy() for key, array in p.state().items()})
    assert type(q.topology) is type(p.topology)
    with pytest.raises(UserError, match=r"attach 'born' again after a restore"):
        q.rewire(np.ones(q.active, bool), np.setdiff1d(np.arange(q.size), q.positions())[:1])
    q.restore(p.state())
    np.testing.assert_array_equal(q.attach("born", 7, np.int32), p.attached["born"])


def test_what_is_attached_to_a_dense_weight_survives_its_pruning():
    p = make()
    p.attach("where", lambda positions: positions, np.int64)
    p.sparsify(np.array([2, 30]))
    assert p.attached["where"].tolist() == [2, 30]


def test_auto_changes_its_storage_where_the_density_crosses_the_break_even():
    p = Parameter("w", np.arange(1.0, 101).reshape(10, 10))
    p.storage = "auto"
    p.sparsify(np.arange(60))
    kinds = [type(p.topology)]
    for kept, grown in ((45, 0), (30, 5), (35, 20), (20, 0)):
        free = np.setdiff1d(np.arange(100), p.positions())
        p.rewire(np.arange(p.active) < kept, free[:grown])
        assert p.active == kept + grown
        kinds.append(type(p.topology))
        assert (kinds[-1] is MaskedMatrix) == (p.active > BREAK_EVEN * 100)
    assert set(kinds) == {CSRMatrix, MaskedMatrix}
    again = Parameter("w", np.zeros((10, 10)))
    again.storage = "auto"
    again.restore(p.state())
    assert type(again.topology) is kinds[-1]
