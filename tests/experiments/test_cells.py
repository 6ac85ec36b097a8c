"""Cells of a profile, their configurations and digests."""

import hashlib
import pathlib

import pytest

from nsnn.experiments import results, spec
from nsnn.experiments.cells import cells as cells_of
from nsnn.training.config_file import flatten, load_config

RESULTS = pathlib.Path(__file__).parents[2] / "tutorials" / "results"
# The cells that the first version has finished, at the beginning of each file: later ones follow.
FIRST = {
    "fig1": 6, "fig5": 18, "table1": 63, "table2": 10, "table3": 31, "tuning": 30,
    "work": 31,
}  # fmt: skip


@pytest.fixture
def cells(tiny_toml):
    def expanded(*changes, seeds=None):
        return cells_of(spec.load(tiny_toml(*changes)), "small", seeds)

    return expanded


def test_every_combination_once_and_a_dense_network_has_no_sparsity(cells):
    found = cells()
    assert [cell.slug for cell in found] == [
        "arrays-dense-seed0", "arrays-ndsnn-sparsity0.5-seed0", "arrays-ndsnn-sparsity0.8-seed0",
    ]  # fmt: skip
    assert found[0].labels == {"data": "arrays", "method": "dense"}
    assert found[0].config.method.name == "dense"
    last = found[2]
    assert last.labels == {"data": "arrays", "method": "ndsnn", "sparsity": 0.8}
    wanted = {
        "data.name": "arrays", "data.batch": 10, "method.name": "ndsnn",
        "method.initial_sparsity": 0.3, "method.update_every": 2, "method.final_sparsity": 0.8,
        "model.layers": "4C3-AP2-12", "train.epochs": 2, "train.seed": 0,
    }  # fmt: skip
    assert wanted.items() <= flatten(last.config).items()


def test_a_later_grid_adds_seeds_without_doubles(cells):
    old = "sparsity = [0.5, 0.8]\n"
    more = '[[profiles.small.grids]]\ndata = "arrays"\nmethod = "ndsnn"\nsparsity = 0.8\n'
    found = cells((old, f"{old}{more}seeds = [0, 1]\n"))
    assert [(c.labels.get("sparsity"), c.seed) for c in found] == [
        (None, 0), (0.5, 0), (0.8, 0), (0.8, 1),
    ]  # fmt: skip


def test_two_cells_of_one_name_are_an_error(cells, refused):
    """Such as x-y of an axis beside z, and x beside y-z."""
    grids = (
        '[[profiles.small.grids]]\ndata = "arrays"\nmethod = "dense"\nlayers = "4-2"\n'
        '[[profiles.small.grids]]\ndata = "arrays"\nmethod = "dense"\nnorm = "4-2"\n'
    )
    axes = ("[axes]\n", '[axes]\nlayers = "model.layers"\nnorm = "model.norm"\n')
    with refused("share the run folder arrays-dense-4-2-seed0: ch"):
        cells(axes, ("[[profiles.small.grids]]", grids + "[[profiles.small.grids]]"))


def test_later_rules_win_and_labels_win_over_rules(cells):
    rules = (
        '[[profiles.small.when]]\nmethod = ["ndsnn", "set"]\nsparsity = 0.8\n'
        "config.optim.lr = 0.7\nconfig.method = { initial_sparsity = 0.1, final_sparsity = 0.2 }\n"
        "[[profiles.small.grids]]"
    )
    found = cells(("[[profiles.small.grids]]", rules))
    assert [cell.config.optim.lr for cell in found] == [0.1, 0.1, 0.7]
    assert found[1].config.method.options.initial_sparsity == 0.3
    assert found[2].config.method.options.initial_sparsity == 0.1
    assert found[2].config.method.options.final_sparsity == 0.8


def test_a_label_that_no_method_uses_is_an_error(cells, refused):
    with refused("no method of this grid", "option method.final_sparsity", "sparsity"):
        cells(('method = ["dense", "ndsnn"]', 'method = "dense"'))


@pytest.mark.parametrize(("new", "message"), [
    ("epoch = 2", "did you mean epochs"),
    ("epochs = 2020-02-02", "expected a whole number"),
])  # fmt: skip
def test_configurations_are_checked_and_the_message_names_the_cell(cells, new, message, refused):
    with refused(message, "tiny, cell arrays-dense-seed0"):
        cells(("epochs = 2", new))


def test_the_digest_ignores_what_cannot_change_a_result():
    def digest(*assignments):
        return results.digest(results.essential(load_config(None, assignments)))

    same = digest()
    assert digest("data.dir=x", "train.threads=3", "train.dense_run=y") == same
    assert digest("neuron.preset=ndsnn", "optim.lr=0.1") == same
    others = [
        digest("optim.lr=0.2"), digest("train.seed=1"), digest("method.update_every=7"),
        digest("method.name=dense"), digest("data.augment=crop-flip"), digest("neuron.decay=0.7"),
    ]  # fmt: skip
    assert len({same, *others}) == 7


def test_a_record_of_an_older_version_keeps_its_digest():
    options = results.essential(load_config(None, ["optim.lr=0.2"]))
    older = {key: value for key, value in options.items() if key != "optim.nesterov"}
    assert results.digest(older) == results.digest(options)
    # Where the default has changed since, the record says what it was.
    assert results.digest(options | {"optim.nesterov": True}) != results.digest(options)


@pytest.mark.skipif(not RESULTS.is_dir(), reason="committed results are in a clone only")
def test_the_189_digests_of_the_first_version_do_not_move():
    """The committed cells stay valid when options are renamed or removed."""
    digests = []
    for name, count in FIRST.items():
        records = results.read_cells(RESULTS, f"ndsnn-{name}", "small")[:count]
        digests += [record["digest"] for record in records]
    assert len(digests) == 189
    assert len(set(digests)) == 146
    assert hashlib.sha256("".join(digests).encode()).hexdigest()[:16] == "e861d86c6bfeb8a6"
