"""`data.augment` in a run: training batches only, and resumed bit for bit."""

import numpy as np
import pytest

from nsnn.data import augment
from nsnn.errors import UserError
from nsnn.streams import stream
from nsnn.training.config_file import load_config
from nsnn.training.run import Run

AUGMENT = "data.augment=crop-flip-cutout"


@pytest.fixture
def photos(tiny, tmp_path):
    """`tiny` with images larger than Cutout's square."""
    rng = np.random.default_rng(0)
    content = {}
    for purpose, count in (("train", 155), ("test", 20)):
        content[f"{purpose}_images"] = rng.integers(0, 256, (count, 20, 20)).astype(np.uint8)
        content[f"{purpose}_labels"] = np.arange(count) % 3
    np.savez(tmp_path / "photos.npz", **content)
    return [*tiny, f"data.dir={tmp_path / 'photos.npz'}"]


def test_stopped_in_the_middle_of_an_epoch_and_resumed(photos, train, content):
    augmented = [*photos, AUGMENT]
    whole = content(train(augmented, name="whole"))
    assert train(augmented, 20) is None
    assert content(train(augmented)) == whole
    plain = content(train(photos, name="plain"))
    assert plain["metrics.jsonl"] != whole["metrics.jsonl"]


def test_only_training_batches_are_changed(photos):
    arguments = [*photos, "data.validation=0.2"]
    plain = Run(load_config(None, arguments))
    changed = Run(load_config(None, [*arguments, AUGMENT]))
    for purpose in ("train", "validation", "test"):
        before, after = getattr(plain.data, purpose), getattr(changed.data, purpose)
        assert np.array_equal(before.images, after.images)
    for before, after in zip(plain.batches(1), changed.batches(1), strict=True):
        assert np.array_equal(before.labels, after.labels)
        assert not np.array_equal(before.images, after.images)


@pytest.mark.parametrize(("seed", "epoch"), [(0, 1), (0, 2), (3, 1)])
def test_the_changes_have_a_random_stream_of_their_own_for_each_seed_and_epoch(photos, seed, epoch):
    photos = [*photos, f"train.seed={seed}"]
    plain = Run(load_config(None, photos)).batches(epoch)
    expected = augment.augmented(plain, "crop-flip-cutout", stream(seed, "augment", epoch))
    changed = Run(load_config(None, [*photos, AUGMENT])).batches(epoch)
    for ours, theirs in zip(changed, expected, strict=True):
        assert np.array_equal(ours.images, theirs.images)


def test_events_are_refused(tiny, tmp_path):
    events = np.random.default_rng(0).integers(0, 3, size=(30, 2, 1, 6, 6))
    labels = np.arange(30) % 3
    path = tmp_path / "events.npz"
    np.savez(path, train_images=events, train_labels=labels, test_images=events, test_labels=labels)
    with pytest.raises(UserError, match=r"data.augment = .*holds events"):
        Run(load_config(None, [*tiny, f"data.dir={path}", AUGMENT]))


def test_an_unknown_kind_is_refused(tiny):
    with pytest.raises(UserError, match="Known: none, crop-flip, crop-flip-cutout"):
        load_config(None, [*tiny, "data.augment=mixup"])
