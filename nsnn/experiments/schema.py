"""The frozen dataclasses of an experiment; `nsnn.experiments.spec` reads them from TOML."""

import difflib
from dataclasses import dataclass

from nsnn.errors import UserError

Label = str | int | float


@dataclass(frozen=True)
class TableSpec:
    """Which labels the table's rows and columns are, and what its cells show.

    Attributes
    ----------
    rows, columns : tuple of str
        Labels; a table's entry is the mean over all seeds of the cells that share these.
    metric : str
        A key of the cells' records, or of the measures computed when a table is written.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...] = ()
    metric: str = "test_accuracy"


@dataclass(frozen=True)
class FigureSpec:
    """What the figure draws: "lines" or "bars" over a label, "curves" over epochs, a "tradeoff".

    Attributes
    ----------
    kind : "lines", "curves", "bars" or "tradeoff"
    x : str
        A label, or "epoch" for curves. For a tradeoff, the label in which the points of a line
        differ.
    y : str
        A key of the cells' records.
    series : tuple of str
        Labels that tell the lines of a panel apart.
    panels : str
        Label that tells the panels apart; empty: one panel.
    cost : str
        For a tradeoff: a key as `y`, on the horizontal axis.
    """

    x: str
    y: str
    series: tuple[str, ...]
    kind: str = "lines"
    panels: str = ""
    cost: str = ""


@dataclass(frozen=True)
class PaperValue:
    """A number that the paper prints.

    Attributes
    ----------
    labels : dict of str to label
    value : float
        In `unit`.
    metric, unit, note : str
    """

    labels: dict[str, Label]
    value: float
    metric: str = "test_accuracy"
    unit: str = "%"
    note: str = ""


@dataclass(frozen=True)
class Grid:
    """Every combination of the labels' values, with every seed."""

    labels: dict[str, tuple[Label, ...]]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class When:
    """Options of the cells whose labels are among these."""

    labels: dict[str, tuple[Label, ...]]
    config: dict[str, object]  # by "table.key"


@dataclass(frozen=True)
class Profile:
    """One size of an experiment.

    Attributes
    ----------
    name : str
    seeds : tuple of int
        Of grids that name none.
    config : dict of str to value
        Options of every cell by "table.key".
    grids : tuple of Grid
    when : tuple of When
    note : str
        Printed next to our numbers.
    """

    name: str
    seeds: tuple[int, ...]
    config: dict[str, object]
    grids: tuple[Grid, ...]
    when: tuple[When, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """One training run of an experiment.

    Attributes
    ----------
    labels : dict of str to label
    seed : int
    assignments : dict of str to value
        The whole configuration that differs from the defaults, by "table.key".
    slug : str
        Name of the run's folder, such as "mnist-ndsnn-sparsity0.99-seed0".
    """

    labels: dict[str, Label]
    seed: int
    assignments: dict[str, object]
    slug: str


@dataclass(frozen=True)
class Experiment:
    """A table or figure of a paper: its cells in several sizes, and what the paper says.

    Attributes
    ----------
    id : str
        Names the folders of its cells and results.
    given : str
        How the command line calls it: the id, or the path of a TOML file of the user.
    title, source : str
    axes : dict of str to str
        Label to the option that it sets, as "table.key".
    profiles : dict of str to Profile
    table : TableSpec
    figure : FigureSpec
    paper : tuple of PaperValue
    """

    id: str
    given: str
    title: str
    source: str
    axes: dict[str, str]
    profiles: dict[str, Profile]
    table: TableSpec
    figure: FigureSpec
    paper: tuple[PaperValue, ...] = ()

    def profile(self, name: str) -> Profile:
        """The profile of that name.

        Raises
        ------
        UserError
        """
        if name not in self.profiles:
            raise UserError(
                f"--profile {name}: {self.id} has no such profile; {nearest(name, self.profiles)}"
            )
        return self.profiles[name]


def nearest(name: str, known) -> str:
    """The nearest of the known names, and all of them, for a message."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)
    return f"did you mean {near[0]}? Known: {', '.join(known)}" if near else "none is known"
