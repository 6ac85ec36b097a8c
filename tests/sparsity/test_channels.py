"""Where weights go, against a walk over the masks of a small run."""

import numpy as np

from nsnn.sparsity.channels import channels
from nsnn.sparsity.log import TopologyLog


def test_a_channel_that_a_round_empties_was_not_empty_before_it():
    """A layer of 4 channels with 5 inputs each, three rounds of 10 steps; another never changes."""
    log = TopologyLog()
    log.start("a", 20, np.array([0, 1, 5, 15, 16]))  # two weights, one, none, two
    log.start("b", 4, np.array([0, 3]))
    log.record(3, "a", np.array([5]), np.array([2]))  # channel 1 is emptied by this round
    log.record(5, "a", np.array([0, 1]), np.array([6, 10]))  # both were empty before
    log.record(9, "a", np.array([2]), np.array([], int))  # and now channel 0 is empty
    found = channels(log, {"a": (4, 5), "b": (2, 2)}, steps=10)
    assert found["rows"] == {"a": 4, "b": 2}
    assert found["steps"] == [3, 5, 9]
    assert found["empty"] == {"a": [1, 2, 0, 1]}
    none = [None] * 10
    assert found["largest"] == {"a": [*none[:3], 1.0, None, 0.5, *none[:4]]}
    assert found["to_empty"] == {"a": [*none[:3], 0.0, None, 1.0, *none[:4]]}


def test_they_equal_a_walk_over_the_masks():
    rng, log = np.random.default_rng(0), TopologyLog()
    shape, mask = (6, 7), rng.random((6, 7)) < 0.2
    log.start("w", mask.size, np.flatnonzero(mask))
    empty, largest, to_empty = [int((~mask.any(axis=1)).sum())], [], []
    for step in range(0, 40, 4):  # one in each tenth
        after = mask.copy()
        after.reshape(-1)[rng.choice(np.flatnonzero(mask), 3, replace=False)] = False
        after.reshape(-1)[rng.choice(np.flatnonzero(~mask), 3, replace=False)] = True
        log.record(step, "w", np.flatnonzero(mask & ~after), np.flatnonzero(after & ~mask))
        new = (after & ~mask).sum(axis=1)
        largest.append(round(new.max() / 3, 3))
        to_empty.append(round(new[~mask.any(axis=1)].sum() / 3, 3))
        mask = after
        empty.append(int((~mask.any(axis=1)).sum()))
    found = channels(log, {"w": shape}, steps=40)
    assert found["empty"] == {"w": empty}
    assert found["largest"] == {"w": largest}
    assert found["to_empty"] == {"w": to_empty}
    assert any(to_empty)


def test_a_run_without_a_topology_has_none():
    found = channels(TopologyLog(), {}, steps=10)
    assert found == {"rows": {}, "steps": [], "empty": {}, "largest": {}, "to_empty": {}}
