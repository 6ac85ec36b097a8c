"""What is measured of a finished cell, on its own and relative to the dense and the LTH cell."""

from dataclasses import dataclass, field

from nsnn import metrics
from nsnn.training.run_folder import COMPARABLE

_SPARSITY = "method.final_sparsity"
# Within an experiment its author decides about these; cells of two experiments have to agree in
# them too, or sums over the training and accuracies could not be compared.
_SETTING = (
    "train.epochs",
    "train.loss",
    "data.batch",
    "data.augment",
    "data.validation",
    "neuron.preset",
)


@dataclass(frozen=True)
class Quantity:
    """How a measure is written.

    Attributes
    ----------
    heading, unit : str
    scale : float
        Factor from the value of a record to `unit`.
    digits : int
        After the decimal point.
    """

    heading: str
    unit: str
    scale: float = 1.0
    digits: int = 2


_MIB = 1 / (1 << 20)

# By the key of a record; those that records lack are computed here.
QUANTITIES = {
    "test_accuracy": Quantity("test accuracy", "%", 100.0),
    "validation_accuracy": Quantity("validation accuracy", "%", 100.0),
    "accuracy_change": Quantity("test accuracy minus dense", "points", 100.0),
    "density_asked": Quantity("density asked", "%", 100.0),
    "density": Quantity("density reached", "%", 100.0),
    "spike_rate": Quantity("spike rate", "spikes/neuron/step", 1.0, 4),
    "relative_cost": Quantity("cost / dense", "%", 100.0, 1),
    "cost_to_lth": Quantity("cost / LTH", "%", 100.0, 1),
    "operations_to_dense": Quantity("synaptic operations / dense", "%", 100.0, 1),
    "seconds_to_dense": Quantity("wall time / dense", "%", 100.0, 1),
    "cpu_seconds_to_dense": Quantity("CPU time / dense", "%", 100.0, 1),
    "bytes_held_peak": Quantity("memory held, peak", "MiB", _MIB),
    "bytes_held": Quantity("memory held, end", "MiB", _MIB),
    "bytes_formula": Quantity("memory by formula, end", "MiB", _MIB),
    "seconds": Quantity("wall time", "min", 1 / 60, 1),
    "cpu_seconds": Quantity("CPU time", "min", 1 / 60, 1),
}


@dataclass(frozen=True)
class Partner:
    """A cell to compare with; `elsewhere`: it belongs to another experiment."""

    record: dict
    seed: int
    elsewhere: bool


@dataclass(frozen=True)
class Measured:
    """A finished cell with its measures.

    Attributes
    ----------
    labels : dict of str to label
    seed : int
    values : dict of str to float or None
        By the keys of `QUANTITIES`, in the unit of the records; None where there is none.
    dense, lth : Partner or None
        The cells that it is compared with.
    reasons : tuple of str
        Why a value is None.
    record : dict
    """

    labels: dict
    seed: int
    values: dict
    dense: Partner | None
    lth: Partner | None
    reasons: tuple[str, ...] = ()
    record: dict = field(default_factory=dict, repr=False)


def measure(records: list[dict], others=()) -> list[Measured]:
    """The measures of finished cells.

    Parameters
    ----------
    records : list of dict
        As `results.current` returns them.
    others : sequence of dict
        Cells of other experiments, to compare with where `records` has none.

    Notes
    -----
    A cell is compared with the dense cell of the same data, model and time steps, and with the
    LTH cell that has the same final sparsity as well; one of another experiment needs the same
    epochs, loss, batch, augmentation, validation split, neuron and training images too. See
    `partner` for which of several.
    """
    return [_measure(record, records, others) for record in records]


def training_cost(record: dict, dense: dict | None) -> tuple[float | None, str]:
    """Training cost of a cell relative to a dense one, or why there is none.

    Parameters
    ----------
    record, dense : dict
        With "per_epoch": "spike_rate" (spikes per neuron and time step) and "mean_density" (mean
        over the steps of the epoch), lists with an entry for each epoch.

    Returns
    -------
    cost : float or None
    reason : str

    Notes
    -----
    Source: NDSNN IV-C. ``mean_i R_s,i·d_i/R_d,i`` over the epochs i.
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


def partner(record: dict, method: str, records: list[dict], others=()) -> Partner | None:
    """The cell of another method to compare with.

    The cell itself if it is of that method. Else one of `records` if there is one, else of
    `others`; of those one with as many epochs, of those one with the same learning rate, of those
    the one of the same seed, else the one with the smallest seed; of several that the method's
    other options tell apart, the one with the smallest digest.

    Parameters
    ----------
    record : dict
    method : str
        "dense", or one whose cell must have the same final sparsity.
    records, others : sequence of dict
        Of `others` only those in the same setting and of the same pixels, see `measure`.
    """
    if record["method"] == method:
        return Partner(record, record["seed"], False)
    same = COMPARABLE if method == "dense" else (*COMPARABLE, _SPARSITY)
    found = [
        Partner(other, other["seed"], elsewhere)
        for pool, elsewhere, keys in ((records, False, same), (others, True, (*same, *_SETTING)))
        for other in pool
        if other["method"] == method
        and _agree(record, other, keys)
        and not (elsewhere and other["data_fingerprint"] != record["data_fingerprint"])
    ]

    def distance(p: Partner) -> tuple:
        epochs = p.record["epochs"] != record["epochs"]
        lr = not _agree(record, p.record, ["optim.lr"])
        other_seed = p.seed != record["seed"]
        return p.elsewhere, epochs, lr, other_seed, p.seed, p.record["digest"]

    return min(found, key=distance, default=None)


def _agree(record: dict, other: dict, keys) -> bool:
    return all(record["config"].get(key) == other["config"].get(key) for key in keys)


def _measure(record: dict, records: list[dict], others) -> Measured:
    dense, lth = (partner(record, method, records, others) for method in ("dense", "lth"))
    values = {key: record.get(key) for key in QUANTITIES}
    cost, reason = training_cost(record, dense and dense.record)
    reasons = [f"cost / dense: {reason}"] if reason else []
    values["relative_cost"] = cost
    values["cost_to_lth"] = None
    if lth is not None:
        its_dense = partner(lth.record, "dense", records, others)
        its_cost, reason = training_cost(lth.record, its_dense and its_dense.record)
        values["cost_to_lth"] = _ratio(cost, its_cost)
        reasons += [f"cost / LTH: of the LTH cell, {reason}"] if reason else []
    elif record["method"] != "dense":
        reasons.append("cost / LTH: no LTH cell at the same sparsity is finished")
    for key, of in (
        ("operations_to_dense", "synaptic_operations_training"),
        ("seconds_to_dense", "seconds"),
        ("cpu_seconds_to_dense", "cpu_seconds"),
    ):
        values[key] = _ratio(_number(record, of), _number(dense and dense.record, of))
    if dense is not None:
        values["accuracy_change"] = record["test_accuracy"] - dense.record["test_accuracy"]
    return Measured(record["labels"], record["seed"], values, dense, lth, tuple(reasons), record)


def _number(record: dict | None, key: str) -> float | None:
    """A number of a record; of synaptic operations the total, without those of pixels."""
    value = None if record is None else record.get(key)
    return value["total"] if isinstance(value, dict) else value


def _ratio(value: float | None, other: float | None) -> float | None:
    return value / other if value is not None and other else None
