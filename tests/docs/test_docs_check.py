"""`nsnn docs tutorials`: what a committed page may differ in from a run, and what it says."""

import pytest

from nsnn import cli
from nsnn.docs import check, pages

SOURCE = """# %% [markdown]
# 5 neurons.
# %%
x = 0.5
print("rate  0.251  of conv1, 12 spikes")
print("~ 3 s")
# %%
import matplotlib.pyplot as plt
plt.subplots(figsize=(1, 1));
"""


@pytest.fixture
def written(tmp_path):
    """A tutorial with its page."""
    path = tmp_path / "01_rate.py"
    path.write_text(SOURCE)
    pages.write(pages.page_of(path), *pages.render(path)[:2])
    return path


def edited(tutorial, old, new):
    page = pages.page_of(tutorial)
    assert old in page.read_text()
    page.write_text(page.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ("12", "13", True), ("12", "14", False), ("79,510", "79,511", True),
        ("79,510", "79,512", False), ("0.25", "0.26", True), ("0.25", "0.27", False),
        ("0.123456", "0.124", True), ("0.123456", "0.1249", False), ("99.9", "100.0", True),
        ("-0.00", "0.00", True), ("1.23e-05", "1.24e-05", True), ("1.23e-05", "1.23e-06", False),
        ("1.5e+03", "1500", True), ("123.456", "124.1", True), ("0.", "1.", True),
    ],
)  # fmt: skip
def test_numbers_are_near_to_one_in_the_last_digit_of_at_most_three(a, b, equal):
    assert check.near(a, b) == equal
    assert check.near(b, a) == equal


@pytest.mark.parametrize(
    ("ours", "theirs", "equal"),
    [
        ("a  0.10 b", "a 0.11   b", True), ("a 0.10 b", "a 0.10 c", False),
        ("conv1", "conv2", False), ("1 2", "1", False), ("nan", "inf", False),
        ("[0. 1.5]", "[0. 1.6]", True),
    ],
)  # fmt: skip
def test_printed_lines_are_alike_but_for_near_numbers_and_spaces(ours, theirs, equal):
    assert check.alike(ours, theirs) == equal


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.251  of", "0.252 of"), ("~ 3 s", "~ 300 s\n~ or more"), ("12 spikes", "11 spikes")],
)
def test_a_page_may_differ_in_last_digits_and_lines_with_a_tilde(written, old, new, capsys):
    page = pages.page_of(written).read_text()
    code, output = page.split("```output")
    assert old in output
    pages.page_of(written).write_text(code + "```output" + output.replace(old, new))
    assert cli.main(["docs", "tutorials", "--check", str(written)]) == 0
    assert "01_rate.md is up to date" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("5 neurons", "6 neurons", 3), ("x = 0.5", "x = 0.51", 6),
        ("~ 3 s\n```\n\n```python\nimport", "~ 3 s\nx\n```\n\n```python\nimport", 14),
        ('print("~ 3 s")', 'print("~ 4 s")', 8), ("plt.subplots(figsize=(1, 1));\n", "", 18),
    ],
)  # fmt: skip
def test_a_page_edited_by_hand_is_one_line(written, old, new, line, capsys):
    edited(written, old, new)
    before = pages.page_of(written).read_text()
    assert cli.main(["docs", "tutorials", "--check", str(written)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("nsnn: error: ")
    assert f"01_rate.md, line {line}: " in err
    assert err.count("\n") == 1
    assert pages.page_of(written).read_text() == before


def test_a_missing_page_or_figure_is_one_line(written, capsys):
    figure = pages.page_of(written).with_suffix("") / "1.png"
    figure.write_bytes(b"other pixels")
    assert cli.main(["docs", "tutorials", "--check", str(written)]) == 0
    for path in (figure, pages.page_of(written)):
        path.unlink()
        assert cli.main(["docs", "tutorials", "--check", str(written)]) == 1
        assert f"nsnn: error: {path} is missing (" in capsys.readouterr().err


def test_a_tutorial_that_fails_leaves_its_page_and_the_others_are_written(written, capsys):
    before = pages.page_of(written).read_text()
    written.write_text("# %%\nprint(1)\n# %%\nmissing\n")
    other = written.with_name("02_other.py")
    other.write_text("print('other')")
    assert cli.main(["docs", "tutorials", str(written), str(other), "--jobs", "2"]) == 2
    out, err = capsys.readouterr()
    said = "cell 2, line 4: NameError: name 'missing' is not defined"
    assert err == f"nsnn: error: {written}: {said}\n"
    assert "02_other.md written: " in out
    assert pages.page_of(written).read_text() == before
    assert "other" in pages.page_of(other).read_text()


def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(tmp_path, capsys):
    (tmp_path / "pages").write_text("in the way")
    (tmp_path / "01_x.py").write_text("open('ran', 'w')")
    assert cli.main(["docs", "tutorials", str(tmp_path / "01_x.py")]) == 1
    assert capsys.readouterr().err.startswith("nsnn: error: cannot make the folder")
    assert not (tmp_path / "ran").exists()


def test_without_files_all_tutorials_here_are_meant(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["docs", "tutorials"]) == 2
    assert "no folder tutorials here" in capsys.readouterr().err
    (tmp_path / "tutorials/pages").mkdir(parents=True)
    (tmp_path / "tutorials/01_x.py").write_text("print(1)")
    assert cli.main(["docs", "tutorials"]) == 0
    assert cli.main(["docs", "tutorials", "--check"]) == 0
