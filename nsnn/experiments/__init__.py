"""The papers' tables and figures: TOML files, the runner of their cells, tables and pictures.

Here is what an experiment consists of; `nsnn.experiments.spec` reads it from TOML.
"""

from dataclasses import dataclass

from nsnn.errors import UserError
from nsnn.text import nearest

Label = str | int | float


@dataclass(frozen=True)
class TableSpec:
    """What the table's rows and columns are; an entry is the mean over all seeds."""

    rows: tuple[str, ...]  # labels
    columns: tuple[str, ...] = ()
    metric: str = "test_accuracy"  # a measure


@dataclass(frozen=True)
class FigureSpec:
    """What the figure draws."""

    # A label; curves: "epoch"; neurons: "neuron"; tradeoff: in what the points of a line differ.
    x: str
    y: str  # a measure; neurons: "importance"
    series: tuple[str, ...]  # labels that tell the lines of a panel apart
    kind: str = "lines"  # one of `charts.KINDS`
    panels: str = ""  # label that tells the panels apart; empty: one panel
    cost: str = ""  # tradeoff: the measure on the horizontal axis
    bars: str = ""  # lines: a measure drawn as bars behind them, on an axis of its own


@dataclass(frozen=True)
class PaperValue:
    """A number that the paper prints, in `unit`."""

    labels: dict[str, Label]
    value: float
    metric: str = "test_accuracy"
    unit: str = "%"
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """Cells that differ in their seeds."""

    labels: dict[str, Label]
    options: dict[str, object]  # by "table.key"
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """One size of an experiment."""

    entries: tuple[Entry, ...]
    note: str  # printed beside our numbers


@dataclass(frozen=True)
class Experiment:
    """A table or figure of a paper: its cells in several sizes, and what the paper says."""

    id: str  # names the folders of its cells and results
    given: str  # how the command line calls it: the id, or the path of a user's TOML file
    title: str
    source: str
    axes: dict[str, str]  # label to the option that it sets, as "table.key"
    profiles: dict[str, Profile]
    table: TableSpec
    figure: FigureSpec
    paper: tuple[PaperValue, ...] = ()
    needs: tuple[str, ...] = ()  # keys of records: a cell of an older nsnn without is trained anew

    def profile(self, name: str) -> Profile:
        """The profile of that name, or UserError."""
        if name not in self.profiles:
            hint = nearest(name, self.profiles)
            raise UserError(f"--profile {name}: {self.id} has no such profile; {hint}")
        return self.profiles[name]
