"""Cutting batches."""

import numpy as np
import pytest

from nsnn.data import Split, batches


@pytest.fixture
def split():
    labels = np.arange(10, dtype=np.int64)
    images = np.broadcast_to(labels[:, None, None, None], (10, 1, 2, 3)).astype(np.uint8)
    return Split(images, labels)


@pytest.mark.parametrize(
    ("size", "drop_last", "lengths"),
    [
        (4, False, [4, 4, 2]),
        (4, True, [4, 4]),
        (5, True, [5, 5]),
        (10, True, [10]),
        (1, True, [1] * 10),
    ],
)
def test_lengths(split, size, drop_last, lengths):
    assert [len(b) for b in batches(split, size, drop_last=drop_last)] == lengths


def test_without_rng_order_is_kept_and_nothing_is_copied(split):
    parts = list(batches(split, 3))
    assert np.array_equal(np.concatenate([b.labels for b in parts]), split.labels)
    assert all(np.shares_memory(b.images, split.images) for b in parts)


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_batches_hold_each_sample_once_with_its_label(split, seed):
    parts = list(batches(split, 3, np.random.default_rng(seed)))
    labels = np.concatenate([b.labels for b in parts])
    images = np.concatenate([b.images for b in parts])
    assert sorted(labels) == list(range(10))
    assert not np.array_equal(labels, split.labels)
    assert np.array_equal(images[:, 0, 0, 0], labels)


def test_the_same_generator_gives_the_same_order(split):
    first, second = (
        np.concatenate([b.labels for b in batches(split, 3, np.random.default_rng(7))])
        for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_a_batch_larger_than_the_data_is_refused_at_the_call(split, refused):
    with refused("11", "10 samples", "data.batch"):
        batches(split, 11, drop_last=True)


def test_evaluation_takes_a_last_batch_that_is_not_full(split):
    assert [len(b) for b in batches(split, 11)] == [10]


def test_an_empty_batch_is_refused(split, refused):
    with refused("data.batch", "at least 1"):
        batches(split, 0)
