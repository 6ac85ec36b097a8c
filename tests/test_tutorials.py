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


def started(*words):
    """What Python has done with these words in the folder of the tutorials."""
    package = pathlib.Path(nsnn.__file__).parent.parent
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(package)}
    command = [sys.executable, "-W", "error", *words]
    return subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True)


@names
@pytest.mark.tutorial
def test_a_tutorial_runs_and_leaves_no_file_behind(path):
    before = set(HERE.rglob("*"))
    run = started(path.name)
    assert run.returncode == 0, run.stderr
    assert set(HERE.rglob("*")) == before


@names
def test_a_tutorial_is_short_and_asks_before_it_tells(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") < 200
    parts = ("You will be able to", "Predict", "assert", "goes wrong", "## Exercises", "Solution")
    assert [part for part in parts if part not in text] == []


@pytest.mark.tutorial
@pytest.mark.parametrize(("number", "old", "new"), [
    ("01", 'decay=0.5, reset="zero"', 'decay=0.8, threshold=1.3, reset="zero"'),
    ("02", "w := 0.4", "w := 0.6"),
    ("03", "decay=0.8", "decay=0.3, threshold=1.5"),
    ("05", "4, 100, (0, 1)", "6, 60, (3, 4)"),
    ("07", "1e6, 0.05", "1e6, 0.1"),
    ("08", "0.3, (0.9, 0.95)", "0.1, (0.8, 0.9)"),
    ("09", "default_rng(4)", "default_rng(5)"),
    ("11", 'from_preset("sdsnn")', 'from_preset("sdsnn", decay=0.5, threshold=0.7)'),
    ("12", "{}, 100", "{}, 50"),
])  # fmt: skip
def test_a_reader_may_change_a_constant(number, old, new):
    (path,) = HERE.glob(f"{number}_*.py")
    text = path.read_text(encoding="utf-8")
    assert old in text
    run = started("-c", text.replace(old, new, 1))
    assert run.returncode == 0, run.stderr
