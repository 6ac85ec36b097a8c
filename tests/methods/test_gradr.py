"""Grad R: weights are s max(θ, 0) at every position; α and the length of a run set the sparsity."""

import math

import numpy as np
import pytest

from nsnn import metrics
from nsnn.training.config_file import load_config
from nsnn.training.run import Run


@pytest.fixture
def prepared(bare):
    """`prepared(*words)`: a run of Grad R with SGD, or as the words say."""
    sgd = ["method.name=gradr", "optim.momentum=0", "optim.lr=0.3"]
    return lambda *words: Run(load_config(None, [*bare, *sgd, *words]))


@pytest.mark.parametrize("asked", [0.5, 0.9])
def test_some_alpha_ends_within_two_points_of_the_sparsity_asked(prepared, train, asked):
    low, high = 1e-4, 1.0
    for _ in range(12):
        alpha = math.sqrt(low * high)
        run = prepared(f"method.alpha={alpha}", "train.epochs=6")
        for _ in train(run):
            pass
        sparsity = 1 - metrics.density(run.network.parameters()).density
        if abs(sparsity - asked) <= 0.02:
            return
        low, high = (alpha, high) if sparsity < asked else (low, alpha)
    pytest.fail(f"the nearest is {sparsity} at alpha = {alpha}")


def test_layers_that_stay_dense_are_the_optimisers(prepared, train):
    run = prepared("method.dense_layers=conv1", "optim.weight_decay=0.0")
    p = run.network.parameters()[0]
    before = p.data.copy()
    next(train(run))
    assert p.topology is None
    step = np.float32(run.learning_rate(0)) * p.gradient
    np.testing.assert_allclose(before - p.data, step, rtol=1e-3, atol=1e-7)


def test_the_norm_that_is_clipped_counts_every_position(prepared, train):
    run, plain = prepared("optim.clip=0.01"), prepared()
    next(train(run))
    next(train(plain))
    ours, theirs = (
        [x.theta.gradient for x in r.method.latents]
        + [p.gradient for p in r.network.parameters() if not p.prunable]
        for r in (run, plain)
    )
    assert np.sqrt(sum(np.square(g).sum() for g in ours)) == pytest.approx(0.01, rel=1e-3)
    ratio = ours[0].flat[0] / theirs[0].flat[0]
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, ratio * other, rtol=1e-4, atol=1e-9)
