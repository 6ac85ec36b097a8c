"""Claiming a folder."""

import threading

import pytest

from nsnn.errors import RunError, UserError
from nsnn.files import locked
from nsnn.training import run_folder


def test_next_free_counts_on_from_the_largest(tmp_path):
    runs = tmp_path / "runs"
    for name in ("a-b-001", "a-b-007", "a-b-x", "other-b-050"):
        (runs / name).mkdir(parents=True)
    assert run_folder.next_free("a-b", runs) == runs / "a-b-008"
    assert run_folder.next_free("new", runs) == runs / "new-001"


def test_folders_claimed_at_once_are_different(tmp_path):
    found = []
    claim = lambda: found.append(run_folder.next_free("a", tmp_path))  # noqa: E731
    threads = [threading.Thread(target=claim) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 16


def test_places_where_no_folder_can_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot make a run folder in .*: Not a directory"):
        run_folder.next_free("a", tmp_path / "file" / "runs")
    with pytest.raises(UserError, match="is a file: name a folder"):
        run_folder.refuse_existing(tmp_path / "file")
    with pytest.raises(RunError, match="cannot write in"), locked(tmp_path / "nowhere"):
        pass


def test_any_file_of_a_run_is_a_run_and_clear_leaves_all_others(tmp_path):
    (tmp_path / "plots").mkdir()
    others = {"notes.txt", "plots/mine.svg"}
    for name in (*others, "plots/loss.png"):
        (tmp_path / name).write_text("")
    for name in run_folder.FILES:
        run_folder.refuse_existing(tmp_path)
        (tmp_path / name).write_text("")
        with pytest.raises(UserError, match="already holds a run"):
            run_folder.refuse_existing(tmp_path)
        run_folder.clear(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == others
