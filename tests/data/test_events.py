"""Recordings of event cameras: formats written here as the official files are, cut into frames."""

import shutil
import struct
from dataclasses import replace

import numpy as np
import pytest

from nsnn.data import DATASETS, load, source
from nsnn.data.events import Events, decode_aedat2, decode_bin, to_frames
from nsnn.data.recordings import CIFAR10_DVS, NMNIST

HEADER = (
    b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n"
    b"# Data format is int32 address, int32 timestamp (8 bytes total)\r\n"
)


def bin_event(x, y, p, t):
    """The 40 bits of one event, put together bit by bit."""
    return int(f"{x:08b}{y:08b}{p:01b}{t:023b}", 2).to_bytes(5, "big")


def bin_file(events):
    return b"".join(bin_event(x, y, p, t) for t, x, y, p in events)


def aedat_file(events, header=HEADER):
    """Events (t, x, y, p) of a DVS128, its axes turned as in CIFAR10-DVS."""
    pairs = [((127 - x) << 8 | (127 - y) << 1 | (1 - p), t) for t, x, y, p in events]
    return header + b"".join(struct.pack(">II", *pair) for pair in pairs)


def some_events(rng, n=40, side=34):
    """Rows (t, x, y, p), times in µs."""
    t = np.sort(rng.integers(0, 300_000, n))
    x, y = rng.integers(0, side, (2, n))
    return [tuple(row) for row in np.stack([t, x, y, t % 2], axis=1).tolist()]


def as_events(rows):
    return Events(*np.array(rows, dtype=np.int64).T)


def rows_of(events):
    return [tuple(row) for row in np.stack(events, axis=1).tolist()]


class TestFormats:
    @pytest.mark.parametrize(
        ("decode", "write", "side"), [(decode_bin, bin_file, 34), (decode_aedat2, aedat_file, 128)]
    )
    def test_what_was_written_is_read(self, decode, write, side):
        rows = some_events(np.random.default_rng(0), side=side)
        assert rows_of(decode(write(rows))) == rows

    def test_an_overflow_is_no_event_and_adds_8192_microseconds_from_there_on(self):
        rows = [(8000, 1, 2, 1), (0, 0, 240, 0), (5, 3, 4, 0), (9, 9, 240, 1), (7, 5, 6, 1)]
        found = rows_of(decode_bin(bin_file(rows)))
        assert found == [(8000, 1, 2, 1), (8197, 3, 4, 0), (16391, 5, 6, 1)]

    def test_the_largest_time_of_23_bits(self):
        assert rows_of(decode_bin(bin_event(33, 0, 0, 2**23 - 1))) == [(2**23 - 1, 33, 0, 0)]

    def test_an_aedat_address_bit_by_bit(self):
        # y of the sensor in bits 8 to 14, x in 1 to 7, bit 0 says OFF.
        content = HEADER + struct.pack(">II", 0b0000011_0000101_1, 2**31 + 5)
        assert rows_of(decode_aedat2(content)) == [(2**31 + 5, 127 - 3, 127 - 5, 0)]

    @pytest.mark.parametrize("header", [HEADER, b""])
    def test_marks_of_the_recorder_are_left_out_and_a_header_may_be_missing(self, header):
        mark = struct.pack(">II", 0x8000, 1)
        content = aedat_file([(1, 2, 3, 1)], header) + mark + aedat_file([(2, 7, 8, 1)], b"")
        assert rows_of(decode_aedat2(content)) == [(1, 2, 3, 1), (2, 7, 8, 1)]


class TestFrames:
    ROWS = (
        (0, 0, 0, 1), (10, 1, 0, 1), (20, 0, 1, 0), (30, 1, 1, 0), (99, 1, 1, 1),
        (100, 0, 0, 0), (100, 0, 0, 0),
    )  # fmt: skip

    def frames(self, T, by="count", rows=ROWS):
        return to_frames(as_events(rows), T, by, 2, 2)

    def test_by_time_parts_are_equal_and_the_last_is_closed(self):
        assert self.frames(2, "time").sum(axis=(1, 2, 3)).tolist() == [4, 3]
        # An event at the border of two parts belongs to the later one.
        assert self.frames(5, "time").sum(axis=(1, 2, 3)).tolist() == [2, 2, 0, 0, 3]
        assert self.frames(2, "time", [(5, 0, 0, 1)] * 3).sum() == 3  # of one instant

    @pytest.mark.parametrize(("n", "count"), [(255, 255), (256, 255), (600, 255)])
    def test_counts_saturate(self, n, count):
        frames = self.frames(1, rows=[(t, 0, 0, 1) for t in range(n)])
        assert frames.max() == frames.sum() == count

    @pytest.mark.parametrize("by", ["count", "time"])
    @pytest.mark.parametrize(("sensor", "side"), [(34, 34), (34, 17), (128, 48)])
    def test_against_a_loop_over_events(self, by, sensor, side):
        rng = np.random.default_rng(2)
        rows, T = some_events(rng, 203, sensor), 7
        expected = np.zeros((T, 2, side, side), dtype=int)  # a channel is a polarity
        start, end = rows[0][0], rows[-1][0]
        for i, (t, x, y, p) in enumerate(rows):
            k = i // (203 // T) if by == "count" else (t - start) * T // (end - start)
            expected[min(k, T - 1), p, y * side // sensor, x * side // sensor] += 1
        found = to_frames(as_events(rows), T, by, sensor, side)
        assert found.dtype == np.uint8
        assert np.array_equal(found, expected)


@pytest.fixture
def nmnist(tmp_path):
    """A folder in the layout of N-MNIST: 3 + 2 recordings of each of three digits."""
    rng = np.random.default_rng(0)
    for part, n in (("Train", 3), ("Test", 2)):
        for label in range(3):
            folder = tmp_path / "events" / part / str(label)
            folder.mkdir(parents=True)
            for i in range(n):
                (folder / f"{i:05}.bin").write_bytes(bin_file(some_events(rng)))
            (folder / "notes.txt").write_text("no recording")
    return tmp_path / "events"


@pytest.fixture
def dvs(tmp_path):
    """A folder in the layout of CIFAR10-DVS: recordings 9, 99, 100 and 1000 of each class."""
    rng = np.random.default_rng(0)
    for (name,) in CIFAR10_DVS.wanted:
        folder = tmp_path / "events" / name
        folder.mkdir(parents=True)
        for i in (9, 99, 100, 1000):
            content = aedat_file(some_events(rng, side=128))
            (folder / f"cifar10_{name}_{i}.aedat").write_bytes(content)
    return tmp_path / "events"


@pytest.fixture
def three_digits(monkeypatch):
    three = replace(NMNIST, classes=3)
    monkeypatch.setitem(DATASETS, "nmnist", three)
    return three


class TestDataSets:
    def test_nmnist(self, nmnist, three_digits):
        data = load("nmnist", nmnist, time_steps=4)
        assert (data.shape, data.time_steps, data.classes) == ((2, 34, 34), 4, 3)
        assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        assert data.test.labels.tolist() == [0, 0, 1, 1, 2, 2]
        content = (nmnist / "Train" / "1" / "00002.bin").read_bytes()
        expected = to_frames(decode_bin(content), 4, "count", 34, 34)
        assert np.array_equal(data.train.images[5], expected)
        assert load("nmnist", nmnist).time_steps == 10
        assert "9 samples of 10 × 2 × 34 × 34 uint8" in three_digits.check(nmnist)

    def test_cifar10_dvs_tests_on_the_first_hundred_of_each_class(self, dvs):
        data = load("cifar10-dvs", dvs, time_steps=10)
        assert (data.shape, data.time_steps, data.classes) == ((2, 48, 48), 10, 10)
        for split in (data.train, data.test):
            assert np.array_equal(split.labels, np.repeat(range(10), 2))
        content = (dvs / "automobile" / "cifar10_automobile_99.aedat").read_bytes()
        expected = to_frames(decode_aedat2(content), 10, "count", 128, 48)
        assert np.array_equal(data.test.images[3], expected)

    @pytest.mark.parametrize(
        ("name", "ends"), [("nmnist", ".zip"), ("cifar10-dvs", ".zip"), ("dvs-gesture", ".tar.gz")]
    )
    def test_how_to_get_it_by_hand(self, name, ends, tmp_path, refused):
        steps = ("https://", ends, "by hand", f"nsnn data check {name}")
        with refused(f"{name}: nothing to download automatically", *steps):
            source(name).get(tmp_path)
        with refused("not found", "data.dir", *steps):
            load(name, tmp_path)

    def test_images_are_not_cut(self, small_glyphs, refused):
        with refused('data.frames = "time"', "glyphs", "leave the option out"):
            load("glyphs", frames="time")


def events_of(*rows):
    return lambda content: bin_file(rows)


class TestRefused:
    """Every damage names the file, and where it is."""

    @pytest.mark.parametrize(("change", "message"), [
        (lambda content: content[:-2], "ends at byte 198, inside event 39"),
        (lambda content: b"", "holds no events"),
        (events_of((0, 0, 240, 0)), "holds no events"),
        (events_of((0, 1, 1, 0), (1, 34, 2, 1)),
         "event 1 is at (34, 2), outside the sensor of 34 × 34"),
        (events_of((0, 1, 239, 0)), "event 0 is at (1, 239), outside the sensor"),
        (events_of((5, 1, 1, 0), (9, 1, 1, 0), (8, 2, 2, 0)),
         "event 2 is at 8 µs, earlier than the event before it"),
        (events_of((5, 1, 1, 0), (9, 1, 1, 0)),
         "holds 2 events, fewer than the 4 frames: set neuron.time_steps to 2 or less"),
    ])  # fmt: skip
    @pytest.mark.parametrize("frames", ["count", "time"])
    def test_bin(self, nmnist, three_digits, refused, frames, change, message):
        path = nmnist / "Test" / "2" / "00001.bin"
        path.write_bytes(change(path.read_bytes()))
        with refused(path, message):
            load("nmnist", nmnist, time_steps=4, frames=frames)

    @pytest.mark.parametrize(("content", "message"), [
        (aedat_file([(0, 1, 1, 1)])[:-3], f"ends at byte {len(HEADER) + 5}, inside event 0"),
        (HEADER, "holds no events"),
        (HEADER[:-1], f"ends at byte {len(HEADER) - 1}, inside its header"),
        (b"", "holds no events"),
        (HEADER + struct.pack(">4I", 2, 0, 1 << 16, 1), "event 1 has address 65536, of no pixel"),
        (aedat_file([(5, 1, 1, 1), (4, 1, 1, 1)]), "event 1 is at 4 µs, earlier"),
        (aedat_file([(5, 1, 1, 1)] * 9), "holds 9 events, fewer than the 10 frames"),
    ])  # fmt: skip
    def test_aedat(self, dvs, refused, content, message):
        path = dvs / "bird" / "cifar10_bird_99.aedat"
        path.write_bytes(content)
        with refused(path, message):
            load("cifar10-dvs", dvs)

    def test_a_class_without_recordings(self, nmnist, three_digits, refused):
        for path in (nmnist / "Train" / "1").glob("*.bin"):
            path.unlink()
        with refused(nmnist / "Train" / "1", "no folder with .bin files", "by hand"):
            load("nmnist", nmnist)
        shutil.rmtree(nmnist / "Train" / "1")
        (nmnist / "Train" / "1").write_bytes(b"")
        with refused(nmnist / "Train" / "1", "no folder with .bin files"):
            load("nmnist", nmnist)

    def test_names_without_a_number_and_splits_without_recordings(self, dvs, refused):
        path = dvs / "ship" / "cifar10_ship_9.aedat"
        path = path.rename(path.with_name("ship.aedat"))
        with refused(path, "_NUMBER.aedat"):
            load("cifar10-dvs", dvs)
        path.unlink()
        for path in dvs.glob("*/*_1*.aedat"):
            path.unlink()
        with refused(dvs, "none from 100 on"):
            load("cifar10-dvs", dvs)


def test_the_slice_of_real_nmnist(tmp_path, real_data, python):
    """What its README says of it, and MNIST itself: a count map looks like its image."""
    script = real_data / "nmnist-small" / "to_official_layout.py"
    if not script.is_file():
        pytest.skip("1,000 + 100 recordings of N-MNIST are absent: NSNN_DATA has no nmnist-small")
    python(script, tmp_path, check=True)
    data = load("nmnist", tmp_path, time_steps=10)
    assert (len(data.train), len(data.test), data.classes) == (1000, 100, 10)
    files = [p.stat().st_size // 5 for p in tmp_path.rglob("*.bin")]
    assert (sum(files), min(files), max(files)) == (4_518_827, 1069, 7152)
    images = np.concatenate([data.train.images, data.test.images])
    assert images.sum() == 4_518_827
    on = images[:, :, 1].sum(axis=(1, 2, 3)) / images.sum(axis=(1, 2, 3, 4))
    assert on.mean() == pytest.approx(0.5, abs=1e-3)
    mnist = load("mnist", real_data).train
    zeros = np.flatnonzero(mnist.labels[:1000] == 0)
    maps = data.train.images[: len(zeros)].sum(axis=(1, 2), dtype=float)[:, 3:31, 3:31]
    pairs = zip(maps, mnist.images[zeros, 0], strict=True)
    assert np.mean([np.corrcoef(m.ravel(), image.ravel())[0, 1] for m, image in pairs]) > 0.6
