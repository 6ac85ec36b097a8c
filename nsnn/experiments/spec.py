"""Experiments as TOML files, read into the frozen dataclasses of `nsnn.experiments`.

A file of `nsnn/experiments/toml/`, here cut short:

    title = "Test accuracy of five methods at four sparsities"
    source = "NDSNN Table I"
    needs = ["work_training"]   # measures that cells of an older nsnn may lack: trained anew then

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

import itertools
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path

from nsnn.errors import UserError
from nsnn.experiments import Entry, Experiment, FigureSpec, Label, PaperValue, Profile, TableSpec
from nsnn.methods import METHODS
from nsnn.text import nearest
from nsnn.training.config import CHOICES, TABLES
from nsnn.training.config_file import spelt

FOLDER = Path(__file__).parent / "toml"


def identifiers() -> list[str]:
    """The experiments that come with nsnn, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name) -> Experiment:
    """Read an experiment: an id such as "ndsnn-table1", or the path of a TOML file of your own.

    Raises UserError in one line: no such experiment, an unknown key (naming the nearest), a wrong
    type, a file with the name of an experiment that comes with nsnn.
    """
    path = Path(name)
    if path.suffix != ".toml":
        path = _shipped(name)
    content = _toml(path)
    own, name = path.resolve().parent != FOLDER.resolve(), path.stem
    if own and name in identifiers():
        wrong = f"{path}: {name} comes with nsnn, and the two would share their folders"
        raise UserError(f"{wrong}: rename the file, or say {name} to mean that experiment")
    return parse(name, content, path.name, str(path) if own else name)


def parse(name: str, content: dict, source: str, given: str = "") -> Experiment:
    """The experiment in the content of a TOML file, which messages call `source`.

    `given` is how the command line calls the experiment, the default its id, `name`.
    """
    kinds = {"title": str, "source": str, "axes": dict, "table": dict, "figure": dict}
    kinds |= {"profiles": dict, "paper": list, "needs": (str,)}
    found = _table(content, kinds, source, ("paper", "needs"))
    axes = _axes(found["axes"], source)
    table = _dataclass(TableSpec, found["table"], f"{source}: table")
    figure = _dataclass(FigureSpec, found["figure"], f"{source}: figure")
    _known(filter(None, [*table.rows, *table.columns, *figure.series, figure.panels]), axes, source)
    profiles = {key: _profile(key, value, axes, source) for key, value in found["profiles"].items()}
    paper = [value for block in found.get("paper", []) for value in _printed(block, axes, source)]
    found |= {"table": table, "figure": figure, "profiles": profiles, "paper": tuple(paper)}
    return Experiment(name, given or name, **found)


def _shipped(name: str) -> Path:
    if name not in identifiers():
        raise UserError(f"experiment {name}: there is none; {nearest(name, identifiers())}")
    return FOLDER / f"{name}.toml"


def _toml(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _axes(axes: dict, source: str) -> dict[str, str]:
    for label, target in _table(axes, dict.fromkeys(axes, str), f"{source}: axes").items():
        if label in ("seed", "seeds", "config"):
            raise UserError(f"{source}: axes.{label}: the name is taken, choose another")
        table, dot, key = target.partition(".")
        if table not in TABLES or not (dot and key):
            write = "write table.key, such as method.final_sparsity"
            raise UserError(f"{source}: axes.{label} = {target!r}: {write}")
    return axes


def _profile(name: str, content, axes: dict, source: str) -> Profile:
    where = f"{source}: profiles.{name}"
    more = {"like": str, "config": dict, "when": list, "note": str}
    found = _table(content, {"seeds": (int,), "grids": list} | more, where, optional=more)
    if not found["grids"]:
        raise UserError(f"{where}.grids: there is none, so no cell to train")
    theirs = _like(found["like"], name, axes, where) if "like" in found else {}
    config = theirs.get("config", {}), found.get("config", {})
    rules = [({}, _options(each, f"{where}.config")) for each in config]
    for block in theirs.get("when", []) + found.get("when", []):
        labels, own = _labels(block, axes, f"{where}.when", {"config": dict})
        rules.append((labels, _options(own.get("config", {}), f"{where}.when.config")))
    entries = []
    for block in found["grids"]:
        labels, own = _labels(block, axes, f"{where}.grids", {"seeds": (int,)})
        entries += _entries(labels, own.get("seeds", found["seeds"]), rules, axes, where)
    return Profile(tuple(entries), found.get("note", ""))


def _entries(grid: dict[str, tuple], seeds: tuple, rules: list, axes: dict, where: str) -> list:
    """An `Entry` for each combination of the values of a grid's labels.

    Labels that its method has no use for are left out: a dense network has no sparsity.
    """

    def options(labels: dict) -> dict:
        found = {}
        for wanted, config in rules:  # later ones win
            if all(labels.get(label) in values for label, values in wanted.items()):
                found |= config
        return found | {axes[label]: value for label, value in labels.items()}

    entries = []
    for values in itertools.product(*grid.values()):
        labels = dict(zip(grid, values, strict=True))
        method = options(labels).get("method.name", CHOICES["method"][1])
        if method in METHODS:  # else the check of the configuration names it
            known = {"method.name", *(f"method.{f.name}" for f in fields(METHODS[method].Config))}
            foreign = {key for key in axes.values() if key.startswith("method.")} - known
            labels = {label: v for label, v in labels.items() if axes[label] not in foreign}
        entries.append(Entry(labels, options(labels), seeds))
    for label in grid:
        if not any(label in each.labels for each in entries):
            option = f"the option {axes[label]} of the label {label}"
            raise UserError(f"{where}.grids: no method of this grid has {option}")
    return entries


def _like(other: str, name: str, axes: dict, where: str) -> dict:
    """Another experiment's profile, which has no `like` of its own."""
    content = _toml(_shipped(other))
    theirs = content["profiles"].get(name)
    if theirs is None or "like" in theirs:
        raise UserError(f"{where}.like: {other} has no profile {name} of its own to start from")
    for label, target in content["axes"].items():
        if axes.get(label) != target:
            rules = f"{other} has rules for {label} = {target!r}"
            raise UserError(f"{where}.like: {rules}: add it to [axes]")
    return theirs


def _labels(block, axes: dict, where: str, own: dict) -> tuple[dict[str, tuple], dict]:
    """The labels of a grid or rule, each with all its values, and its keys that are no labels."""
    found = _table(block, dict.fromkeys(axes, object) | own, where, optional=(*axes, *own))
    labels = {}
    for label in [label for label in found if label in axes]:
        value, at = found.pop(label), f"{where}.{label}"
        values = value if isinstance(value, list) else [value]
        if not values:
            raise UserError(f"{at}: the list is empty, give a value or more")
        for v in values:
            if not isinstance(v, Label):
                raise UserError(f"{at}: expected text or a number, got {v!r}")
            # Run folders are named after labels.
            if isinstance(v, str) and ("/" in v or not v.isprintable()):
                raise UserError(f"{at}: {v!r} cannot name a folder")
        labels[label] = tuple(dict.fromkeys(spelt(axes[label], v) for v in values))
    return labels, found


def _options(config: dict, where: str) -> dict[str, object]:
    """The options of nested tables by "table.key"; their values are checked with the whole cell."""
    tables = _table(config, dict.fromkeys(TABLES, dict), where, TABLES)
    found = {f"{table}.{key}": v for table, content in tables.items() for key, v in content.items()}
    return {name: spelt(name, value) for name, value in found.items()}


def _printed(block, axes: dict, source: str) -> list[PaperValue]:
    """The values of one [[paper]] block, whose rows are as the paper prints them."""
    where, texts = f"{source}: paper", ("metric", "unit", "note")
    kinds = {"labels": list, "rows": list, "across": dict, **dict.fromkeys(texts, str)}
    found = _table(block, kinds, where, optional=("across", *texts))
    names, rows = found.pop("labels"), found.pop("rows")
    _known(names, axes, where)
    across, _ = _labels(found.pop("across", {}), axes, f"{where}.across", {})
    columns = [dict(zip(across, vs, strict=True)) for vs in itertools.product(*across.values())]
    printed = []
    for row in rows:
        if len(_typed(row, list, f"{where}.rows")) != len(names) + len(columns):
            expected = f"expected {len(names)} labels and {len(columns)} values"
            raise UserError(f"{where}: row {row} has {len(row)} entries, {expected}")
        labels = {name: spelt(axes[name], v) for name, v in zip(names, row, strict=False)}
        for column, value in zip(columns, row[len(names) :], strict=True):
            if type(value) not in (int, float):
                raise UserError(f"{where}: row {row}: expected a number, got {value!r}")
            printed.append(PaperValue(labels | column, float(value), **found))
    return printed


def _dataclass(kind: type, content: dict, where: str):
    """A dataclass of texts and tuples of texts."""
    kinds = {f.name: str if f.type is str else (str,) for f in fields(kind)}
    optional = [f.name for f in fields(kind) if f.default is not MISSING]
    return kind(**_table(content, kinds, where, optional))


def _known(labels, axes: dict, where: str) -> None:
    for label in labels:
        if not isinstance(label, str) or label not in axes:
            hint = nearest(str(label), axes)
            raise UserError(f"{where}: {label!r} is no label of [axes]; {hint}")


# How a message calls a kind; (str,) and (int,) are lists of these.
_WORDS = {dict: "a table", list: "a list", str: "text", (str,): "a list of texts"}
_WORDS[(int,)] = "a list of whole numbers"


def _table(content, kinds: dict, where: str, optional=()) -> dict:
    """The values of a table whose keys are all known and of these kinds; else UserError."""
    for key in _typed(content, dict, where):
        if key not in kinds:
            raise UserError(f"{where}: unknown key {key}; {nearest(key, kinds)}")
    for key in kinds:
        if key not in content and key not in optional:
            raise UserError(f"{where}: {key} is missing")
    at = where + ("." if ": " in where else ": ")
    return {key: _typed(value, kinds[key], at + key) for key, value in content.items()}


def _typed(value, kind, where: str):
    """`value`, a list of one kind as a tuple, or UserError where it is of another kind."""
    if isinstance(kind, type):
        fits = isinstance(value, kind)
    else:
        fits = isinstance(value, list) and all(type(each) is kind[0] for each in value)
        fits = fits and (value or kind[0] is str)  # without a seed there would be no cell
    if not fits:
        raise UserError(f"{where}: expected {_WORDS[kind]}, got {value!r}")
    return value if isinstance(kind, type) else tuple(value)
