"""What NDSNN, RigL and SET promise alike."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.methods import RunLength

# 120 steps: NDSNN and RigL rewire at 7, 14, … 84, SET after 7, 14, … 112 updates.
EARLY, CONSTANT = list(range(7, 90, 7)), ["rigl", "set"]
ROUNDS = {"ndsnn": EARLY, "rigl": EARLY, "set": list(range(6, 112, 7))}


@pytest.mark.parametrize("name", ROUNDS)
@pytest.mark.parametrize("seed", range(10))
def test_the_number_of_weights_is_constant(bench, name, seed):
    options = {"initial_sparsity": 0.9, "update_every": 7} if name == "ndsnn" else {}
    run = bench(name, storage=("csr", "dense", "auto")[seed % 3], seed=seed, **options)
    wanted = run.asked("erk", 0.9)
    for step in run.steps():
        assert run.active() == wanted
        for layer in run.log.names:
            positions = run.network.prunable()[layer].positions()
            np.testing.assert_array_equal(run.log.positions_at(layer, step), positions)
    assert run.method.targets() == wanted
    assert sorted(set(run.log.counts()["step"].tolist())) == ROUNDS[name]
    assert run.taken == ([] if name == "set" else ROUNDS[name])


@pytest.mark.parametrize("name", ROUNDS)
def test_values_and_momentum_travel_with_a_synapse_and_a_new_one_learns(bench, name):
    run, learnt, new = bench(name), 0, []
    for _ in run.steps():
        for p, positions, values in new:
            at = np.searchsorted(p.positions(), positions)
            assert np.all(p.values()[at] != values)
            assert p.state()["slot.momentum"][at].all()
            learnt += positions.size
        new = []
        for _, p, drop, before, after in run.seen:
            stays = np.isin(after["positions"], before["positions"][~drop])
            for key in ("positions", "data", "slot.momentum"):
                np.testing.assert_array_equal(after[key][stays], before[key][~drop])
            assert before["slot.momentum"][~drop].all()
            assert not after["slot.momentum"][~stays].any()
            new.append((p, after["positions"][~stays], after["data"][~stays]))
        run.seen.clear()
    assert learnt > 1000


@pytest.mark.parametrize("name", ROUNDS)
@pytest.mark.parametrize("distribution", ["uniform", "erk"])
def test_a_layer_without_weights(bench, name, distribution):
    with pytest.raises(UserError, match=r"final_sparsity = 0\.9999 leaves conv1\.weight \(of 18\)"):
        bench(name, final_sparsity=0.9999, distribution=distribution)


@pytest.mark.parametrize("name", CONSTANT)
def test_a_network_that_is_dense_at_its_sparsity_needs_no_round(bench, name):
    run = RunLength(steps_per_epoch=6, epochs=1)  # update_every = 7
    assert bench(name, final_sparsity=0.0, run=run).train().log.names == []


@pytest.mark.parametrize("name", ["ndsnn", "rigl"])
def test_too_short_a_run_says_which_interval_fits(bench, name):
    run = RunLength(steps_per_epoch=8, epochs=1)  # T_end = 6
    with pytest.raises(UserError, match=r"update_every = 6: .* first 6 of 8 .* at most 5"):
        bench(name, run=run, update_every=6)
    assert bench(name, run=run, update_every=5).train().taken == [5]
