"""What an experiment is: one TOML file, read into frozen dataclasses.

A file of `nsnn/experiments/toml/`, here cut short:

    title = "Test accuracy of five methods at four sparsities"
    source = "NDSNN Table I"

    [axes]                      # what cells differ in, and the option that each label sets
    data = "data.name"
    method = "method.name"
    sparsity = "method.final_sparsity"

    [table]
    rows = ["data", "method"]
    columns = ["sparsity"]

    [figure]
    x = "sparsity"
    y = "test_accuracy"
    series = ["method"]
    panels = "data"

    [[paper]]                   # what the paper prints: labels, then one value for each sparsity
    labels = ["data", "method"]
    across.sparsity = [0.98, 0.99]
    rows = [["cifar10", "ndsnn", 89.62, 88.13]]

    [profiles.small]
    seeds = [0]
    config.train.epochs = 10    # of every cell
    [[profiles.small.grids]]    # every combination is a cell; grids may overlap
    data = "mnist"
    method = ["dense", "ndsnn"]
    sparsity = [0.98, 0.99]
    seeds = [0, 1]              # instead of the profile's
    [[profiles.small.when]]     # for cells with these labels; later ones win
    method = "ndsnn"
    config.optim.lr = 0.2

A profile with `like = "ndsnn-table1"` starts from the config and the rules (`when`) of that
experiment's profile of the same name, so that experiments which share cells agree about them.
"""

import tomllib
from dataclasses import MISSING, fields
from pathlib import Path

from nsnn.errors import UserError
from nsnn.experiments.checks import check_keys, known_label, typed
from nsnn.experiments.schema import (
    Cell,
    Experiment,
    FigureSpec,
    Grid,
    Label,
    PaperValue,
    Profile,
    TableSpec,
    When,
    nearest,
)
from nsnn.training.config import TABLES

__all__ = [
    "Cell",
    "Experiment",
    "FigureSpec",
    "Grid",
    "Label",
    "PaperValue",
    "Profile",
    "TableSpec",
    "When",
    "identifiers",
    "load",
    "parse",
]

FOLDER = Path(__file__).parent / "toml"


def identifiers() -> list[str]:
    """The experiments that come with nsnn, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name) -> Experiment:
    """Read an experiment.

    Parameters
    ----------
    name : str
        An id such as "ndsnn-table1", or the path of a TOML file of your own.

    Raises
    ------
    UserError
        In one line: no such experiment, an unknown key (naming the nearest), a wrong type, a file
        with the name of an experiment that comes with nsnn.
    """
    path = Path(name)
    if path.suffix != ".toml":
        path = _shipped(name)
    content = _read(path)
    own = path.resolve().parent != FOLDER.resolve()
    if own and path.stem in identifiers():
        raise UserError(
            f"{path}: {path.stem} comes with nsnn, and the two would share their folders: rename "
            f"the file, or say {path.stem} to mean that experiment"
        )
    return parse(path.stem, content, path.name, str(path) if own else path.stem)


def parse(name: str, content: dict, source: str, given: str = "") -> Experiment:
    """The experiment in the content of a TOML file, which messages call `source`.

    `given` is how the command line calls the experiment, the default its id, `name`.
    """
    known = ("title", "source", "axes", "profiles", "table", "figure", "paper")
    check_keys(content, known, source, required=known[:-1])
    axes = _axes(content["axes"], source)
    table = _dataclass(TableSpec, content["table"], f"{source}: table")
    figure = _dataclass(FigureSpec, content["figure"], f"{source}: figure")
    kinds = ("lines", "curves", "bars", "tradeoff")
    if figure.kind not in kinds:
        raise UserError(f"{source}: figure.kind = {figure.kind!r}: use one of {', '.join(kinds)}")
    for label in (*table.rows, *table.columns, *figure.series, *filter(None, [figure.panels])):
        known_label(label, axes, source)
    profiles = typed(content["profiles"], dict, f"{source}: profiles")
    paper = typed(content.get("paper", []), list, f"{source}: paper")
    return Experiment(
        name,
        given or name,
        typed(content["title"], str, f"{source}: title"),
        typed(content["source"], str, f"{source}: source"),
        axes,
        {key: _profile(key, value, axes, source) for key, value in profiles.items()},
        table,
        figure,
        tuple(value for block in paper for value in _paper_values(block, axes, source)),
    )


def _shipped(name: str) -> Path:
    """The file of an experiment that comes with nsnn."""
    if name not in identifiers():
        raise UserError(f"experiment {name}: there is none; {nearest(name, identifiers())}")
    return FOLDER / f"{name}.toml"


def _read(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _profile(name: str, content, axes: dict, source: str) -> Profile:
    where = f"{source}: profiles.{name}"
    known = ("like", "seeds", "config", "grids", "when", "note")
    check_keys(content, known, where, required=("seeds", "grids"))
    config, rules = {}, ()
    if "like" in content:
        config, rules = _like(typed(content["like"], str, f"{where}.like"), name, axes, where)
    seeds = _seeds(content["seeds"], f"{where}.seeds")
    grids = []
    if content["grids"] == []:
        raise UserError(f"{where}.grids: there is none, so no cell to train")
    for block in typed(content["grids"], list, f"{where}.grids"):
        labels = _labels(block, axes, f"{where}.grids", ("seeds",))
        own = _seeds(block["seeds"], f"{where}.grids.seeds") if "seeds" in block else seeds
        grids.append(Grid(labels, own))
    return Profile(
        name,
        seeds,
        config | _options(content.get("config", {}), f"{where}.config"),
        tuple(grids),
        (*rules, *_rules(content.get("when", []), axes, f"{where}.when")),
        typed(content.get("note", ""), str, f"{where}.note"),
    )


def _like(other: str, name: str, axes: dict, where: str) -> tuple[dict, tuple[When, ...]]:
    """Config and rules of another experiment's profile, which has no `like` of its own."""
    path = _shipped(other)
    content = _read(path)
    theirs = content["profiles"].get(name)
    if theirs is None or "like" in theirs:
        raise UserError(f"{where}.like: {other} has no profile {name} of its own to start from")
    for label, target in content["axes"].items():
        if axes.get(label) != target:
            raise UserError(
                f"{where}.like: {other} has rules for {label} = {target!r}: add it to [axes]"
            )
    there = f"{path.name}: profiles.{name}"
    config = _options(theirs.get("config", {}), f"{there}.config")
    return config, _rules(theirs.get("when", []), axes, f"{there}.when")


def _rules(blocks, axes: dict, where: str) -> tuple[When, ...]:
    rules = []
    for block in typed(blocks, list, where):
        labels = _labels(block, axes, where, ("config",))
        rules.append(When(labels, _options(block.get("config", {}), f"{where}.config")))
    return tuple(rules)


def _paper_values(block, axes: dict, source: str) -> list[PaperValue]:
    """The values of one [[paper]] block, whose rows are as the paper prints them."""
    where = f"{source}: paper"
    known = ("labels", "across", "rows", "metric", "unit", "note")
    check_keys(block, known, where, required=("labels", "rows"))
    names = typed(block["labels"], list, f"{where}.labels")
    across = typed(block.get("across", {}), dict, f"{where}.across")
    if len(across) > 1:
        raise UserError(f"{where}.across: one label at most, got {', '.join(across)}")
    for label in (*names, *across):
        known_label(label, axes, where)
    columns = [
        {label: value}
        for label, values in across.items()
        for value in typed(values, list, f"{where}.across.{label}")
    ] or [{}]
    texts = {
        key: typed(block[key], str, f"{where}.{key}")
        for key in ("metric", "unit", "note")
        if key in block
    }
    values = []
    for row in typed(block["rows"], list, f"{where}.rows"):
        if len(typed(row, list, f"{where}.rows")) != len(names) + len(columns):
            raise UserError(
                f"{where}: row {row} has {len(row)} entries, expected {len(names)} labels and "
                f"{len(columns)} values"
            )
        labels = dict(zip(names, row, strict=False))
        for column, value in zip(columns, row[len(names) :], strict=True):
            if type(value) not in (int, float):
                raise UserError(f"{where}: row {row}: expected a number, got {value!r}")
            values.append(PaperValue(labels | column, float(value), **texts))
    return values


def _labels(block, axes: dict, where: str, reserved) -> dict[str, tuple]:
    """The labels of a grid or rule, each with all its values."""
    check_keys(block, (*axes, *reserved), where)
    labels = {}
    for label, value in block.items():
        if label not in reserved:
            values = value if isinstance(value, list) else [value]
            if not values:
                raise UserError(f"{where}.{label}: the list is empty, give a value or more")
            for v in values:
                if isinstance(v, bool) or not isinstance(v, str | int | float):
                    raise UserError(f"{where}.{label}: expected text or a number, got {v!r}")
                # Run folders are named after labels.
                if isinstance(v, str) and ("/" in v or not v.isprintable()):
                    raise UserError(f"{where}.{label}: {v!r} cannot name a folder")
            labels[label] = tuple(values)
    return labels


def _options(config, where: str) -> dict[str, object]:
    """The options of nested tables by "table.key"; their values are checked with the whole cell."""
    check_keys(config, tuple(TABLES), where)
    found = {}
    for table, content in config.items():
        for key, value in typed(content, dict, f"{where}.{table}").items():
            if not isinstance(value, bool | int | float | str):
                raise UserError(
                    f"{where}.{table}.{key}: expected text, a number, true or false, got {value!r}"
                )
            found[f"{table}.{key}"] = value
    return found


def _seeds(value, where: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not value or not all(type(v) is int for v in value):
        raise UserError(f"{where}: expected a list of whole numbers, got {value!r}")
    return tuple(value)


def _dataclass(kind, content, where: str):
    """A dataclass of texts and tuples of texts."""
    required = [f.name for f in fields(kind) if f.default is MISSING]
    check_keys(content, [f.name for f in fields(kind)], where, required)
    values = {}
    for f in fields(kind):
        if f.name in content:
            wanted = str if f.type is str else list
            value = typed(content[f.name], wanted, f"{where}.{f.name}")
            values[f.name] = value if wanted is str else tuple(value)
    return kind(**values)


def _axes(axes, source: str) -> dict[str, str]:
    for label, target in typed(axes, dict, f"{source}: axes").items():
        if label in ("seed", "seeds", "config"):
            raise UserError(f"{source}: axes.{label}: the name is taken, choose another")
        table, dot, key = typed(target, str, f"{source}: axes.{label}").partition(".")
        if table not in TABLES or not (dot and key):
            raise UserError(
                f"{source}: axes.{label} = {target!r}: write table.key, such as "
                "method.final_sparsity"
            )
    return axes
