"""On which data finished cells were trained and tested: versions that can be told are not mixed.

A fingerprint is a checksum of images and labels. That of the training split is of what a cell has
really trained on, so with data.validation or data.samples it depends on the seed. Then, where the
data are not here, cells of different seeds are compared by the test split alone: two versions of a
data set that differ only in what is trained on are mixed.
"""

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from nsnn.data import DataSet, source
from nsnn.errors import RunError, UserError
from nsnn.experiments.results import digest
from nsnn.files import read_json
from nsnn.training.build import load_data
from nsnn.training.checkpoint import load_checkpoint
from nsnn.training.config import Config


class Fingerprint(NamedTuple):
    """Of the training and the test split; None what is not known."""

    train: str | None = None
    test: str | None = None

    def agrees(self, other: "Fingerprint") -> bool:
        """Whether nothing that is known of both differs."""
        pairs = zip(self, other, strict=True)
        return all(one is None or two is None or one == two for one, two in pairs)


def of_record(record: dict) -> Fingerprint:
    """Of the data of a finished cell; that of the test split is unknown in cells of an old nsnn."""
    return Fingerprint(record.get("data_fingerprint"), record.get("test_fingerprint"))


def of_folder(folder: Path, config: Config) -> Fingerprint:
    """Of the data of a run, as its summary or its checkpoint says."""
    path = folder / "summary.json"
    with contextlib.suppress(UserError, RunError, LookupError):  # going on with the run says why
        if path.exists():
            return of_record(read_json(path))
        checkpoint = load_checkpoint(folder / "checkpoint.npz", config)
        return Fingerprint(f"{checkpoint['data']['fingerprint'].item():08x}")
    return Fingerprint()


def of_data(data: DataSet) -> Fingerprint:
    """Of a data set that is loaded."""
    return Fingerprint(*(f"{split.fingerprint():08x}" for split in (data.train, data.test)))


def here(config: Config, seen: dict) -> Fingerprint:
    """Of the data as they are on this machine now; unknown where they are not, or are damaged.

    `seen` keeps what was found for the other cells that train on the same images.
    """
    key, _ = _images(config)
    if key not in seen:
        seen[key] = Fingerprint()
        with contextlib.suppress(UserError, OSError):
            seen[key] = of_data(load_data(config))
    return seen[key]


def current(cells, records: list[dict]) -> tuple[list[dict], list[dict], list[dict]]:
    """Those of the finished cells that belong to a profile's `cells` as they are now, of any seed.

    A cell stays in the file when the experiment's TOML changes its options, or its data change; it
    is not one of these any more. Where none is on the data that are here now, or there are none,
    those on the same data as the last one count. Of lines with the same cell, as a merge of two
    files may leave them, the last one counts: a seed is one sample.

    Returns `kept`, these; `left_out`, of these cells' options, but on other data, and no such cell
    is kept; `outdated`, those of the first that are not on the data that are here now.
    """
    wanted = {frozenset(cell.labels.items()): cell for cell in cells}
    # By what was trained and tested on: the last fingerprint; whether a cell is on the data here.
    found, seen, last, here_too = [], {}, {}, set()
    for record in records:
        cell = wanted.get(frozenset(record["labels"].items()))
        if cell is None or cell.setting != digest(record["config"], seed=False):
            continue
        config = replace(cell.config, train=replace(cell.config.train, seed=record["seed"]))
        (trained, tested), own, now = _images(config), of_record(record), here(config, seen)
        last[trained], last[tested] = own.train, own.test or last.get(tested)
        if now.train is not None and own.agrees(now):
            here_too.add(tested)
        found.append((record, own, now, trained, tested))
    kept, left_out, outdated = {}, {}, []
    for record, own, now, trained, tested in found:
        key = frozenset(record["labels"].items()), record["seed"]
        data = now if tested in here_too else Fingerprint(last[trained], last[tested])
        (kept if own.agrees(data) else left_out)[key] = record
        if own.agrees(data) and not own.agrees(now):
            outdated.append(record)
    return [*kept.values()], [left_out[key] for key in left_out if key not in kept], outdated


def _images(config: Config) -> tuple[tuple, tuple]:
    """What decides, beside the files, which images a cell trains on, and which it is tested on."""
    data = config.data
    frames = config.time_steps if source(data.name).events else None
    tested = data.name, data.dir, data.frames, frames
    drawn = config.train.seed if data.validation or data.samples else None
    return (*tested, data.validation, data.samples, drawn), tested
