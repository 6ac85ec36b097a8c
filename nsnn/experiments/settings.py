"""The facts printed under a table: what its cells have in common, and in what they differ."""

import itertools
from collections import Counter

from nsnn.experiments.spec import Experiment

# Of every cell, in the order in which they are named.
_SHARED = (
    "model.name",
    "model.width",
    "neuron.preset",
    "neuron.time_steps",
    "data.augment",
    "data.validation",
    "data.batch",
    "train.epochs",
    "train.loss",
    "optim.name",
    "optim.lr",
    "optim.schedule",
    "optim.momentum",
    "optim.weight_decay",
)
_VERSIONS = ("nsnn", "numpy", "numba", "python")


def setting_lines(experiment: Experiment, records: list[dict]) -> list[str]:
    """The configuration of the finished cells: what they share, then each method's own options.

    Those of a method that are labels of an experiment have a value also where a cell has no such
    label.

    Parameters
    ----------
    experiment : Experiment
    records : list of dict
        With "config", "labels", "method".
    """
    axes = set(experiment.axes.values())
    shared = [f"{key} = {varying(records, key)}" for key in _SHARED if key not in axes]
    lines = [f"Every cell: {', '.join(shared)}."]
    for method in dict.fromkeys(record["method"] for record in records):
        own = [record for record in records if record["method"] == method]
        keys = dict.fromkeys(key for record in own for key in record["config"])
        options = [
            f"{key.removeprefix('method.')} = {varying(own, key)}"
            for key in keys
            if key.startswith("method.") and key != "method.name" and key not in axes
        ]
        if options:
            lines.append(f"`{method}`: {', '.join(options)}.")
        silent = [
            f"{label} = {varying(without, key)}"
            for label, key in experiment.axes.items()
            if (without := [r for r in own if label not in r["labels"] and key in r["config"]])
        ]
        if silent:
            lines.append(f"`{method}`, where a table has –: {', '.join(silent)}.")
    return lines


def varying(records: list[dict], key: str) -> str:
    """An option's value, or its values and the labels that they go with.

    Examples
    --------
    >>> cells = [{"labels": {"data": name}, "config": {"train.epochs": n}}
    ...          for name, n in (("mnist", 10), ("cifar10", 30), ("mnist", 10))]
    >>> varying(cells, "train.epochs")
    '10 (mnist), 30 (cifar10)'
    """
    values = list(dict.fromkeys(record["config"].get(key) for record in records))
    if len(values) == 1:
        return str(values[0])
    labels = list(dict.fromkeys(label for record in records for label in record["labels"]))
    pairs = itertools.combinations(labels, 2)
    for chosen in (*((label,) for label in labels), *pairs):
        found = {}
        for record in records:
            where = tuple(record["labels"].get(label) for label in chosen)
            found.setdefault(where, set()).add(record["config"].get(key))
        if all(len(each) == 1 for each in found.values()):
            return ", ".join(
                f"{value} ({'; '.join(_words(w) for w, each in found.items() if value in each)})"
                for value in values
            )
    return " or ".join(map(str, values))


def environment_line(records: list[dict]) -> str:
    """On what machines and with what versions the cells were trained."""
    found = []
    for record in records:
        e = record["environment"]
        cores, threads = _number(e["cores"], "core"), _number(e["threads"], "thread")
        versions = ", ".join(f"{name} {e[name]}" for name in _VERSIONS)
        found.append(f"{e['processor']}, {cores}, {threads} a cell; {versions}")
    different = list(dict.fromkeys(found))
    if len(different) == 1:
        return different[0]
    return " | ".join(f"{text} ({found.count(text)} cells)" for text in different)


def data_line(records: list[dict]) -> str:
    """On what the cells were trained: a data set that came in two versions has two checksums.

    The official CIFAR-10 and a copy of other pixels bear the same name, and a validation split
    takes images away.
    """
    found = {}
    for record in records:
        counts = found.setdefault(record["data"], Counter())
        counts[record["data_fingerprint"]] += 1
    return "; ".join(f"{name} {' and '.join(_counted(counts))}" for name, counts in found.items())


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _counted(counts: Counter) -> list[str]:
    """Each checksum; where they differ, with how many cells have it."""
    if len(counts) == 1:
        return list(counts)
    return [f"{value} ({count}×)" for value, count in counts.items()]


def _words(values: tuple) -> str:
    return " ".join(str(value) for value in values if value is not None)
