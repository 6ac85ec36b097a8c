"""`nsnn notebook`: what it writes, and that a Jupyter kernel runs it."""

import importlib.util
import json

import pytest

TUTORIAL = """# %% [markdown]
# # Title
# text

# %%
import matplotlib.pyplot as plt
from nsnn.plot.style import new_figure

print("one")
plt.subplots(figsize=(2, 1))

# %%
figure = new_figure(2, 1)
figure.add_subplot().plot([0, 1])
figure
"""


@pytest.fixture
def tutorial(tmp_path):
    path = tmp_path / "01_try.py"
    path.write_text(TUTORIAL)
    return path


def test_a_notebook_has_the_cells_of_the_tutorial(tutorial, said):
    assert said("notebook", tutorial) == f"{tutorial.with_suffix('.ipynb')}: 4 cells\n"
    notebook = json.loads(tutorial.with_suffix(".ipynb").read_text())
    cells = notebook.pop("cells")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    assert notebook == {"metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 4}
    assert cells[1] == {"cell_type": "markdown", "metadata": {}, "source": "# Title\ntext"}
    code = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    assert cells[0] == code | {"source": "%matplotlib inline"}
    assert cells[3] == code | {"source": TUTORIAL.rpartition("# %%\n")[2].rstrip()}


def test_a_notebook_is_replaced_only_when_asked(tutorial, said, complaint):
    path = tutorial.with_suffix(".ipynb")
    path.write_text("someone's answers")
    assert f"error: {path} exists: remove it, or say --overwrite" in complaint("notebook", tutorial)
    assert path.read_text() == "someone's answers"
    said("notebook", tutorial, "--overwrite")
    assert json.loads(path.read_text())["nbformat"] == 4


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("nbclient", "ipykernel"))),
    reason="needs nbclient and ipykernel: pip install '.[dev]'",
)
@pytest.mark.filterwarnings("default")
def test_a_jupyter_kernel_runs_it_and_shows_its_figures(tutorial, said):
    import nbclient
    import nbformat

    said("notebook", tutorial)
    notebook = nbformat.read(tutorial.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    *_, first, second = (cell.outputs for cell in notebook.cells if cell.cell_type == "code")
    assert any(output.get("text") == "one\n" for output in first)
    for outputs in (first, second):
        assert sum("image/png" in output.get("data", {}) for output in outputs) == 1
