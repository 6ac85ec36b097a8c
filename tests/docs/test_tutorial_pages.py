"""`nsnn docs tutorials`: the page that a run gives, and what a committed one may differ in."""

import re

import pytest

from nsnn import cli
from nsnn.docs import pages

TUTORIAL = """# %% [markdown]
# # 5 spikes
# See the [glossary](glossary.md), [a site](https://example.org) and $v[t]$.
# %% The rate
print("rate  0.251  of conv1, 12 spikes")
print("~ 3 s")
# %%
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(2, 1))
ax.set_title("first")
# %%
fig
"""

PAGE = """
# 5 spikes
See the [glossary](../glossary.md), [a site](https://example.org) and $v[t]$.

```python
print("rate  0.251  of conv1, 12 spikes")
print("~ 3 s")
```

```output
rate  0.251  of conv1, 12 spikes
~ 3 s
```

```python
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(2, 1))
ax.set_title("first")
```

![first](01_rate/1.png)

```python
fig
```

![first](01_rate/2.png)
"""


@pytest.fixture
def tutorial(tmp_path):
    """A tutorial, not run yet."""
    path = tmp_path / "01_rate.py"
    path.write_text(TUTORIAL)
    return path


@pytest.fixture
def page(tutorial):
    """Its page, written."""
    pages.write(pages.page_of(tutorial), *pages.render(tutorial)[:2])
    return pages.page_of(tutorial)


def docs(*words):
    return cli.main(["docs", "tutorials", *map(str, words)])


def test_a_page_has_text_code_output_and_the_figures_of_each_cell(tutorial):
    text, pictures, _ = pages.render(tutorial)
    assert text.partition("\n")[2] == PAGE
    assert list(pictures) == ["01_rate/1.png", "01_rate/2.png"]
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())
    assert pages.render(tutorial)[1] == pictures


def test_a_tutorial_runs_in_its_own_folder(tutorial):
    tutorial.write_text("from pathlib import Path\nprint(Path('01_rate.py').exists())")
    assert "```output\nTrue\n```" in pages.render(tutorial)[0]


@pytest.mark.parametrize(("text", "said"), [
    ("a = 1\n# %% [raw]\n", "line 2: a cell begins"),
    ("# %% [markdown]\n\n# text\ncode = 1\n", "line 4: a line of a text cell begins with #"),
    ("# %%\na\n\n# %%\n1 / 0", "cell 1, line 2: NameError: name 'a' is not defined"),
    ("# %%\nx = (\n", "cell 1, line 2: SyntaxError: '(' was never closed"),
    ("# %%\ndef f():\n    1 / 0\n# %%\nf()", "cell 2, line 3: ZeroDivisionError"),
    ("raise ValueError('two\\nlines')", "cell 1, line 1: ValueError: two lines"),
    ("raise SystemExit(3)", "cell 1, line 1: SystemExit: 3"),
    ("import matplotlib.pyplot as p, numpy as n\n"
     "p.figure(figsize=(9, 9), dpi=100).figimage(n.random.default_rng(0).random((900, 900)))",
     "cell 1, line 1: a figure has "),
])  # fmt: skip
def test_a_cell_that_fails_is_named_with_its_line(tutorial, text, said, refused):
    tutorial.write_text(text)
    with refused(said):
        pages.render(tutorial)


@pytest.mark.parametrize(("name", "message"), [
    ("02_none.py", "cannot read .*: No such file"), ("02.ipynb", "is no Python file"),
])  # fmt: skip
def test_a_file_that_is_no_tutorial_is_refused(tmp_path, name, message, complaint):
    for command in (["docs", "tutorials"], ["notebook", "--overwrite"]):
        assert re.search(message, complaint(*command, tmp_path / "typo" / name))
    assert list(tmp_path.iterdir()) == []


def test_writing_again_removes_figures_that_are_gone(page, tutorial):
    tutorial.write_text(TUTORIAL.rpartition("# %%")[0])
    assert docs(tutorial) == 0
    assert [path.name for path in page.with_suffix("").iterdir()] == ["1.png"]


@pytest.mark.parametrize(("ours", "theirs", "equal"), [
    ("12", "13", True), ("12", "14", False), ("79,510", "79,511", True),
    ("79,510", "79,512", False), ("0.25", "0.26", True), ("0.25", "0.27", False),
    ("0.123456", "0.124", True), ("0.123456", "0.1249", False), ("99.9", "100.0", True),
    ("-0.00", "0.00", True), ("1.23e-05", "1.24e-05", True), ("1.23e-05", "1.23e-06", False),
    ("1.5e+03", "1500", True), ("123.456", "124.1", True), ("[0. 1.5]", "[0. 1.6]", True),
    ("a  0.10 b", "a 0.11   b", True), ("a 0.10 b", "a 0.10 c", False),
    ("conv1", "conv2", False), ("1 2", "1", False),
    ("(1, 2)", "(1 2)", False), ("nan", "inf", False),
])  # fmt: skip
def test_printed_lines_are_alike_but_for_spaces_and_one_in_the_last_digit(ours, theirs, equal):
    assert pages.alike(ours, theirs) == equal
    assert pages.alike(theirs, ours) == equal


@pytest.mark.parametrize(("old", "new", "line"), [
    ("\nrate  0.251  of", "\nrate 0.252 of", None), ("12 spikes\n", "11 spikes\n", None),
    ("\n~ 3 s\n", "\n~ 300 s\n~ or more\n", None), ("\n~ 3 s\n", "\n~ 3 s\nmore\n", 14),
    ("12 spikes\n", "10 spikes\n", 12), ("5 spikes", "6 spikes", 3), ("(2, 1)", "(3, 1)", 18),
    ('print("~ 3 s")', 'print("~ 4 s")', 8), ("```python\nfig\n```\n\n", "", 24),
    ("![first]", "![other]", 22), ("2.png)\n", "2.png)\n\nby hand\n", 30),
])  # fmt: skip
def test_a_page_may_differ_from_a_run_in_what_is_printed_only(page, old, new, line):
    fresh = page.read_text()
    assert old in fresh
    page.write_text(fresh.replace(old, new))
    found = pages.difference(page, fresh, {})
    assert found is None if line is None else found.startswith(f"{page}, line {line}: ")


def test_what_is_edited_or_missing_is_one_line_and_nothing_is_written(page, tutorial, capsys):
    figure = page.with_suffix("") / "1.png"
    figure.write_bytes(b"other pixels")
    assert docs("--check", tutorial) == 0
    assert f"{page} is up to date" in capsys.readouterr().out
    figure.unlink()
    assert docs("--check", tutorial) == 1
    assert f"nsnn: error: {tutorial}: {figure} is missing (" in capsys.readouterr().err
    page.write_text("by hand")
    assert docs("--check", tutorial) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"nsnn: error: {tutorial}: {page}, line 1: 'by hand', a run gives '*Wri")
    assert err.count("\n") == 1
    assert page.read_text() == "by hand"


def test_a_tutorial_that_fails_leaves_its_page_and_the_others_are_written(page, tutorial, capsys):
    before = page.read_text()
    tutorial.write_text("# %%\nmissing\n")
    other, dead = tutorial.with_name("02_other.py"), tutorial.with_name("03_dead.py")
    other.write_text("print('other')")
    dead.write_text("import os\nos._exit(3)")
    assert docs(tutorial, other, dead, "--jobs", 2) == 2
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        f"nsnn: error: {tutorial}: cell 1, line 2: NameError: name 'missing' is not defined",
        f"nsnn: error: {dead}: its process ended with exit code 3",
    ]
    assert "02_other.md written: " in out
    assert page.read_text() == before


def test_without_files_all_tutorials_here_are_meant(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert docs() == 2
    assert "no folder tutorials here" in capsys.readouterr().err
    (tmp_path / "tutorials").mkdir()
    (tmp_path / "tutorials/01_x.py").write_text("print(1)")
    assert docs() == docs("--check") == 0
    assert (tmp_path / "tutorials/pages/01_x.md").exists()
