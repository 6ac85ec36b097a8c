"""RigL: a round literally, the cosine of its fraction."""

import numpy as np
import pytest


@pytest.mark.parametrize("ties", [False, True])
def test_rounds_literally(bench, ties):
    """Every round in NumPy, on dense arrays: what is dropped, grown, kept."""
    run = bench("rigl", ties=ties, update_every=6)
    T_end, grew_back = 90, 0
    for t in range(6, T_end, 6):
        run.train(t - 5 if t > 6 else 0, t)
        before = [(p.positions(), p.values().copy()) for p in run.sparse()]
        run.train(t, t + 1)
        # f_decay(t; α, T_end) = α/2 (1 + cos(tπ/T_end))
        f = 0.3 / 2 * (1 + np.cos(t * np.pi / T_end))
        for p, (positions, values) in zip(run.sparse(), before, strict=True):
            k = int(np.floor(f * positions.size))
            order = np.lexsort((np.arange(values.size), np.abs(values)))
            kept = np.delete(positions, order[:k])
            score = np.abs(run.network.dense_gradient(p, t))
            score[kept] = -1.0
            grown = np.lexsort((np.arange(p.size), -score))[:k]
            np.testing.assert_array_equal(p.positions(), np.union1d(kept, grown))
            new = np.isin(p.positions(), grown)
            assert new.sum() == k
            assert not p.values()[new].any()
            np.testing.assert_array_equal(p.values()[~new], np.delete(values, order[:k]))
            grew_back += np.isin(grown, positions).sum()
    assert run.taken == list(range(6, T_end, 6))
    assert grew_back > 0  # a position just dropped competes as well
