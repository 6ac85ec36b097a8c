"""Cutting batches."""

import numpy as np
import pytest

from nsnn.data import Split, batches


@pytest.fixture
def split():
    labels = np.arange(10, dtype=np.int64)
    images = np.broadcast_to(labels[:, None, None, None], (10, 1, 2, 3)).astype(np.uint8)
    return Split(images, labels)


@pytest.mark.parametrize(("size", "drop_last", "lengths"), [
    (4, False, [4, 4, 2]),
    (11, False, [10]),
    (4, True, [4, 4]),
    (5, True, [5, 5]),
    (10, True, [10]),
    (1, True, [1] * 10),
])  # fmt: skip
def test_lengths(split, size, drop_last, lengths):
    assert [len(b) for b in batches(split, size, drop_last=drop_last)] == lengths


def test_without_rng_order_is_kept_and_nothing_is_copied(split):
    parts = list(batches(split, 3))
    assert np.array_equal(np.concatenate([b.labels for b in parts]), split.labels)
    assert all(np.shares_memory(b.images, split.images) for b in parts)


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_batches_hold_each_sample_once_with_its_label(split, seed):
    parts, again = (list(batches(split, 3, np.random.default_rng(seed))) for _ in range(2))
    labels = np.concatenate([b.labels for b in parts])
    images = np.concatenate([b.images for b in parts])
    assert sorted(labels) == list(range(10))
    assert not np.array_equal(labels, split.labels)
    assert np.array_equal(images[:, 0, 0, 0], labels)
    assert np.array_equal(np.concatenate([b.labels for b in again]), labels)


@pytest.mark.parametrize(("size", "parts"), [(11, ("11", "10 samples")), (0, ("at least 1",))])
def test_an_impossible_size_is_refused_at_the_call(split, size, parts, refused):
    with refused("data.batch", *parts):
        batches(split, size, drop_last=True)
