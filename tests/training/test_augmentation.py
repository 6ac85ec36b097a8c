"""`data.augment` in a run: training batches only, and resumed bit for bit."""

import numpy as np
import pytest

from nsnn.data import augment
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


@pytest.mark.parametrize(("seed", "epoch"), [(0, 1), (0, 2), (3, 1)])
def test_only_training_batches_change_by_a_stream_of_their_own(photos, seed, epoch):
    arguments = [*photos, "data.validation=0.2", f"train.seed={seed}"]
    plain = Run(load_config(None, arguments))
    changed = Run(load_config(None, [*arguments, AUGMENT]))
    for purpose in ("train", "validation", "test"):
        before, after = getattr(plain.data, purpose), getattr(changed.data, purpose)
        assert np.array_equal(before.images, after.images)
    rng = stream(seed, "augment", epoch)
    expected = augment.augmented(plain.batches(epoch), "crop-flip-cutout", rng)
    for ours, theirs in zip(changed.batches(epoch), expected, strict=True):
        assert np.array_equal(ours.labels, theirs.labels)
        assert np.array_equal(ours.images, theirs.images)
