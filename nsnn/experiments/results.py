"""Finished cells: one JSON line each in `<out>/<id>/<profile>/cells.jsonl`."""

import json
import os
from pathlib import Path

from nsnn.errors import RunError, UserError
from nsnn.experiments.expand import cells, configuration, digest, digest_without_seed, options
from nsnn.experiments.spec import Experiment
from nsnn.files import append_line, lines_of
from nsnn.training.config import translated
from nsnn.training.run_folder import make

COMMITTED = Path("tutorials/results")
CELLS = "cells.jsonl"


def default_out(profile: str) -> Path:
    """Where results go without `--out`.

    `tutorials/results` where that folder exists, as in a clone of nsnn, so that they can be
    committed; else `runs/results`. Those of smoke, which say nothing, always go there.
    """
    return COMMITTED if COMMITTED.is_dir() and profile != "smoke" else Path("runs/results")


def folder(out, experiment: str, profile: str) -> Path:
    """The folder of a profile's cells, table and figure."""
    return Path(out) / experiment / profile


def read_cells(out, experiment: str, profile: str) -> list[dict]:
    """All finished cells of a profile, [] without any.

    Each record has the digest of its configuration as of today's defaults (`expand.digest`).

    Raises
    ------
    RunError
        Naming the first line that is damaged.
    """
    return _read(folder(out, experiment, profile) / CELLS)


def check_writable(out, experiment: str, profile: str) -> None:
    """Find out before the training whether its results can be kept; nothing is made.

    Raises
    ------
    RunError
        When the folder, or the nearest above it that exists, is none to write in, or the file of
        the cells is read-only.
    """
    where = folder(out, experiment, profile).absolute()
    place = next(path for path in (where, *where.parents) if path.exists())
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise RunError(f"cannot write in {place}: give another folder with --out")
    path = where / CELLS
    if path.exists() and not os.access(path, os.W_OK):
        raise RunError(f"{path} is read-only: change that, or give another folder with --out")


def append(out, experiment: str, profile: str, record: dict) -> None:
    """Add a finished cell; it is on the disk when this returns.

    Raises
    ------
    RunError
        When the disk is full or refuses.
    """
    append_line(make(folder(out, experiment, profile)) / CELLS, record)


def finished_anywhere(out) -> dict[str, dict]:
    """The cells of all experiments and profiles in `out` and among the committed, by digest."""
    found = {}
    for root in (COMMITTED, Path(out)):
        for path in sorted(root.glob(f"*/*/{CELLS}")):
            found |= {record["digest"]: record for record in _read(path)}
    return found


def current(experiment: Experiment, profile: str, out) -> list[dict]:
    """The finished cells that belong to the profile as it is now, with any seed.

    A cell stays in the file when the experiment's TOML changes its options; it is not one of
    these any more. Of lines with the same cell, as a merge of two files may leave them, the last
    one counts: a seed is one sample.
    """
    wanted = {}
    for cell in cells(experiment, profile):
        labels = frozenset(cell.labels.items())
        wanted[labels] = digest_without_seed(options(configuration(cell, experiment.id)))
    found = {}
    for record in read_cells(out, experiment.id, profile):
        labels = frozenset(record["labels"].items())
        if wanted.get(labels) == digest_without_seed(record["config"]):
            found[labels, record["seed"]] = record
    return list(found.values())


def _read(path: Path) -> list[dict]:
    """The records of a file; a last line without its end, which a kill cut short, is left out."""
    if not path.exists():
        return []
    records = []
    for number, line in enumerate(lines_of(path.read_bytes()), 1):
        try:
            record = json.loads(line, parse_constant=_refuse)
            record["config"] = translated(record["config"])
            record["digest"] = digest(record["config"])
            hash(frozenset(record["labels"].items()))
            records.append({"labels": {**record["labels"]}, "seed": record["seed"]} | record)
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError, UserError):
            raise RunError(
                f"line {number} of {path} is damaged: remove it, its cell is trained anew"
            ) from None
    return records


def _refuse(constant: str):
    """NaN and Infinity are not JSON: nsnn writes none, and a mean over them says nothing."""
    raise ValueError(constant)
