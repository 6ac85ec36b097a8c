"""The topology log rebuilds any mask, survives a file, and forgets what it should."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.sparsity.log import TopologyLog

SIZES = {"conv1.weight": 40, "fc.weight": 90}


def random_history(seed, steps=25):
    """A log, and for each layer the set of active positions after every step."""
    rng = np.random.default_rng(seed)
    log, masks = TopologyLog(), {}
    for name, size in SIZES.items():
        active = np.sort(rng.choice(size, size // 3, replace=False))
        log.start(name, size, active)
        masks[name] = [set(active.tolist())]
    for step in range(1, steps):
        for name, size in SIZES.items():
            now = set(masks[name][-1])
            if rng.random() < 0.5:
                gone = rng.choice(sorted(now), min(len(now), 4), replace=False)
                new = rng.choice(sorted(set(range(size)) - now), int(rng.integers(4)), False)
                log.record(step, name, np.sort(gone), np.sort(new), forced=bool(step % 2))
                now = (now - set(gone.tolist())) | set(new.tolist())
            masks[name].append(now)
    return log, masks


def assert_rebuilds(log, masks):
    for name, history in masks.items():
        for step, active in enumerate(history):
            positions = log.positions_at(name, step)
            assert positions.dtype == np.int64
            assert positions.tolist() == sorted(active)


@pytest.mark.parametrize("seed", range(10))
def test_any_mask_can_be_rebuilt_also_after_a_round_trip_through_a_file(seed, tmp_path):
    log, masks = random_history(seed)
    assert_rebuilds(log, masks)
    arrays = log.arrays()
    assert {arrays[key].dtype for key in ("initial", "dropped", "grown")} == {np.dtype(np.int32)}
    np.savez_compressed(tmp_path / "topology.npz", **arrays)
    with np.load(tmp_path / "topology.npz", allow_pickle=False) as arrays:
        again = TopologyLog.from_arrays(arrays)
    assert_rebuilds(again, masks)
    assert again.names == list(SIZES)
    np.testing.assert_equal(again.counts(), log.counts())
    # What was read back goes on like the original.
    again.record(99, "fc.weight", again.positions_at("fc.weight", 98)[:1], [])
    assert again.positions_at("fc.weight", 99).size == max(0, len(masks["fc.weight"][-1]) - 1)


def test_round_trip_of_empty_logs():
    assert TopologyLog.from_arrays(TopologyLog().arrays()).names == []
    log = TopologyLog()
    log.start("fc.weight", 5, [])
    again = TopologyLog.from_arrays(log.arrays())
    assert again.positions_at("fc.weight", 0).size == 0
    assert again.counts()["step"].size == 0


def test_counts_by_hand():
    log = TopologyLog()
    log.start("a", 10, [1, 2, 3])
    log.start("b", 10, [0])
    log.record(4, "a", [1, 2], [9], forced=True)
    log.record(4, "b", [], [5, 6])
    log.record(8, "a", [9], [])
    counts = log.counts()
    assert counts["step"].tolist() == [4, 4, 8]
    assert counts["layer"].tolist() == ["a", "b", "a"]
    assert counts["dropped"].tolist() == [2, 0, 1]
    assert counts["grown"].tolist() == [1, 2, 0]
    assert counts["active"].tolist() == [2, 3, 1]
    assert counts["forced"].tolist() == [True, False, False]


def test_the_log_keeps_its_own_copy():
    log = TopologyLog()
    positions, dropped = np.array([1, 2], dtype=np.int32), np.array([2], dtype=np.int32)
    log.start("a", 10, positions)
    log.record(1, "a", dropped, [])
    positions[:], dropped[:] = 0, 0
    assert log.positions_at("a", 1).tolist() == [1]


def test_start_again_must_agree():
    log = TopologyLog()
    log.start("a", 10, [1, 2])
    log.record(1, "a", [1], [])
    log.start("a", 10, [1, 2])
    assert log.positions_at("a", 1).tolist() == [2]
    with pytest.raises(UserError, match="from another run"):
        log.start("a", 10, [1, 3])
    with pytest.raises(UserError, match="from another run"):
        log.start("a", 11, [1, 2])


def test_unknown_layer_and_too_large():
    log = TopologyLog()
    log.start("a", 10, [1])
    with pytest.raises(UserError, match=r"no layer 'b'.*it has a"):
        log.positions_at("b", 0)
    with pytest.raises(UserError, match="2147483648 positions"):
        log.start("big", 2**31, [])


def test_the_net_change_of_an_epoch():
    """Methods that rewire every step log where an epoch has led, and nothing where it led back."""
    log = TopologyLog()
    log.start("w", 10, np.array([0, 1, 2]))
    log.record_positions(9, "w", np.array([0, 1, 2]))
    assert log.events == 0
    log.record_positions(19, "w", np.array([1, 2, 7]))
    log.record_positions(29, "w", np.array([7, 8, 9]))
    assert log.positions_at("w", 18).tolist() == [0, 1, 2]
    assert log.positions_at("w", 19).tolist() == [1, 2, 7]
    assert log.positions_at("w", 29).tolist() == [7, 8, 9]
    assert log.counts()["dropped"].tolist() == [1, 2]
