"""Experiments as TOML: what is read, and one line for every mistake."""

import textwrap
import tomllib

import pytest

from nsnn.errors import UserError
from nsnn.experiments import Entry, FigureSpec, PaperValue, TableSpec, spec
from nsnn.methods import METHODS


def test_the_example_of_the_module_can_be_read():
    _, _, rest = spec.__doc__.partition("cut short:")
    example, _, _ = rest.partition("A profile with `like")
    found = spec.parse("example", tomllib.loads(textwrap.dedent(example)), "example.toml")
    assert found.title == "Test accuracy of five methods at four sparsities"
    assert found.table == TableSpec(("data", "method"), ("sparsity",), "test_accuracy")
    assert found.figure == FigureSpec("sparsity", "test_accuracy", ("method",), "lines", "data")
    labels = {"data": "cifar10", "method": "ndsnn"}
    assert found.paper == (
        PaperValue(labels | {"sparsity": 0.98}, 89.62),
        PaperValue(labels | {"sparsity": 0.99}, 88.13),
    )
    small = found.profiles["small"]
    assert [entry.labels.get("sparsity") for entry in small.entries] == [None, None, 0.98, 0.99]
    assert small.entries[0] == small.entries[1]  # a dense network has no sparsity
    options = {"train.epochs": 10, "optim.lr": 0.2}
    options |= {"data.name": "mnist", "method.name": "ndsnn", "method.final_sparsity": 0.99}
    labels = {"data": "mnist", "method": "ndsnn", "sparsity": 0.99}
    assert small.entries[-1] == Entry(labels, options, (0, 1))


def test_a_file_of_ones_own_is_named_after_itself(tiny_toml):
    found = spec.load(tiny_toml(name="mine"))
    assert found.id == "mine"
    assert found.paper[0] == PaperValue({"method": "ndsnn", "sparsity": 0.8}, 80.5)
    assert found.profile("small").note == "Noise."


def test_a_file_with_the_name_of_a_shipped_experiment_is_refused(tiny_toml):
    path = tiny_toml(name="ndsnn-table1")
    with pytest.raises(UserError, match=r"ndsnn-table1\.toml: .* comes with nsnn.*rename the file"):
        spec.load(path)
    path.unlink()
    with pytest.raises(UserError, match="No such file"):
        spec.load(path)
    shipped = spec.load(spec.FOLDER / "ndsnn-table1.toml")  # the very file is that experiment
    assert shipped == spec.load("ndsnn-table1")
    assert shipped.given == "ndsnn-table1"


@pytest.mark.parametrize(("old", "new", "message"), [
    ("title =", "titel =", "unknown key titel; did you mean title?"),
    ('panels = "data"', 'panel = "data"', "figure: unknown key panel; did you mean panels?"),
    ("seeds = [0]", "seed = [0]", "unknown key seed; did you mean seeds?"),
    ("seeds = [0]", "seeds = 0", "profiles.small.seeds: expected a list of whole numbers"),
    ("seeds = [0]", "seeds = [true]", "expected a list of whole numbers"),
    ("model = { name", "modell = { name", "unknown key modell; did you mean model?"),
    ('method = "ndsnn"\n', 'metod = "ndsnn"\n', "unknown key metod; did you mean method?"),
    ('rows = ["data", "method"]', 'rows = ["method", "dta"]', "'dta' is no label of [axes]"),
    ('labels = ["method"]', 'labels = ["model"]', "'model' is no label"),
    ('rows = [["ndsnn", 80.5, 91]]', 'rows = [["ndsnn", 91]]', "has 2 entries, expected 1"),
    ('y = "test_accuracy"', "", "figure: y is missing"),
    ("method.final_sparsity", "final_sparsity", "write table.key"),
    ('data = "data.name"', 'seed = "train.seed"', "axes.seed: the name is taken"),
    ("sparsity = [0.5, 0.8]\n", "sparsity = [[0.5]]\n", "expected text or a number"),
    ("sparsity = [0.5, 0.8]\n", "sparsity = []\n", "grids.sparsity: the list is empty"),
    ('data = "arrays"', 'data = "../arrays"', "grids.data: '../arrays' cannot name a folder"),
    ('rows = ["data", "method"]', 'rows = [["data"]]', "rows: expected a list of texts"),
    ('labels = ["method"]', "labels = 3", "paper.labels: expected a list, got 3"),
    ("across.sparsity = [0.8, 0.5]", "across.sparsity = 1", "expected 1 labels and 1 values"),
    ('[["ndsnn", 80.5, 91]]', "[3]", "paper.rows: expected a list, got 3"),
    ('[["ndsnn", 80.5, 91]]', '[["ndsnn", "x", 91]]', "expected a number, got 'x'"),
    ('labels = ["method"]', 'metric = [1]\nlabels = ["method"]', "paper.metric: expected text"),
    ('title = "Tiny"', "title = 3", "title: expected text, got 3"),
    ('title = "Tiny"', "title = ", "tiny.toml: Invalid value"),
    ("seeds = [0]", 'seeds = [0]\nlike = "ndsnn-table9"', "did you mean ndsnn-table"),
    ("seeds = [0]", 'seeds = [0]\nlike = "ndsnn-table2"', "has no profile small of its own"),
    ("seeds = [0]", 'seeds = [0]\nlike = "ndsnn-table1"', "has rules for model"),
])  # fmt: skip
def test_a_mistake_is_one_line(tiny_toml, old, new, message, refused):
    path = tiny_toml((old, new))
    with refused(message):
        spec.load(path)


def test_a_name_in_another_case_is_the_same_name_and_each_is_there_once(tiny_toml, monkeypatch):
    monkeypatch.setitem(METHODS, "Mine", METHODS["ndsnn"])  # as a plug-in does
    changes = [('method = "ndsnn"', 'method = "NDSNN"'), ('[["ndsnn", 80.5', '[["NdSnn", 80.5')]
    changes += [('["dense", "ndsnn"]', '["Dense", "NDSNN", "ndsnn", "mine"]'), ("arrays", "Arrays")]
    found, plain = spec.load(tiny_toml(*changes)), spec.load(tiny_toml(name="plain"))
    entries = found.profile("small").entries
    assert [each.labels["method"] for each in entries[::2]] == ["dense", "ndsnn", "Mine"]
    assert entries[:4] == plain.profile("small").entries
    assert found.paper == plain.paper


def test_a_profile_without_grids_is_no_profile(tiny_toml):
    head, _, _ = tiny_toml().read_text().partition("[[profiles.small.when]]")
    content = tomllib.loads(head)
    content["profiles"]["small"]["grids"] = []
    with pytest.raises(UserError, match=r"profiles\.small\.grids: there is none"):
        spec.parse("tiny", content, "tiny.toml")


def test_unknown_names_name_the_nearest(tiny_toml):
    with pytest.raises(UserError, match="did you mean ndsnn-table1"):
        spec.load("ndsnn-tabel1")
    with pytest.raises(UserError, match=r"nothing\.toml: No such file"):
        spec.load("nothing.toml")
    with pytest.raises(UserError, match=r"--profile smal: tiny has no such profile.*mean small"):
        spec.load(tiny_toml()).profile("smal")
