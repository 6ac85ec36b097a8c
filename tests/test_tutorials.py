"""Each tutorial runs from its first cell to its last and has what a reader needs."""

import os
import pathlib
import subprocess
import sys

import pytest

import nsnn

HERE = pathlib.Path(__file__).parent.parent / "tutorials"
TUTORIALS = sorted(HERE.glob("[0-9][0-9]_*.py"))
names = pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)


@names
@pytest.mark.tutorial
def test_a_tutorial_runs_and_leaves_no_file_behind(path):
    before = set(HERE.rglob("*"))
    package = pathlib.Path(nsnn.__file__).parent.parent
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(package)}
    command = [sys.executable, "-W", "error", path.name]
    run = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert set(HERE.rglob("*")) == before


@names
def test_a_tutorial_is_short_and_asks_before_it_tells(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") < 200
    parts = ("You will be able to", "Predict", "assert", "goes wrong", "## Exercises", "Solution")
    assert [part for part in parts if part not in text] == []
