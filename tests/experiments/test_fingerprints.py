"""Cells on changed data: trained anew, and never in one table with the old ones."""

import csv
import functools
import shutil

import numpy as np
import pytest

from nsnn.experiments import results, runner, spec, table
from nsnn.experiments.cells import cells, plan
from nsnn.experiments.fingerprints import current


@pytest.fixture
def data(tiny_arrays, tmp_path):
    """A file of data that a test may change."""
    return shutil.copy(tiny_arrays, tmp_path / "mine.npz")


@pytest.fixture
def load(tiny_toml, tiny_arrays, data):
    """`load(*(old, new))`: the experiment TINY with changes, on these data."""
    return lambda *of: spec.load(tiny_toml((str(tiny_arrays), str(data)), *of))


@pytest.fixture
def experiment(trained, load):
    """TINY on these data, its cells finished in the folder out."""
    return load()


@pytest.fixture
def reproduce(in_process):
    return functools.partial(runner.reproduce, profile="small", out="out", executor=in_process)


def change(path, purpose="train"):
    """Swap black and white of the images of a split."""
    with np.load(path) as file:
        arrays = {**file}
    arrays[f"{purpose}_images"] = 255 - arrays[f"{purpose}_images"]
    np.savez(path, **arrays)


def states(experiment, **options):
    return [cell.state for cell in plan(experiment, "small", "out", **options)]


def counts():
    """The number of cells in each entry of the table."""
    with (results.folder("out", "tiny", "small") / "table.csv").open() as file:
        return [int(line["n"]) for line in csv.DictReader(file)]


@pytest.mark.parametrize("purpose", ["train", "test"])
def test_changed_data_are_trained_on_anew(experiment, data, reproduce, in_process, purpose):
    key = {"train": "data_fingerprint", "test": "test_fingerprint"}[purpose]
    assert "other data" not in table.write(experiment, "small", "out")
    change(data, purpose)
    assert states(experiment) == ["changed"] * 3
    told = table.write(experiment, "small", "out").splitlines()[-1]
    assert told.startswith("3 cells above on other data than are here now: nsnn reproduce trains")
    reproduce(experiment)
    assert (len(in_process.started), counts()) == (3, [1, 1, 1])
    marks = [record[key] for record in results.read_cells("out", "tiny", "small")]
    old, new = marks[0], marks[-1]
    assert marks == [old] * 3 + [new] * 3
    assert old != new
    change(data, purpose)  # back
    assert states(experiment) == ["done"] * 3
    assert "left out" not in table.write(experiment, "small", "out")
    assert counts() == [1, 1, 1]
    if purpose == "train":
        page = (results.folder("out", "tiny", "small") / "table.md").read_text()
        assert old in page
        assert new not in page


def test_a_table_leaves_out_the_cells_on_other_data(experiment, data, reproduce):
    """The three of seed 0 are on data that are gone, and one of each with seed 1 is on new ones."""
    change(data)
    reproduce(experiment, seeds=[1])
    assert counts() == [1, 1, 1]
    *_, told = table.write(experiment, "small", "out").splitlines()
    assert "3 finished cells left out, on other data (arrays " in told
    assert told in (results.folder("out", "tiny", "small") / "table.md").read_text()
    change(data)
    assert table.write(experiment, "small", "out").count("left out") == 1


def test_where_the_data_are_not_the_last_cell_decides(experiment, data, reproduce):
    change(data)
    reproduce(experiment, seeds=[0, 1])
    data.unlink()
    assert states(experiment) == ["done"] * 3
    table.write(experiment, "small", "out")
    assert counts() == [2, 2, 2]
    lines = results.folder("out", "tiny", "small") / results.CELLS
    kept = lines.read_text().splitlines(keepends=True)
    lines.write_text("".join([*kept[3:], kept[0]]))  # the old dense cell is the last now
    assert "5 finished cells left out" in table.write(experiment, "small", "out")
    assert counts() == [1, 0, 0]


def test_seeds_with_a_validation_split_have_fingerprints_of_their_own(load, data, reproduce):
    experiment = load(("batch = 10", "batch = 10, validation = 0.1"))
    reproduce(experiment, seeds=[0, 1])
    assert counts() == [2, 2, 2]
    assert len({r["data_fingerprint"] for r in results.read_cells("out", "tiny", "small")}) == 2
    data.unlink()
    table.write(experiment, "small", "out")
    assert counts() == [2, 2, 2]


def test_a_stopped_run_on_other_data_does_not_go_on(experiment, data, reproduce):
    shutil.rmtree("out")
    for cell in cells(experiment, "small"):
        (cell.folder / "summary.json").unlink()
    assert states(experiment) == ["stopped"] * 3
    change(data)
    assert states(experiment) == ["changed"] * 3
    assert reproduce(experiment).failures == {}


def test_the_data_are_those_of_the_folder_that_is_given(experiment, data, reproduce, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    other = shutil.copy(data, tmp_path / "elsewhere")
    change(other)
    assert states(experiment, data_dir=str(other)) == ["changed"] * 3
    reproduce(experiment, data_dir=str(other))
    assert counts() == [1, 1, 1]


def test_an_older_cell_without_a_fingerprint_of_the_test_images_stays(experiment):
    path = results.folder("out", "tiny", "small") / results.CELLS
    path.write_text(path.read_text().replace('"test_fingerprint"', '"other"'))
    assert states(experiment) == ["done"] * 3


def current_of(experiment, out):
    found, *_ = current(cells(experiment, "small"), results.read_cells(out, "tiny", "small"))
    return found


def test_current_cells_are_those_of_the_profile_as_it_is(tiny, tiny_toml, tmp_path, records_of):
    written = records_of(tiny)
    more = dict(written[2], seed=7, config=written[2]["config"] | {"train.seed": 7})
    strange = dict(written[1], labels={"data": "mnist", "method": "ndsnn", "sparsity": 0.5})
    for record in [*written, more, strange]:
        results.append(tmp_path, "tiny", "small", record)
    found = current_of(tiny, tmp_path)
    assert [(r["labels"].get("sparsity"), r["seed"]) for r in found] == [
        (None, 0), (0.5, 0), (0.8, 0), (0.8, 7),
    ]  # fmt: skip
    changed = spec.load(tiny_toml(("initial_sparsity = 0.3", "initial_sparsity = 0.4")))
    found = current_of(changed, tmp_path)
    assert [record["labels"]["method"] for record in found] == ["dense"]


def test_a_line_that_is_there_twice_is_one_sample(tiny, tmp_path, records_of):
    *rest, last = records_of(tiny)
    for record in [*rest, last, *rest, dict(last, test_accuracy=0.5)]:
        results.append(tmp_path, "tiny", "small", record)
    found = current_of(tiny, tmp_path)
    assert [record["test_accuracy"] for record in found] == [0.25, 0.25, 0.5]
