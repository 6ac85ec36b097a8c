"""The saccade events: what the camera records, how it is kept, that a network learns from it."""

import math
from dataclasses import replace

import numpy as np
import pytest

from nsnn.data import DATASETS, load, saccades
from nsnn.data.events import to_frames
from nsnn.data.saccades import SACCADES, STEP, record
from nsnn.training.run_folder import read_metrics


def by_the_formula(image):
    """(t, x, y, p) of each event: L = ln(.05 + I) bilinearly moved, pixel by pixel, with a loop."""
    picture = np.pad(image / 255.0, 8)  # wide enough for all that is looked up

    def brightness(x, y, dx, dy):
        u, v = x - 3 - dx + 8, y - 3 - dy + 8
        j, i = math.floor(u), math.floor(v)
        a, b = u - j, v - i
        return (
            (1 - b) * ((1 - a) * picture[i, j] + a * picture[i, j + 1])
            + b * ((1 - a) * picture[i + 1, j] + a * picture[i + 1, j + 1])
        )  # fmt: skip

    corners = [(-2, -2), (0, 2), (2, -2), (-2, -2)]
    events = []
    for y in range(34):
        for x in range(34):
            reference = math.log(0.05 + brightness(x, y, *corners[0]))
            for ms in range(1, 301):
                move, part = divmod(ms - 1, 100)
                share = (part + 1) / 100
                (x0, y0), (x1, y1) = corners[move : move + 2]
                dx, dy = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
                L = math.log(0.05 + brightness(x, y, dx, dy))
                # A hair less than a step: the formula's own rounding.
                while L - reference >= STEP - 1e-9:
                    events.append((1000 * ms, x, y, 1))
                    reference += STEP
                while reference - L >= STEP - 1e-9:
                    events.append((1000 * ms, x, y, 0))
                    reference -= STEP
    return sorted(events)


def rows(events):
    return sorted(tuple(row) for row in np.stack(events, axis=1).tolist())


def test_the_camera_follows_the_formula():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 28, 28)).astype(np.uint8)
    images[1, 10:] = 0  # large changes: several events at once
    images[1, :, 12:16] = 255
    for image, events in zip(images, record(images), strict=True):
        assert rows(events) == by_the_formula(image)
        assert (np.diff(events.t) >= 0).all()


def test_a_black_picture_makes_no_events_beside_others():
    images = np.zeros((3, 28, 28), dtype=np.uint8)
    images[1] = np.random.default_rng(0).integers(0, 256, (28, 28))
    empty, full, after = record(images)
    assert (empty.t.size, after.t.size) == (0, 0)
    assert rows(full) == rows(record(images[1:2])[0])


@pytest.fixture
def small(small_glyphs, monkeypatch):
    """The saccade events of 40 + 20 glyphs."""
    small = replace(SACCADES, pictures=small_glyphs, sizes=small_glyphs.sizes)
    monkeypatch.setitem(DATASETS, "saccades", small)
    return small


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_as_many_events_as_the_specification_asks_for_half_of_them_on(small, whole):
    for split in (SACCADES if whole else small).read()[:2]:
        counts = split.images.sum(axis=(1, 3, 4)).astype(float)  # (n, polarity)
        assert 2000 < counts.sum(axis=1).mean() < 6000
        assert 0.45 < counts[:, 1].sum() / counts.sum() < 0.55


def test_labels_and_splits_are_those_of_the_glyphs(small, small_glyphs, monkeypatch):
    monkeypatch.setattr(saccades, "_AT_ONCE", 16)
    for events, pictures in zip(small.read()[:2], small_glyphs.read()[:2], strict=True):
        assert np.array_equal(events.labels, pictures.labels)
        for i in (0, 7, len(pictures) - 1):
            (recorded,) = record(pictures.images[i])
            assert np.array_equal(events.images[i], to_frames(recorded, 10, "count", 34, 34))


def test_each_way_to_cut_them_is_kept_in_a_file(small, cache, same, monkeypatch):
    first = small.read()
    (path,) = (cache / "saccades").iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(saccades, "record", None)
        assert same(first, small.read())
    path.write_bytes(path.read_bytes()[:5000])
    assert same(first, small.read())
    assert load("saccades", time_steps=3, frames="time").time_steps == 3
    assert len(list((cache / "saccades").iterdir())) == 2


def test_more_frames_than_events(small, refused):
    with refused("saccades: sample 0 holds", "set neuron.time_steps to"):
        small.read(time_steps=100_000)


def test_a_network_learns_from_them(small, train):
    words = [
        "data.name=saccades", "data.batch=8", "data.frames=time", "model.name=custom",
        "model.layers=4C3-AP2-8C3-AP2", "neuron.preset=esl", "neuron.time_steps=4",
        "train.loss=tet", "train.tet_lambda=0.001", "method.name=dense",
        "optim.name=adam", "optim.lr=0.01", "train.epochs=6",
    ]  # fmt: skip
    losses = [record["train_loss"] for record in read_metrics(train(words))]
    assert losses[-1] < 0.7 * losses[0]
