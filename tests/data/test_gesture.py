"""DVS-Gesture: AEDAT 3.1 recordings and their labels, written here as the official files are."""

import struct

import numpy as np
import pytest

from nsnn.data import load
from nsnn.data.events import decode_aedat3, during, to_frames

HEADER = (
    b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n"
    b"#Start-Time: 2016-09-12 15:43:10 (TZ+0000)\r\n#!END-HEADER\r\n"
)
HEAD = "class,startTime_usec,endTime_usec\n"


def word(x, y, p, valid=1):
    """The data of one event, put together bit by bit."""
    return int(f"{x:015b}{y:015b}{p:01b}{valid:01b}", 2)


def packet(rows, kind=1, overflow=0, spare=0, size=8, source=1):
    """Events (t, x, y, p) as one packet, with room for some more."""
    n = len(rows)
    head = struct.pack("<hhiiiiii", kind, source, size, 4, overflow, n + spare, n, n)
    body = b"".join(struct.pack("<II", word(x, y, p), t) for t, x, y, p in rows)
    return head + body + bytes([0xFF]) * (spare * size)


def other_packet():
    """A special event, which says that the clock has been reset."""
    return packet([(0, 1, 0, 1)], kind=0)


def recording(rows):
    """A whole file, its events in packets of seven, others between them."""
    packets = [packet(rows[i : i + 7], spare=i % 3) for i in range(0, len(rows), 7)]
    return HEADER + other_packet() + other_packet().join(packets)


def some_rows(rng, n=400, end=100_000):
    t = np.sort(rng.integers(0, end, n))
    x, y = rng.integers(0, 128, (2, n))
    return [tuple(row) for row in np.stack([t, x, y, rng.integers(0, 2, n)], axis=1).tolist()]


def fingerprint(folder):
    return load("dvs-gesture", folder, time_steps=4).train.fingerprint()


def rows_of(events):
    return [tuple(row) for row in np.stack(events, axis=1).tolist()]


class TestFormat:
    def test_what_was_written_is_read(self):
        rows = some_rows(np.random.default_rng(0))
        assert rows_of(decode_aedat3(recording(rows))) == rows

    def test_a_packet_byte_by_byte(self):
        head = bytes.fromhex("0100 0100 08000000 04000000 00000000 01000000 01000000 01000000")
        # x = 5 from bit 17, y = 3 from bit 2, ON, valid; 1,000 µs.
        event = (5 << 17 | 3 << 2 | 3).to_bytes(4, "little") + bytes.fromhex("e8030000")
        assert rows_of(decode_aedat3(HEADER + head + event)) == [(1000, 5, 3, 1)]

    def test_events_that_are_not_valid_are_left_out(self):
        content = HEADER + packet([(1, 2, 3, 1), (2, 4, 5, 0)])
        invalid = content[:-8] + struct.pack("<II", word(4, 5, 0, valid=0), 2)
        assert rows_of(decode_aedat3(invalid)) == [(1, 2, 3, 1)]

    def test_the_overflow_of_the_clock_is_that_of_the_packet(self):
        content = HEADER + packet([(7, 0, 0, 1)]) + packet([(5, 127, 127, 0)], overflow=2)
        assert rows_of(decode_aedat3(content)) == [(7, 0, 0, 1), (2**32 + 5, 127, 127, 0)]

    @pytest.mark.parametrize(("content", "message"), [
        (b"", "no AEDAT 3 file"),
        (HEADER[:-1], "no AEDAT 3 file"),
        (HEADER.replace(b"DAT3.1", b"DAT2.0"), "no AEDAT 3 file"),
        (recording(some_rows(np.random.default_rng(0), 9))[:-1], "inside packet 3"),
        (HEADER + other_packet() + packet([])[:27], "inside packet 1"),
        (HEADER + packet([(0, 1, 1, 1)], size=16) + bytes(8), "packet 0 has 1 events of 16"),
        (HEADER + struct.pack("<hhiiiiii", 1, 0, 8, 4, 0, 1, 2, 2), "packet 0 has 2 events"),
        (HEADER + struct.pack("<hhiiiiii", 1, 0, 8, 4, 0, 1, -1, 0), "packet 0 has -1 events"),
        (HEADER + struct.pack("<hhiiiiii", 2, 0, -8, 4, 0, 1, 0, 0), "of -8 bytes: damaged"),
    ])  # fmt: skip
    def test_damage(self, content, message, refused):
        with refused(message, error=ValueError):
            decode_aedat3(content)

    def test_the_interval_of_a_gesture_is_half_open(self):
        events = decode_aedat3(HEADER + packet([(t, 1, 1, 1) for t in (4, 5, 5, 8, 9, 10)]))
        assert during(events, (5, 9)).t.tolist() == [5, 5, 8]
        assert during(events, (11, 12)).t.tolist() == []


@pytest.fixture
def folder(tmp_path):
    """Two recordings to train, of the eleven gestures, and one to test, all overlapping."""
    folder = tmp_path / "events" / "DvsGesture"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = [f"{k},{7000 * k},{7000 * k + 20000}\n" for k in range(1, 12)]
    last = ["4,2000,60000\n", "4,50000,90000\n"]
    names = ("user01_lab", "user02_led", "user24_natural")
    for name, labels in zip(names, (lines[:6], lines[6:], last), strict=True):
        (folder / f"{name}.aedat").write_bytes(recording(some_rows(rng)))
        (folder / f"{name}_labels.csv").write_text(HEAD + "".join(labels))
    (folder / "trials_to_train.txt").write_text("user01_lab.aedat\nuser02_led.aedat\n\n")
    (folder / "trials_to_test.txt").write_text("user24_natural.aedat\n")
    (folder / "gesture_mapping.csv").write_text("action,label\nhand_clapping,1\n")
    return folder


class TestDataSet:
    @pytest.mark.parametrize("frames", ["count", "time"])
    def test_samples_are_the_rows_of_the_labels(self, folder, frames):
        data = load("dvs-gesture", folder.parent, time_steps=4, frames=frames)
        assert (data.shape, data.time_steps, data.classes) == ((2, 48, 48), 4, 11)
        assert data.train.labels.tolist() == [*range(11)]
        assert data.test.labels.tolist() == [3, 3]
        for name, span, found in (
            ("user01_lab", (7000, 27000), data.train.images[0]),
            ("user02_led", (77000, 97000), data.train.images[10]),
            ("user24_natural", (50000, 90000), data.test.images[1]),
        ):
            events = decode_aedat3((folder / f"{name}.aedat").read_bytes())
            assert np.array_equal(found, to_frames(during(events, span), 4, frames, 128, 48))
        assert np.array_equal(load("dvs-gesture", folder).test.labels, data.test.labels)

    def test_frames_are_kept_until_labels_change(self, folder, cache):
        first = fingerprint(folder)
        (kept,) = (cache / "dvs-gesture").iterdir()
        time = kept.stat().st_mtime_ns
        assert fingerprint(folder) == first
        assert kept.stat().st_mtime_ns == time
        labels = folder / "user01_lab_labels.csv"
        labels.write_text(labels.read_text().replace("7000,27000", "7000,40000"))
        assert fingerprint(folder) != first

    def test_a_line_of_head_may_be_missing_and_lines_may_end_as_on_windows(self, folder):
        first = fingerprint(folder)
        path = folder / "user01_lab_labels.csv"
        text = path.read_text().removeprefix(HEAD).replace(",", " , ").replace("\n", "\r\n\r\n")
        path.write_bytes(text.encode())
        assert fingerprint(folder) == first


class TestRefused:
    @pytest.mark.parametrize(("text", "message"), [
        *((line, f"line 2 is '{line}': expected a class from 1 to 11 and the start and the end")
          for line in ("12,1,2", "0,1,2", "1,5,5", "1,5", "1,-5,9", "a,5,9", "1,2,3,4")),
        ("1,200000,300000", "from 200000 to 300000 µs: holds no events"),
        ("1,0,1500", "fewer than the 10 frames: set neuron.time_steps to"),
    ])  # fmt: skip
    def test_labels(self, folder, refused, text, message):
        (folder / "user02_led_labels.csv").write_text(HEAD + text)
        name = "user02_led.aedat" if " µs" in message or "fewer" in message else "_led_labels.csv"
        with refused(name, message):
            load("dvs-gesture", folder)

    @pytest.mark.parametrize(("file", "content", "parts"), [
        ("user02_led.aedat", None, ("train.txt", "line 2 asks for user02_led.aedat, not there")),
        ("user24_natural_labels.csv", None, ("line 1 asks for user24_natural_labels.csv",)),
        ("user24_natural_labels.csv", "", ("test.txt", "names recordings without any label")),
        ("trials_to_test.txt", "user24", ("line 1 is 'user24', no name of an .aedat file",)),
        ("trials_to_test.txt", "\n", ("trials_to_test.txt", "names no recordings", "by hand")),
        ("trials_to_test.txt", None, ("DvsGesture has no trials_to_test.txt",)),
    ])  # fmt: skip
    def test_lists(self, folder, refused, file, content, parts):
        (folder / file).unlink()
        if content is not None:
            (folder / file).write_text(content)
        with refused(*parts):
            load("dvs-gesture", folder)

    def test_events_of_a_gesture(self, folder, refused):
        path = folder / "user01_lab.aedat"
        path.write_bytes(recording([(15000, 1, 1, 1), (14000, 1, 1, 1)]))
        with refused(f"{path}: from 7000 to 27000 µs: event 1 is at 14000 µs, earlier than"):
            load("dvs-gesture", folder)
        path.write_bytes(path.read_bytes()[:-3])
        with refused(f"{path}: ends at byte", "inside packet"):
            load("dvs-gesture", folder)
