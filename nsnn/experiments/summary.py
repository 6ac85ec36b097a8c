"""Cells that differ only in their seed, taken together: mean ± standard deviation (n)."""

import statistics
from dataclasses import dataclass

from nsnn.experiments.measures import QUANTITIES, Measured
from nsnn.experiments.names import rank
from nsnn.experiments.spec import PaperValue


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation of n values.

    Attributes
    ----------
    mean : float
    sd : float or None
        With n - 1 in the denominator; None for a single value.
    n : int
    """

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Group:
    """The cells of a table's entry, which share all labels.

    Attributes
    ----------
    labels : dict of str to label
    planned : int
        Cells of the profile, finished or not.
    cells : tuple of Measured
        The finished ones, by seed; with `--seeds` they may be more than planned.
    paper : dict of str to PaperValue
        What the paper prints, by metric.
    """

    labels: dict
    planned: int
    cells: tuple[Measured, ...] = ()
    paper: dict[str, PaperValue] | None = None

    def spread(self, key: str) -> Spread | None:
        """Mean and spread of a measure over the cells that have it, in the unit of records."""
        return spread([cell.values[key] for cell in self.cells if cell.values[key] is not None])

    def printed(self, key: str) -> PaperValue | None:
        """What the paper prints for a measure, as it prints it."""
        return (self.paper or {}).get(key)

    def printed_value(self, key: str) -> float | None:
        """The same in the unit of the table's column."""
        printed = self.printed(key)
        if printed is None:
            return None
        return printed.value * (QUANTITIES[key].scale if printed.unit == "fraction" else 1.0)


def spread(values) -> Spread | None:
    """Mean and sample standard deviation; None without values.

    Examples
    --------
    >>> spread([1.0, 3.0])
    Spread(mean=2.0, sd=1.4142135623730951, n=2)
    >>> spread([5.0])
    Spread(mean=5.0, sd=None, n=1)
    """
    values = list(values)
    if not values:
        return None
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Spread(statistics.fmean(values), sd, len(values))


def group(planned, measured: list[Measured], paper=()) -> list[Group]:
    """One group for each combination of labels, in the order of `names.rank`.

    The profile's own order says only what is trained first.

    Parameters
    ----------
    planned : sequence of Cell
        All cells of the profile.
    measured : list of Measured
        The finished ones.
    paper : sequence of PaperValue
        A value belongs to a group that has all its labels, with the same values.
    """
    order = {}
    for cell in planned:
        labels, count = order.get(_key(cell.labels), (cell.labels, 0))
        order[_key(cell.labels)] = (labels, count + 1)
    groups = []
    for key, (labels, count) in order.items():
        cells = sorted((m for m in measured if _key(m.labels) == key), key=lambda m: m.seed)
        printed = {p.metric: p for p in paper if p.labels.items() <= labels.items()}
        groups.append(Group(labels, count, tuple(cells), printed))
    names = list(dict.fromkeys(name for each in groups for name in each.labels))
    return sorted(groups, key=lambda each: [rank(each.labels.get(name)) for name in names])


def _key(labels: dict) -> frozenset:
    return frozenset(labels.items())
