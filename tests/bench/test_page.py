"""Pages whose blocks are written by the commands they name."""

import pytest

from nsnn import cli
from nsnn.bench import page
from nsnn.errors import RunError, UserError

TEXT = """# Speed

<!-- nsnn bench machine -->
old
<!-- end -->

prose

<!-- nsnn --version -->
<!-- end -->
"""


def test_blocks_are_found_and_filled_alone():
    assert page.commands(TEXT) == ["nsnn bench machine", "nsnn --version"]
    filled = page.fill(TEXT, "nsnn bench machine", "\nnew \\1\n")
    assert filled == TEXT.replace("old\n", "```text\nnew \\1\n```\n")
    assert page.fill(filled, "nsnn bench machine", "newer") == TEXT.replace(
        "old\n", "```text\nnewer\n```\n"
    )


def test_a_page_is_written_by_its_commands(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(TEXT)
    assert page.write(path, only="--version") == []
    assert "```text\nnsnn 0" in path.read_text()
    assert "old" in path.read_text()


def test_a_disturbed_measurement_changes_nothing(tmp_path, monkeypatch, capsys):
    path = tmp_path / "page.md"
    path.write_text(TEXT)

    class Done:
        returncode, stderr = 0, ""
        stdout = "numbers\nnot valid: other programs used 0.50 cores meanwhile\n"

    monkeypatch.setattr(page.subprocess, "run", lambda *a, **k: Done)
    with pytest.raises(RunError, match="busy"):
        page.run("nsnn bench machine")
    assert cli.main(["bench", "page", str(path)]) == 1
    assert "2 block(s) not measured" in capsys.readouterr().err
    assert path.read_text() == TEXT


def test_mistakes(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        page.write(tmp_path / "none.md")
    (tmp_path / "empty.md").write_text("nothing")
    with pytest.raises(UserError, match="has no block"):
        page.write(tmp_path / "empty.md")
