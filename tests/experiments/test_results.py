"""The files of finished cells."""

import json

import pytest

from nsnn.errors import RunError
from nsnn.experiments import fingerprints, results, spec
from nsnn.experiments.cells import cells, plan


def test_committed_cells_count_whatever_the_folder(tiny, records_of):
    first, second, _ = records_of(tiny)
    results.append(results.COMMITTED, "tiny", "small", first)
    results.append("elsewhere", "other", "full", second)
    assert len(results.finished_anywhere("elsewhere")) == 2
    assert len(results.finished_anywhere("nowhere")) == 1


def test_a_cell_that_lacks_what_an_experiment_needs_is_trained_anew(tiny_toml, records_of):
    """Whoever needs nothing takes it, and the line that is added later stands in its place."""
    plain, asking = tiny_toml(), tiny_toml(("[axes]", 'needs = ["work"]\n[axes]'), name="asking")
    first, second, _ = records_of(spec.load(plain))
    for record in (first, second | {"work": 3}, second | {"work": None}):
        results.append("out", "asking", "small", record)
    for path, wanted in (
        (plain, ["shared", "shared", "missing"]), (asking, ["missing", "done", "missing"]),
    ):  # fmt: skip
        assert [cell.state for cell in plan(spec.load(path), "small", "out")] == wanted
    results.append("out", "asking", "small", first | {"work": 4, "test_accuracy": 0.5})
    again = fingerprints.current(
        cells(spec.load(asking), "small"), results.read_cells("out", "asking", "small")
    )[0]
    assert [record["test_accuracy"] for record in again] == [0.5, 0.25]


@pytest.mark.parametrize("line", [
    "}{", "[1]", "{}", '{"config": 3, "labels": {}, "seed": 0}',
    '{"config": {}, "labels": {"data": []}, "seed": 0}',
])  # fmt: skip
def test_a_damaged_line_is_named(tiny, tmp_path, records_of, line):
    for record in records_of(tiny):
        results.append(tmp_path, "tiny", "small", record)
    path = tmp_path / "tiny" / "small" / results.CELLS
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], line, *lines[1:]]) + "\n")
    with pytest.raises(RunError, match=r"^line 2 of .*cells\.jsonl is damaged: remove it"):
        results.read_cells(tmp_path, "tiny", "small")


@pytest.mark.parametrize(("begins", "left"), [(40, 1), (None, 2)], ids=["cut", "without its end"])
def test_a_line_that_a_kill_cut_short_is_no_cell(tiny, tmp_path, records_of, begins, left):
    """But one that lacks only its end is; whatever comes next begins a new line."""
    first, second, third = records_of(tiny)
    results.append(tmp_path, "tiny", "small", first)
    with (tmp_path / "tiny" / "small" / results.CELLS).open("a") as file:
        file.write(json.dumps(second)[:begins])
    assert len(results.read_cells(tmp_path, "tiny", "small")) == left
    results.append(tmp_path, "tiny", "small", third)
    assert len(results.read_cells(tmp_path, "tiny", "small")) == left + 1


def test_where_results_go(tiny, tmp_path):
    assert str(results.default_out("small")) == "runs/results"
    (tmp_path / "tutorials" / "results").mkdir(parents=True)
    assert str(results.default_out("small")) == "tutorials/results"
    assert str(results.default_out("smoke")) == "runs/results"
