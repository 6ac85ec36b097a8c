"""SET: the fraction of each sign, random growth, small new values, when it happens."""

import numpy as np
import pytest

import nsnn.methods.set
from nsnn.errors import UserError
from nsnn.methods import RunLength
from nsnn.sparsity.drop import smallest_magnitude


def skewed(run):
    """Few negative weights, all of them far from 0, as training can make them."""
    for p in run.network.prunable().values():
        if p.topology is not None:
            values = p.values()
            shifted = np.where(values < -0.5, values - 4.0, np.abs(values))
            p.data[...] = shifted
    return run


def check_fraction_per_sign(run, zeta):
    """Of each sign exactly ⌊ζ·count⌋ weights disappear, and they are the nearest 0."""
    run.train()
    assert len(run.seen) >= 9  # three layers, three rounds
    for _, _, drop, before, _ in run.seen:
        values = before["data"]
        for sign in (values >= 0, values < 0):
            assert np.count_nonzero(drop[sign]) == int(zeta * np.count_nonzero(sign))
            if drop[sign].any():
                gone, left = np.abs(values[sign & drop]), np.abs(values[sign & ~drop])
                assert gone.max() <= left.min()


@pytest.mark.parametrize("zeta", [0.05, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_the_fraction_of_each_sign(bench, zeta, seed):
    run = bench("set", drop_fraction=zeta, update_every=0, seed=seed)
    check_fraction_per_sign(skewed(run), zeta)


def half(values, fraction):
    """As one public version behaves: about 50 % go, whatever ζ."""
    return smallest_magnitude(values, values.size // 2)


def most_negative_stay(values, fraction):
    """As another: the mask of the positive weights is overwritten by that of the negative."""
    ordered = np.sort(values)
    zero = np.searchsorted(ordered, 0.0)
    keep = values > ordered[min(zero + int(fraction * (values.size - zero)), values.size - 1)]
    keep = values < ordered[int((1 - fraction) * zero)]
    return ~keep


@pytest.mark.parametrize("wrong", [half, most_negative_stay])
def test_the_published_bugs_are_rejected(bench, monkeypatch, wrong):
    monkeypatch.setattr(nsnn.methods.set, "smallest_per_sign", wrong)
    with pytest.raises((AssertionError, UserError)):
        check_fraction_per_sign(skewed(bench("set", update_every=0)), 0.3)


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


def test_growth_is_uniform_over_the_inactive_positions(bench):
    """Those just dropped among them; no row, column or end of the matrix is preferred."""
    back, expected, rows = [], 0, np.zeros(60)
    options = {"final_sparsity": 0.5, "distribution": "uniform", "update_every": 6}
    for seed in range(4):
        run = bench("set", **options, seed=seed).train()
        for _, p, _, before, after in run.seen:
            if p.name == "fc1.weight":
                grown = np.setdiff1d(after["positions"], before["positions"])
                rows += np.bincount(grown // 150, minlength=60)
                negative = np.sum(before["data"] < 0)
                dropped = int(0.3 * (p.active - negative)) + int(0.3 * negative)
                back.append(1 - grown.size / dropped)
                expected = dropped / (p.size - p.active + dropped)
    # 0.15 of all weights dropped, 0.65 are then inactive: 0.23 of what grows comes back.
    assert np.mean(back) == pytest.approx(expected, abs=0.01)
    assert np.abs(rows / rows.mean() - 1).max() < 0.15


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
