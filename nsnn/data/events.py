"""Recordings of event cameras: from the bytes of a file to events, from these to frames.

What is wrong with a recording a ValueError says, in words that follow the name of its file.
"""

import struct
from typing import NamedTuple

import numpy as np

FRAMES = ("count", "time")
"""Values of `data.frames`: what `to_frames` cuts into equal parts."""

TIME_STEPS = 10
"""T where nobody asks for another."""


class Events(NamedTuple):
    """What a camera recorded in the order of time: arrays of int64 (n,), an entry an event."""

    t: np.ndarray  # µs
    x: np.ndarray  # pixels from the left
    y: np.ndarray  # pixels from the top
    p: np.ndarray  # polarity: 1 (ON) where the pixel became brighter, 0 (OFF) where darker


def decode_bin(content: bytes) -> Events:
    """The events of a `.bin` file of N-MNIST.

    Notes
    -----
    40 bits an event, big-endian: x (8), y (8), polarity (1), time in µs (23). y = 240 is no
    event: the clock has overflowed, and 2¹³ µs are added to all times from there on.
    Source: G. Orchard et al., "Converting Static Image Datasets to Spiking Neuromorphic Datasets
    Using Saccades"; the readers of tonic and SpikingJelly.
    """
    x, y, first, second, third = _records(content, 0, 5).astype(np.int64).T
    overflow = y == 240
    t = ((first & 127) << 16 | second << 8 | third) + (np.cumsum(overflow) << 13)
    return Events(*(column[~overflow] for column in (t, x, y, first >> 7)))


def decode_aedat2(content: bytes) -> Events:
    """The events of an AEDAT 2 file of a camera DVS128, as CIFAR10-DVS has them.

    Notes
    -----
    Lines that begin with `#`, then pairs of big-endian uint32: an address (bit 0: OFF, bits 1–7
    and 8–14: the sensor's axes, turned here as SpikingJelly turns them) and a time in µs. An
    address with bit 15 is a mark that an outer signal has made, and is left out.
    """
    start = 0
    while content[start : start + 1] == b"#":
        start = content.find(b"\n", start) + 1
        if not start:
            raise ValueError(f"ends at byte {len(content)}, inside its header")
    address, t = _records(content, start, 8).view(">u4").astype(np.int64).T
    pixel = address & 1 << 15 == 0
    address, t = address[pixel], t[pixel]
    _refuse_first(address >> 15 > 0, "has address {}, of no pixel of 128 × 128", address)
    return Events(t, 127 - (address >> 8 & 127), 127 - (address >> 1 & 127), 1 - (address & 1))


def decode_aedat3(content: bytes) -> Events:
    """The events of an AEDAT 3.1 file of a camera DVS128, as DVS-Gesture has them.

    Notes
    -----
    A header of text, then packets: 28 bytes, little-endian (int16 type, source; int32 bytes of an
    event, offset, overflow, capacity, number, valid), and as many events as the capacity says. Of
    packets of type 1 an event is two uint32: bit 0 valid, bit 1 polarity, y (15 bits), x (15); and
    the time in µs, to which overflow · 2³¹ is added. Source: the AEDAT 3.1 format of iniVation;
    the reader of SpikingJelly.
    """
    mark = b"#!END-HEADER\r\n"
    at = content.find(mark) + len(mark)
    if not content.startswith(b"#!AER-DAT3") or at < len(mark):
        raise ValueError("is no AEDAT 3 file: no header from #!AER-DAT3 to #!END-HEADER")
    packets, found = 0, [np.empty((0, 2), np.int64)]
    while at < len(content):
        start = at + 28
        if start <= len(content):
            kind, _, size, _, overflow, capacity, number, _ = struct.unpack_from(
                "<2h6i", content, at
            )
            if not 0 <= number <= capacity or size < 0 or (kind == 1 and size != 8):
                raise ValueError(f"packet {packets} has {number} events of {size} bytes: damaged")
            at = start + capacity * size
        if max(start, at) > len(content):
            raise ValueError(f"ends at byte {len(content)}, inside packet {packets}")
        if kind == 1:
            words = np.frombuffer(content, "<u4", 2 * number, start).reshape(-1, 2)
            found.append(words + np.array([0, overflow << 31]))
        packets += 1
    data, t = np.concatenate(found).T
    valid = data & 1 > 0
    data, t = data[valid], t[valid]
    return Events(t, data >> 17 & 0x7FFF, data >> 2 & 0x7FFF, data >> 1 & 1)


def _records(content: bytes, start: int, size: int) -> np.ndarray:
    """The bytes from `start` on as records of `size` bytes: uint8 (n, size)."""
    whole, rest = divmod(len(content) - start, size)
    if rest:
        raise ValueError(f"ends at byte {len(content)}, inside event {whole}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(whole, size)


def _refuse_first(wrong: np.ndarray, text: str, *values: np.ndarray) -> None:
    """Raise ValueError for the first event that is wrong, its values filled into the text."""
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(f"event {i} " + text.format(*(value[i] for value in values)))


def during(events: Events, span: tuple[int, int]) -> Events:
    """The events from a time on and before another, in µs."""
    inside = (events.t >= span[0]) & (events.t < span[1])
    return Events(*(column[inside] for column in events))


def to_frames(events: Events, time_steps: int, by: str, sensor: int, side: int) -> np.ndarray:
    """How many events of each polarity each pixel has in each of `time_steps` parts.

    uint8 (T, 2, side, side), a channel a polarity; counts above 255 stay 255. There have to be as
    many events as `time_steps`.

    Parameters
    ----------
    by : str
        "count": ⌊n/T⌋ events in each part, the rest in the last. "time": equal parts of the time
        from the first event to the last, which belongs to the last part.
    sensor, side : int
        Pixels along each side of the sensor, and of a frame: pixel x is ⌊x · side / sensor⌋.

    Examples
    --------
    >>> three = Events(*np.array([[0, 10, 900], [0, 0, 1], [0, 0, 0], [1, 0, 1]]))
    >>> [to_frames(three, 2, by, 2, 2).sum(axis=(1, 2, 3)).tolist() for by in FRAMES]
    [[1, 2], [2, 1]]
    """
    t, x, y, p = events
    if not t.size:
        raise ValueError("holds no events")
    outside = f"is at ({{}}, {{}}), outside the sensor of {sensor} × {sensor} pixels"
    _refuse_first((x >= sensor) | (y >= sensor), outside, x, y)
    early = np.diff(t, prepend=t[0]) < 0
    _refuse_first(early, "is at {} µs, earlier than the event before it", t)
    if t.size < time_steps:
        most = f"set neuron.time_steps to {t.size} or less"
        raise ValueError(f"holds {t.size} events, fewer than the {time_steps} frames: {most}")
    if by == "count":
        part = np.arange(t.size) // (t.size // time_steps)
    else:
        part = (t - t[0]) * time_steps // max(t[-1] - t[0], 1)
    part = np.minimum(part, time_steps - 1)
    cell = ((part * 2 + p) * side + y * side // sensor) * side + x * side // sensor
    counts = np.bincount(cell, minlength=time_steps * 2 * side * side)
    return np.minimum(counts, 255).astype(np.uint8).reshape(time_steps, 2, side, side)
