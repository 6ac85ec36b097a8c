"""Percent files, and the pages that a run of them gives."""

import pytest

from nsnn.docs import pages, percent
from nsnn.errors import UserError

TUTORIAL = '''"""Before the first cell."""

# %% [markdown]
# # Spikes
#
# See the [glossary](glossary.md), [the neuron](https://example.org) and $v[t]$.

# %% Two numbers
a = 2
print("a is", a)
print("~ about 3 s")

# %%
import matplotlib.pyplot as plt

for title in ("first", "second"):
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.set_title(title)

# %%
fig
# %%
b = a + 1
'''

PAGE = '''*Written by `nsnn docs tutorials` from a run of [01_spikes.py](../01_spikes.py): edit that file, not this page.*

```python
"""Before the first cell."""
```

# Spikes

See the [glossary](../glossary.md), [the neuron](https://example.org) and $v[t]$.

```python
a = 2
print("a is", a)
print("~ about 3 s")
```

```output
a is 2
~ about 3 s
```

```python
import matplotlib.pyplot as plt

for title in ("first", "second"):
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.set_title(title)
```

![first](01_spikes/1.png)

![second](01_spikes/2.png)

```python
fig
```

![second](01_spikes/3.png)

```python
b = a + 1
```
'''  # noqa: E501


@pytest.fixture
def tutorial(tmp_path):
    """A function that writes a tutorial and gives its path."""

    def write(text=TUTORIAL, name="01_spikes.py"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_cells_know_their_lines(tutorial):
    cells = percent.read(tutorial())
    assert [(is_text, line) for is_text, line, _ in cells] == [
        (False, 1), (True, 4), (False, 9), (False, 14), (False, 21), (False, 23),
    ]  # fmt: skip
    assert cells[1][2].startswith("# Spikes\n\nSee the")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# %% [raw]\n", "line 1: a cell begins"),
        ("\n# %% [markdown]\n# text\ncode = 1\n", "line 4: a line of a text cell begins with #"),
    ],
)
def test_what_is_no_percent_file_is_refused_with_its_line(tutorial, text, said):
    with pytest.raises(UserError, match=said):
        percent.read(tutorial(text))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*No such file"):
        percent.read(tmp_path / "02_none.py")


def test_a_page_has_text_code_output_and_the_figures_of_each_cell(tutorial):
    text, pictures, _ = pages.render(tutorial())
    assert text == PAGE
    assert list(pictures) == ["01_spikes/1.png", "01_spikes/2.png", "01_spikes/3.png"]
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())
    assert pages.render(tutorial())[1] == pictures


def test_a_tutorial_runs_in_its_own_folder(tutorial, tmp_path):
    (tmp_path / "number.txt").write_text("41")
    read = "from pathlib import Path\nprint(int(Path('number.txt').read_text()) + 1)"
    text, *_ = pages.render(tutorial(read))
    assert "```output\n42\n```" in text


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("1 / 0", "cell 2, line 5: ZeroDivisionError: division by zero"),
        ("x = 3\nassert x == 4", "cell 2, line 6: AssertionError"),
        ("x = (\n", "cell 2, line 5: SyntaxError: '(' was never closed"),
        ("def f():\n    return 1 / 0\n\nf()", "cell 2, line 6: ZeroDivisionError"),
        ("raise ValueError('two\\nlines')", "cell 2, line 5: ValueError: two lines"),
        ("raise SystemExit(3)", "cell 2, line 5: SystemExit: 3"),
        ("import numpy\nnumpy.zeros(-1)", "cell 2, line 6: ValueError: negative"),
    ],
)
def test_a_cell_that_fails_is_named_with_its_line(tutorial, cell, said):
    with pytest.raises(UserError) as caught:
        pages.render(tutorial(f"# %%\na = 1\n\n# %%\n{cell}\n"))
    assert f"01_spikes.py: {said}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_figure_that_is_too_large_is_refused_with_its_cell(tutorial):
    noise = "import numpy as np, matplotlib.pyplot as plt\n"
    noise += "plt.imshow(np.random.default_rng(0).random((900, 900)), interpolation='nearest')\n"
    with pytest.raises(UserError, match=r"cell 1, line 2: a figure has .* bytes, at most 100,000"):
        pages.render(tutorial(f"# %%\n{noise}plt.gcf().set_size_inches(12, 12)\n"))


def test_writing_again_removes_figures_that_are_gone(tutorial):
    path = tutorial()
    page = pages.page_of(path)
    pages.write(page, *pages.render(path)[:2])
    folder = path.parent / "pages/01_spikes"
    assert sorted(each.name for each in folder.iterdir()) == ["1.png", "2.png", "3.png"]
    pages.write(page, *pages.render(tutorial(TUTORIAL.replace("# %%\nfig\n", "")))[:2])
    assert sorted(each.name for each in folder.iterdir()) == ["1.png", "2.png"]
    assert "second](01_spikes/2.png)" in page.read_text()
