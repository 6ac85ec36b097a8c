"""The one bar over all cells."""

import pytest

from nsnn.experiments.progress import Progress


@pytest.fixture
def progress():
    """Two cells of 10 and 30 seconds are to be trained, a third is done."""
    made = Progress({"a": 10.0, "b": 30.0}, cells=3, done=1, bars=True)
    yield made
    made.close()


def test_the_bar_counts_estimated_seconds(progress):
    bar = progress._bar
    assert (bar.total, bar.n) == (40.0, 0.0)
    progress.update("a", 0.5)
    assert bar.n == 5.0
    progress.update("b", 0.1)
    progress.update("a", 0.7)
    assert bar.n == pytest.approx(10.0)
    assert " 25% |" in str(bar)


def test_what_was_done_before_is_not_work_of_this_sitting(progress):
    progress.resumed("b", 0.5)
    assert (progress._bar.initial, progress._bar.n) == (15.0, 15.0)
    progress.update("b", 0.6)
    assert progress._bar.n == pytest.approx(18.0)


def test_a_finished_cell_is_counted_and_told_in_a_line(progress, capsys):
    assert str(progress._bar).startswith("1/3 cells")
    progress.finished("a", "test accuracy 1 %")
    assert progress._bar.n == 10.0
    progress.finished("shared with another experiment", "test accuracy 2 %")
    assert progress._bar.n == 10.0
    assert str(progress._bar).startswith("3/3 cells")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "2/3 cells  a: test accuracy 1 %"
    assert printed[1].startswith("3/3 cells  shared")


def test_without_a_terminal_there_is_no_bar(capsys):
    quiet = Progress({"a": 10.0}, cells=1, done=0, bars=False)
    quiet.resumed("a", 0.5)
    quiet.running(1)
    quiet.finished("a", "done")
    quiet.close()
    assert capsys.readouterr() == ("1/1 cells  a: done\n", "")
