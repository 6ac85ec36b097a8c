"""`tutorials/papers/ndsnn_channels.py`: what it counts, and its table of a run."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from nsnn.sparsity.log import TopologyLog

SCRIPT = Path(__file__).parents[2] / "tutorials" / "papers" / "ndsnn_channels.py"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


def test_growth_by_hand(script):
    """Two channels of three inputs; the second loses all it has, then gets all that grows."""
    log = TopologyLog()
    log.start("fc.weight", 6, np.array([0, 1, 3]))
    log.record(5, "fc.weight", np.array([3]), np.array([2]))
    log.record(9, "fc.weight", np.array([0, 1]), np.array([4, 5]))
    largest, emptied = script["growth"](log, "fc.weight", (2, 3), 4)
    assert (largest, emptied) == (1.0, 0.5)
    assert script["growth"](log, "fc.weight", (2, 3), 5) == (1.0, 1.0)
    assert np.isnan(script["growth"](log, "fc.weight", (2, 3), 9)).all()


def test_the_table_of_a_run(bare, train, monkeypatch, capsys):
    options = ("name=rigl", "final_sparsity=0.9", "update_every=4", "end_fraction=0.9")
    folder = train([*bare, *(f"method.{option}" for option in options)])
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(folder), "--epoch", "1"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    head, _, *lines = capsys.readouterr().out.splitlines()
    assert head == "after 1 of 3 epochs, and at the end"
    names, columns = zip(*((line[:15].strip(), line[15:].split()) for line in lines), strict=True)
    assert names == ("conv1.weight", "linear1.weight", "linear2.weight", "all")
    assert [int(column[0]) for column in columns] == [6, 30, 3, 39]
    then, last = (sum(int(column[at]) for column in columns[:-1]) for at in (2, 3))
    assert columns[-1][1:] == [str(then), str(last)]
