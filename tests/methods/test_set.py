"""SET: the fraction of each sign, small new values, when it happens; what is random: test_grow."""

import numpy as np
import pytest

from nsnn.errors import UserError
from nsnn.methods import RunLength


def skewed(run):
    """Few negative weights, all of them far from 0, as training can make them."""
    for p in run.network.prunable().values():
        if p.topology is not None:
            values = p.values()
            shifted = np.where(values < -0.5, values - 4.0, np.abs(values))
            p.data[...] = shifted
    return run


@pytest.mark.parametrize("zeta", [0.05, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_the_fraction_of_each_sign(bench, zeta, seed):
    """Of each ⌊ζ·count⌋ weights disappear, the nearest 0; as many grow anywhere, there as well."""
    run = skewed(bench("set", drop_fraction=zeta, update_every=0, seed=seed)).train()
    back, new = 0, []
    assert len(run.seen) >= 9  # three layers, three rounds
    for _, p, drop, before, after in run.seen:
        values = before["data"]
        back += np.isin(before["positions"][drop], after["positions"]).sum()
        new += (np.setdiff1d(after["positions"], before["positions"]) / p.size).tolist()
        for sign in (values >= 0, values < 0):
            assert np.count_nonzero(drop[sign]) == int(zeta * np.count_nonzero(sign))
            if drop[sign].any():
                gone, left = np.abs(values[sign & drop]), np.abs(values[sign & ~drop])
                assert gone.max() <= left.min()
    assert back
    assert np.mean(new) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("every", "fraction", "rounds"), [
    (0, 1.0, [29, 59, 89]),  # of 4 epochs of 30 steps: after each but the last
    (50, 1.0, [49]),  # 100 would leave 20 of 120 steps to what grows
    (40, 1.0, [39, 79]),
    (60, 1.0, [59]),
    (30, 0.5, [29]),
    (30, 0.51, [29, 59]),
    (119, 1.0, None),
    (61, 1.0, None),
    (60, 0.5, None),
])  # fmt: skip
def test_when(bench, every, fraction, rounds):
    options = {"update_every": every, "end_fraction": fraction}
    if rounds is None:
        with pytest.raises(UserError, match=f"update_every = {every}: .* no round") as error:
            bench("set", **options)
        longest = int(str(error.value).split("at most ")[1].split(",")[0])
        bench("set", **options | {"update_every": longest})
        with pytest.raises(UserError, match="no round"):
            bench("set", **options | {"update_every": longest + 1})
    else:
        run = bench("set", **options).train()
        assert sorted({change.step for change in run.seen}) == rounds


def test_too_short_a_run(bench):
    one_epoch = RunLength(steps_per_epoch=30, epochs=1)
    message = r"update_every = 0 \(once an epoch, 30 steps\): .* at most 15, or train longer"
    with pytest.raises(UserError, match=message):
        bench("set", update_every=0, run=one_epoch)
    assert bench("set", update_every=15, run=one_epoch).train().seen
    one_step = RunLength(steps_per_epoch=1, epochs=1)
    with pytest.raises(
        UserError, match=r"run of 1 steps .* with 1 steps before and after it: train longer"
    ):
        bench("set", update_every=0, run=one_step)


@pytest.mark.parametrize("scale", [0.0, 0.25, 1.0])
def test_new_values(bench, scale):
    run = bench("set", grown_scale=scale, update_every=0).train()
    for _, p, _, before, after in run.seen:
        new = after["data"][~np.isin(after["positions"], before["positions"])]
        bound = scale / np.sqrt(p.shape[1])
        assert np.all(np.abs(new) <= bound)
        if new.size > 100:
            assert np.isclose(new.std(), bound / np.sqrt(3), rtol=0.15)
            assert abs(new.mean()) <= 0.2 * bound


def test_a_stored_zero_counts_as_positive(bench):
    run = bench("set", drop_fraction=0.4, update_every=30)
    p = run.network.prunable()["fc2.weight"]
    assert p.active == 213  # ⌊.4 · 4⌋ + ⌊.4 · 209⌋ is not ⌊.4 · 213⌋
    order = np.random.default_rng(0).permutation(p.active)
    p.data[...] = np.where(order < 4, 0.0, -1.0 - order)
    zeros = p.positions()[p.data == 0.0]
    run.method.after_update(29)
    assert p.active == 213
    left = p.positions()[p.data == 0.0]
    np.testing.assert_array_equal(left, zeros[1:])  # the smaller index goes first
