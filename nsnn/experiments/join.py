"""Finished cells of several folders, as several machines leave them, become those of one."""

from nsnn.errors import UserError
from nsnn.experiments import Experiment, results
from nsnn.experiments.cells import cells
from nsnn.experiments.fingerprints import current, of_record
from nsnn.files import locked, make_folder

# Equal wherever training was the same; times and memory are not.
_RESULT = ("test_accuracy", "active_weights", "spike_rate")


def join(experiment: Experiment, profile: str, sources, out) -> None:
    """Add the cells of a profile in the folders `sources` to those in `out`, each once.

    Raises UserError, and adds none, for a folder without any, other options, data or results.
    """
    planned, where = cells(experiment, profile), (experiment.id, profile)
    own = current(planned, results.read_cells(out, *where))[0]
    given = [(source, r) for source in sources for r in results.read_cells(source, *where)]
    kept, on_other_data, _ = current(planned, own + [record for _, record in given])
    kept, left_out = ({_name(r): r for r in each} for each in (kept, on_other_data))
    first = {_name(record): (out, record) for record in own}
    if empty := {*sources} - {folder for folder, _ in given}:
        raise UserError(f"--from {min(empty)}: no finished cell of this profile is there")
    for folder, record in given:
        name = _name(record)
        same, (place, before) = kept.get(name), first.setdefault(name, (folder, record))
        if name in left_out or (same and not of_record(record).agrees(of_record(same))):
            why = "is on other data than the others"
        elif same is None or same["digest"] != record["digest"]:
            why = f"has other options than {experiment.id} has now"
        elif any(before.get(key) != record.get(key) for key in _RESULT):
            why = f"has come to another result than in {place}"
        else:
            continue
        raise UserError(f"--from {folder}: the cell {name} {why}: leave it out")
    with locked(make_folder(results.folder(out, *where))):
        for place, record in first.values():
            if place is not out:
                results.append(out, *where, record)


def _name(record: dict) -> str:
    labels = sorted(record["labels"].items())
    return ", ".join(f"{label} {value}" for label, value in (*labels, ("seed", record["seed"])))
