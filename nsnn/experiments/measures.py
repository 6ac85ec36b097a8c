"""What is measured of finished cells, relative to the dense and the LTH cell, over the seeds."""

import statistics
from dataclasses import dataclass, field
from typing import NamedTuple

from nsnn import metrics
from nsnn.errors import UserError
from nsnn.experiments import PaperValue
from nsnn.experiments.cells import rank
from nsnn.methods import DENSE, REFERENCES
from nsnn.operations import total_work
from nsnn.training.run_folder import COMPARABLE

# Within an experiment its author decides about these; cells of two experiments have to agree in
# them too, or sums over the training and accuracies could not be compared.
_SETTING = (
    "train.epochs", "train.loss", "data.batch", "data.augment", "data.validation", "neuron.preset",
    "data_fingerprint",
)  # fmt: skip


@dataclass(frozen=True)
class Quantity:
    """How a measure is written."""

    heading: str
    unit: str
    scale: float = 1.0  # factor from the value of a record to `unit`
    digits: int = 2  # after the decimal point

    def __str__(self) -> str:
        return f"{self.heading} ({self.unit})"


_MIB = 1 / (1 << 20)

# By the key of a record; those that records lack are computed here.
QUANTITIES = {
    "test_accuracy": Quantity("test accuracy", "%", 100.0),
    "validation_accuracy": Quantity("validation accuracy", "%", 100.0),
    "accuracy_change": Quantity("test accuracy minus dense", "points", 100.0),
    "density_asked": Quantity("density asked", "%", 100.0),
    "density": Quantity("density reached", "%", 100.0),
    "active_weights": Quantity("connections", "thousand", 1e-3, 1),
    "spike_rate": Quantity("spike rate", "spikes/neuron/step", 1.0, 4),
    "relative_cost": Quantity("cost / dense", "%", 100.0, 1),
    "cost_to_lth": Quantity("cost / LTH", "%", 100.0, 1),
    "useful_to_dense": Quantity("useful work / dense", "%", 100.0, 1),
    "executed_to_dense": Quantity("executed work / dense", "%", 100.0, 1),
    "operations_to_dense": Quantity("synaptic operations / dense", "%", 100.0, 1),
    "seconds_to_dense": Quantity("wall time / dense", "%", 100.0, 1),
    "cpu_seconds_to_dense": Quantity("CPU time / dense", "%", 100.0, 1),
    "bytes_held_peak": Quantity("memory held, peak", "MiB", _MIB),
    "bytes_held": Quantity("memory held, end", "MiB", _MIB),
    "bytes_formula": Quantity("memory by formula, end", "MiB", _MIB),
    "inference_operations": Quantity("synaptic operations / inference", "thousand", 1e-3, 1),
    "multiply_adds": Quantity("multiply-adds / inference", "thousand", 1e-3, 1),
    "energy": Quantity("energy counted / inference", "µJ", 1e6, 3),
    "energy_gpu": Quantity("energy on a GPU by connections", "µJ", 1e6, 2),
    "energy_truenorth": Quantity("energy on TrueNorth by connections", "µJ", 1e6, 2),
    "undecided": Quantity("test samples without an answer", "samples", 1.0, 1),
    "seconds": Quantity("wall time", "min", 1 / 60, 1),
    "cpu_seconds": Quantity("CPU time", "min", 1 / 60, 1),
}


class Spread(NamedTuple):
    """Mean and sample standard deviation (n - 1; None for a single value) of n values."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Group:
    """The cells of a table's entry, which share all labels."""

    labels: dict
    planned: int  # cells of the profile, finished or not
    cells: tuple[dict, ...] = ()  # of `measure`, by seed; with --seeds maybe more than planned
    paper: dict[str, PaperValue] = field(default_factory=dict)  # by metric

    def pick(self, labels) -> tuple:
        """The values of these labels, None where the group has no such label."""
        return tuple(self.labels.get(label) for label in labels)

    def spread(self, key: str) -> Spread | None:
        """Mean and spread of a measure over the cells that have it, in the unit of the table."""
        values = [cell[key] for cell in self.cells if cell.get(key) is not None]
        if not values:
            return None
        scale, n = QUANTITIES[key].scale, len(values)
        sd = statistics.stdev(values) * scale if n > 1 else None
        return Spread(statistics.fmean(values) * scale, sd, n)

    def printed(self, key: str) -> float | None:
        """What the paper prints for a measure, in the unit of the table."""
        if found := self.paper.get(key):
            return found.value * (QUANTITIES[key].scale if found.unit == "fraction" else 1.0)
        return None


def group(planned, measured: list[dict], paper=()) -> list[Group]:
    """One group for each combination of labels among the `planned` cells, by `cells.rank`.

    A value of the paper belongs to a group that has all its labels, with the same values.
    """
    order = {}
    for cell in planned:
        order.setdefault(frozenset(cell.labels.items()), []).append(cell.labels)
    groups = []
    for labels, *more in order.values():
        cells = [record for record in measured if record["labels"] == labels]
        cells.sort(key=lambda record: record["seed"])
        printed = {p.metric: p for p in paper if p.labels.items() <= labels.items()}
        groups.append(Group(labels, 1 + len(more), tuple(cells), printed))
    names = list(dict.fromkeys(name for each in groups for name in each.labels))
    return sorted(groups, key=lambda each: [rank(value) for value in each.pick(names)])


def measure(records: list[dict], others=()) -> list[dict]:
    """Finished cells with all that is relative to the dense and the LTH cell.

    Each record has, besides, its "partners" (the records of `REFERENCES`, None where there is
    none), and "reasons" why a measure is None. In `others`, cells of other experiments, partners
    are looked for where `records` has none.
    """
    return [record | _relative(record, records, others) for record in records]


def training_cost(record: dict, dense: dict | None) -> tuple[float | None, str]:
    """Training cost of a cell relative to a dense one and "", or None and why there is none.

    Source: NDSNN IV-C. ``mean_i R_s,i·d_i/R_d,i`` over the epochs i, of the spike rates R (spikes
    per neuron and time step) and the mean density d over the steps of the epoch.
    """
    if dense is None:
        return None, "no dense cell of the same data, model and time steps is finished"
    own, other = record["per_epoch"], dense["per_epoch"]
    epochs = len(own["spike_rate"])
    if len(other["spike_rate"]) != epochs:
        return None, f"{epochs} epochs against {len(other['spike_rate'])} of the dense cell"
    if not all(other["spike_rate"]):
        return None, "an epoch of the dense cell has no spike"
    costs = map(metrics.relative_cost, own["spike_rate"], own["mean_density"], other["spike_rate"])
    return sum(costs) / epochs, ""


def epochs_of_equal_work(record: dict, budget: float) -> int:
    """In how many epochs the method of a finished cell does so much useful work in all.

    Work is in proportion to the epochs, but for growth where `method.update_every` is 0: the method
    then has as many rounds in a run of any length. Raises UserError where no whole number of epochs
    comes within 3 % of the budget, or the cell is of an older nsnn, which did not count.
    """
    work, done = record.get("work_training"), record["epochs"]
    name = f"the cell {record['labels']}"
    if not work:
        raise UserError(f"{name} has no count of its work: train it anew")
    same_rounds = record["config"].get("method.update_every") == 0
    growth = work.get("useful/growth", 0) if same_rounds else 0
    each = (total_work(work, "useful") - growth) / done
    epochs = max(1, round((budget - growth) / each))
    reached = (growth + epochs * each) / budget
    if abs(reached - 1) > 0.03:
        wrong = f"no whole number of epochs comes within 3% of a useful work of {budget:.3g}"
        mend = "choose another budget, such as that of a longer run"
        raise UserError(f"{name}: {wrong}, the nearest, {epochs}, is {reached:.2f} of it: {mend}")
    return epochs


def partner(record: dict, method: str, records: list[dict], others=()) -> dict | None:
    """The cell of another method to compare with; the cell itself if it is of that method.

    One of the same data, model and time steps, of another method than dense with the same final
    sparsity; one of `others` only where `records` has none, of the same epochs, loss, batch,
    augmentation, validation split, neuron and training images too. Of several one with as many
    epochs, of those one with the same learning rate, of those the one of the same seed, else the
    one with the smallest seed; then the one with the smallest digest.
    """
    if record["method"] == method:
        return record
    same = COMPARABLE if method == DENSE else (*COMPARABLE, "method.final_sparsity")

    def distance(other: dict) -> tuple:
        differs = (not _agree(record, other, [key]) for key in ("epochs", "optim.lr", "seed"))
        return *differs, other["seed"], other["digest"]

    for pool, keys in ((records, same), (others, (*same, *_SETTING))):
        found = [other for other in pool if other["method"] == method]
        found = [other for other in found if _agree(record, other, keys)]
        if found:
            return min(found, key=distance)
    return None


def _agree(record: dict, other: dict, keys) -> bool:
    """Whether two records are equal in these keys, of their own or of their options."""
    one, two = ([r["config"].get(key, r.get(key)) for key in keys] for r in (record, other))
    return one == two


def _relative(record: dict, records: list[dict], others) -> dict:
    partners = {method: partner(record, method, records, others) for method in REFERENCES}
    dense, lth = (partners[method] for method in REFERENCES)
    cost, reason = training_cost(record, dense)
    reasons = [f"cost / dense: {reason}"] if reason else []
    found = {"partners": partners, "reasons": reasons, "relative_cost": cost}
    if lth is not None:
        its_cost, reason = training_cost(lth, partner(lth, DENSE, records, others))
        found["cost_to_lth"] = _ratio(cost, its_cost)
        reasons += [f"cost / LTH: of the LTH cell, {reason}"] if reason else []
    elif record["method"] != DENSE:
        reasons.append("cost / LTH: no LTH cell at the same sparsity is finished")
    if dense is not None:
        its = _costs(dense)
        found |= {f"{k}_to_dense": _ratio(value, its[k]) for k, value in _costs(record).items()}
        found["accuracy_change"] = record["test_accuracy"] - dense["test_accuracy"]
    return found


def _costs(record: dict) -> dict:
    """What is compared with the dense cell; None in records of an older nsnn that lack it."""
    work = record.get("work_training") or {}
    return {
        "useful": total_work(work, "useful") or None,
        "executed": total_work(work, "executed") or None,
        # Without the products with pixels.
        "operations": (record.get("synaptic_operations_training") or {}).get("total"),
        "seconds": record["seconds"],
        "cpu_seconds": record.get("cpu_seconds"),
    }


def _ratio(value: float | None, other: float | None) -> float | None:
    return value / other if value is not None and other else None
