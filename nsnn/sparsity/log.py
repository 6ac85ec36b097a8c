"""The record of every change of topology, from which the mask at any step can be rebuilt."""

import itertools

import numpy as np

from nsnn.errors import UserError

_LARGEST = np.iinfo(np.int32).max


class TopologyLog:
    """Initial positions of each sparse layer, and what every event dropped and grew.

    Events are net: a position that one event drops and grows again is in neither list.

    Notes
    -----
    Four bytes for every position at the start and for every position dropped or grown.

    Examples
    --------
    >>> import numpy as np
    >>> log = TopologyLog()
    >>> log.start("fc.weight", size=6, positions=np.array([0, 2, 5]))
    >>> log.record(100, "fc.weight", dropped=np.array([2, 5]), grown=np.array([1]), forced=False)
    >>> log.positions_at("fc.weight", step=99)
    array([0, 2, 5])
    >>> log.positions_at("fc.weight", step=100)
    array([0, 1])
    """

    def __init__(self):
        self._sizes: dict[str, int] = {}
        self._initial: dict[str, np.ndarray] = {}
        # (step, name, forced, dropped, grown), in the order of recording.
        self._events: list[tuple[int, str, bool, np.ndarray, np.ndarray]] = []

    @property
    def names(self) -> list[str]:
        """The layers that have been started, in that order."""
        return list(self._sizes)

    @property
    def events(self) -> int:
        """How many have been recorded."""
        return len(self._events)

    def start(self, name: str, size: int, positions) -> None:
        """Begin the record of a parameter of `size` positions; the active ones are int64, sorted.

        A log read back from a file already holds the layers of its run: starting one of them
        again changes nothing; UserError where the positions are not the same.
        """
        if size > _LARGEST:
            raise UserError(f"{name} has {size} positions: at most {_LARGEST} can be logged")
        positions = np.asarray(positions, dtype=np.int32)
        if name in self._sizes:
            same = np.array_equal(self._initial[name], positions)
            if self._sizes[name] != size or not same:
                raise UserError(
                    f"the topology log starts {name} elsewhere: it is from another run; "
                    "start a new run, or resume with the configuration and seed it was made with"
                )
            return
        self._sizes[name] = int(size)
        self._initial[name] = positions.copy()

    def record(self, step: int, name: str, dropped, grown, forced: bool = False) -> None:
        """Add an event at an optimiser step, counted from 0, not before the last one recorded.

        `dropped` and `grown` are net: positions that were active and are not any more, and the
        reverse. `forced`: whether more had to be dropped than the method's own rule says.
        """
        dropped = np.array(dropped, dtype=np.int32)
        grown = np.array(grown, dtype=np.int32)
        self._events.append((int(step), name, bool(forced), dropped, grown))

    def record_positions(self, step: int, name: str, positions) -> None:
        """Add the net change since the last event of a layer, for methods that rewire every step.

        `step` is the last of an epoch; `positions` (int64, sorted) are active now.
        """
        before = self.positions_at(name, step)
        dropped = np.setdiff1d(before, positions, assume_unique=True)
        grown = np.setdiff1d(positions, before, assume_unique=True)
        if dropped.size or grown.size:
            self.record(step, name, dropped, grown)

    def positions_at(self, name: str, step: int) -> np.ndarray:
        """Active positions after the events up to and including `step`; int64, sorted."""
        if name not in self._sizes:
            known = ", ".join(self.names)
            raise UserError(f"no layer {name!r} in the topology log; it has {known}")
        mask = np.zeros(self._sizes[name], dtype=bool)
        mask[self._initial[name]] = True
        for event_step, event_name, _, dropped, grown in self._events:
            if event_name == name and event_step <= step:
                mask[dropped] = False
                mask[grown] = True
        return np.flatnonzero(mask)

    def changes(self, name: str) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Step, dropped and grown positions of each event of a layer."""
        return [(step, *changed) for step, of, _, *changed in self._events if of == name]

    def counts(self) -> dict[str, np.ndarray]:
        """What each event did, for plots and tables: arrays (events,) by name.

        "step", "dropped", "grown" and "active" (after it) are int64, "layer" str, "forced" bool.
        """
        active = {name: positions.size for name, positions in self._initial.items()}
        after = []
        for _, name, _, dropped, grown in self._events:
            active[name] += grown.size - dropped.size
            after.append(active[name])
        return {
            "step": np.array([event[0] for event in self._events], dtype=np.int64),
            "layer": np.array([event[1] for event in self._events], dtype=np.str_),
            "forced": np.array([event[2] for event in self._events], dtype=bool),
            "dropped": np.array([event[3].size for event in self._events], dtype=np.int64),
            "grown": np.array([event[4].size for event in self._events], dtype=np.int64),
            "active": np.array(after, dtype=np.int64),
        }

    def truncate(self, events: int) -> None:
        """Forget all but the first `events` that were recorded."""
        del self._events[events:]

    def arrays(self) -> dict[str, np.ndarray]:
        """The log as plain arrays, for `np.savez_compressed`."""
        layer, counts = {name: i for i, name in enumerate(self._sizes)}, self.counts()
        return {
            "names": np.array(self.names, dtype=np.str_),
            "sizes": np.array(list(self._sizes.values()), dtype=np.int64),
            **_joined("initial", self._initial.values()),
            "step": counts["step"],
            "layer": np.array([layer[event[1]] for event in self._events], dtype=np.int32),
            "raised": counts["forced"],
            **_joined("dropped", [event[3] for event in self._events]),
            **_joined("grown", [event[4] for event in self._events]),
        }

    @classmethod
    def from_arrays(cls, arrays) -> "TopologyLog":
        """The inverse of `arrays`; takes an open .npz file as well."""
        log = cls()
        names = [str(name) for name in arrays["names"]]
        log._sizes = dict(zip(names, arrays["sizes"].tolist(), strict=True))
        log._initial = dict(zip(names, _split("initial", arrays), strict=True))
        layers = [names[number] for number in arrays["layer"]]
        plain = arrays["step"].tolist(), layers, arrays["raised"].tolist()
        changed = _split("dropped", arrays), _split("grown", arrays)
        log._events = list(zip(*plain, *changed, strict=True))
        return log


def _joined(key, parts) -> dict[str, np.ndarray]:
    """Positions end to end, int32 (total,), and where each part begins, int64 (parts + 1,)."""
    starts = np.cumsum([0, *(part.size for part in parts)], dtype=np.int64)
    return {key: np.concatenate([np.empty(0, np.int32), *parts]), f"{key}_ptr": starts}


def _split(key, arrays) -> list[np.ndarray]:
    """The inverse of `_joined`."""
    joined, starts = arrays[key], arrays[f"{key}_ptr"].tolist()
    return [joined[start:stop].copy() for start, stop in itertools.pairwise(starts)]
