"""`nsnn table --from`: the results of several folders in one."""

import functools

import pytest

from nsnn.experiments import results

TOML = "tiny.toml"  # made by `tiny`


@pytest.fixture
def cell(tiny, make_record):
    """`cell(seed, **changes)`: the record of a dense cell."""
    return functools.partial(make_record, tiny, method="dense", steps=12)


def keep(out, *records):
    for record in records:
        results.append(out, "tiny", "small", record)


@pytest.fixture
def join(said):
    return lambda *sources: said("table", TOML, "--out", "out", "--from", *sources)


def kept():
    return [record["seed"] for record in results.read_cells("out", "tiny", "small")]


def test_cells_of_several_folders_are_joined_each_once(cell, join):
    keep("out", cell(0))
    keep("a", cell(0, seconds=1.0, environment=cell()["environment"] | {"cores": 8}), cell(1))
    keep("b", cell(1, cpu_seconds=7.0), cell(2, test_accuracy=0.6))
    printed = join("a", "b")
    assert kept() == [0, 1, 2]
    assert "80.00 ± 17.32 (3)" in printed
    assert "– (0 of 1)" in printed
    assert "out/tiny/small" in printed
    join("b", "a")  # nothing is new
    assert kept() == [0, 1, 2]


def test_joined_folders_need_no_cells_in_the_new_one(cell, join):
    keep("a", cell(0))
    join("a")
    assert kept() == [0]


@pytest.mark.parametrize(("changes", "message"), [
    ({"test_accuracy": 0.8}, "has come to another result than in out"),
    ({"spike_rate": 0.3}, "has come to another result than in out"),
    ({"data_fingerprint": "ffffffff"}, "is on other data than the others"),
    ({"lr": 0.3}, "has other options than tiny has now"),
    ({"labels": {"method": "lth"}}, "has other options than tiny has now"),
])  # fmt: skip
def test_what_cannot_be_joined_is_named_and_nothing_is_added(cell, changes, message, complaint):
    changed = cell(0)
    if "lr" in changes:
        changed["config"]["optim.lr"] = changes["lr"]
    else:
        changed |= changes
    keep("out", cell(0))
    keep("a", changed, cell(1))
    error = complaint("table", TOML, "--out", "out", "--from", "a")
    assert error.startswith("nsnn: error: --from a: the cell ")
    assert f", seed 0 {message}: leave it out" in error
    assert kept() == [0]


def test_a_folder_without_cells_is_a_mistake(cell, complaint):
    keep("a", cell(0))
    error = complaint("table", TOML, "--out", "out", "--from", "a", "nowhere")
    assert "--from nowhere: no finished cell of this profile is there" in error
