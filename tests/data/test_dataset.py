"""The validation split, mean and deviation; cutting batches."""

import numpy as np
import pytest

from nsnn.data import Split, Splits, batches, dataset


def assemble(name, *splits, **options):
    return dataset.assemble(name, Splits(*splits), **options)


def pixel_statistics(images):
    split = Split(images, np.arange(len(images)) % 2)
    data = assemble("x", split, split)
    return data.mean, data.std


def hold_out(train, fraction, seed):
    data = assemble("x", train, train, validation=fraction, seed=seed)
    return data.train, data.validation


def make_split(n, channels=1, seed=0, dtype=np.uint8):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, size=(n, channels, 3, 4)).astype(np.uint8)
    images[:, 0, 0, 0] = np.arange(n)  # a mark to recognise each sample
    if dtype != np.uint8:
        images = (images / 255).astype(dtype)
    return Split(images, np.arange(n, dtype=np.int64) % 5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.9])
def test_validation_comes_out_of_the_training_data(seed, fraction):
    whole = make_split(40)
    train, validation = hold_out(whole, fraction, seed)
    marks = [s.images[:, 0, 0, 0] for s in (train, validation)]
    assert len(validation) == round(40 * fraction)
    assert sorted(np.concatenate(marks)) == list(range(40))
    for part, mark in zip((train, validation), marks, strict=True):
        assert np.array_equal(part.labels, mark % 5)
        assert np.all(np.diff(mark.astype(int)) > 0)


def test_the_seed_chooses_the_validation_split():
    chosen = [hold_out(make_split(40), 0.25, seed)[1].images[:, 0, 0, 0] for seed in (0, 0, 1)]
    assert np.array_equal(chosen[0], chosen[1])
    assert not np.array_equal(chosen[0], chosen[2])


@pytest.mark.parametrize(
    ("fraction", "message"),
    [*((x, "[0, 1)") for x in (-0.1, 1.0, 1.5, float("nan"))), (0.001, "at least one"),
     (0.999, "at least one")],
)  # fmt: skip
def test_an_impossible_fraction_is_refused(fraction, message, refused):
    with refused("data.validation", fraction, message):
        assemble("x", make_split(20), make_split(10), validation=fraction)


def test_a_second_validation_split_is_refused(refused):
    with refused("its own validation split", "set data.validation to 0"):
        assemble("x", make_split(20), make_split(9), make_split(8), validation=0.1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("n", [7, 2501])
def test_statistics_are_those_of_the_scaled_images(dtype, n):
    images = np.random.default_rng(n).integers(0, 256, size=(n, 3, 4, 2)).astype(np.uint8)
    scaled = images / 255
    given = images if dtype == np.uint8 else scaled.astype(dtype)
    mean, std = pixel_statistics(given)
    assert mean.dtype == std.dtype == np.float32
    np.testing.assert_allclose(mean, scaled.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std, scaled.std(axis=(0, 2, 3)), rtol=1e-6)


def test_statistics_are_of_what_is_left_for_training():
    data = assemble("x", make_split(40), make_split(10), validation=0.5)
    np.testing.assert_allclose(data.mean, (data.train.images / 255).mean(), rtol=1e-6)


def test_a_constant_channel_has_deviation_one_and_events_are_not_normalised():
    mean, std = pixel_statistics(np.full((5, 2, 3, 3), 51, dtype=np.uint8))
    assert (mean.tolist(), std.tolist()) == ([np.float32(0.2)] * 2, [1, 1])
    events = Split(np.ones((6, 7, 2, 3, 4), dtype=np.uint8), np.arange(6) % 2)
    data = assemble("x", events, events)
    assert (data.time_steps, data.shape) == (7, (2, 3, 4))
    assert (data.mean.tolist(), data.std.tolist()) == ([0, 0], [1, 1])


def test_classes_are_those_of_all_splits():
    """Of a training split that lacks the last class, by itself or after the division."""
    few = Split(make_split(4).images, np.array([0, 1, 0, 1]))
    assert assemble("x", few, make_split(10)).classes == 5
    whole = Split(make_split(6).images, np.array([0, 1, 0, 1, 0, 2]))
    seeds = range(20)
    data = [assemble("x", whole, whole.take([0]), validation=0.5, seed=seed) for seed in seeds]
    assert {d.classes for d in data} == {3}
    assert any(d.train.labels.max() == 1 for d in data)
    # Declared, they may be more than the labels show.
    assert assemble("x", make_split(20), make_split(10), classes=7).classes == 7


@pytest.mark.parametrize("label", [-1, 5])
@pytest.mark.parametrize("position", range(3))
def test_a_label_outside_the_declared_classes_is_refused(label, position, refused):
    splits = [make_split(20), make_split(10), make_split(10)]
    splits[position].labels[3] = label
    with refused("x: labels from", label, "has 5 classes", "0 to 4"):
        assemble("x", *splits, classes=5)


def test_the_fingerprint_is_that_of_the_training_data():
    first = assemble("x", make_split(20), make_split(5)).train.fingerprint()
    assert assemble("y", make_split(20), make_split(6)).train.fingerprint() == first
    changed = make_split(20)
    changed.images[7, 0, 1, 1] ^= 1
    relabelled = Split(make_split(20).images, np.roll(make_split(20).labels, 1))
    turned = Split(make_split(20).images.reshape(20, 1, 4, 3), make_split(20).labels)
    for other in (changed, relabelled, turned):
        assert assemble("x", other, make_split(5)).train.fingerprint() != first


@pytest.mark.parametrize(("size", "drop_last", "lengths"), [
    (4, False, [4, 4, 2]), (11, False, [10]), (4, True, [4, 4]), (5, True, [5, 5]),
    (10, True, [10]), (1, True, [1] * 10),
])  # fmt: skip
def test_the_lengths_of_batches(size, drop_last, lengths):
    assert [len(b) for b in batches(make_split(10), size, drop_last=drop_last)] == lengths


def test_without_rng_order_is_kept_and_nothing_is_copied():
    split = make_split(10)
    parts = list(batches(split, 3))
    assert np.array_equal(np.concatenate([b.labels for b in parts]), split.labels)
    assert all(np.shares_memory(b.images, split.images) for b in parts)


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_batches_hold_each_sample_once_with_its_label(seed):
    rngs = (np.random.default_rng(seed) for _ in range(2))
    parts, again = (list(batches(make_split(10), 3, rng)) for rng in rngs)
    marks = np.concatenate([b.images[:, 0, 0, 0] for b in parts])
    assert sorted(marks) == list(range(10))
    assert not np.array_equal(marks, range(10))
    assert np.array_equal(np.concatenate([b.labels for b in parts]), marks % 5)
    assert np.array_equal(np.concatenate([b.images[:, 0, 0, 0] for b in again]), marks)


@pytest.mark.parametrize(("size", "parts"), [(11, ("11", "10 samples")), (0, ("at least 1",))])
def test_an_impossible_size_of_batches_is_refused_at_the_call(size, parts, refused):
    with refused("data.batch", *parts):
        batches(make_split(10), size, drop_last=True)
