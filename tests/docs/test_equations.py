"""The index of equations, the glossary, the tables of the READMEs, and the links of all pages."""

import re
from pathlib import Path

import pytest

from nsnn.docs import equations
from nsnn.errors import UserError

ROOT = Path(__file__).parents[2]
FOLDERS = (".", "tutorials", "tutorials/pages", "tutorials/papers")
TUTORIALS = sorted(ROOT.glob("tutorials/[0-9][0-9]_*.py"))
PAGES = sorted(path for folder in FOLDERS for path in ROOT.joinpath(folder).glob("*.md"))


def test_every_equation_has_code_and_a_test_that_calls_it(monkeypatch):
    monkeypatch.chdir(ROOT)
    rows = [line for line in equations.render()[0].splitlines() if " | [" in line]
    assert len(rows) == sum(map(len, equations.PAPERS.values()))
    for row in rows:
        _, _, code, test, _ = (cell.strip() for cell in row.strip("|").split("|"))
        assert code, row
        assert test, row


@pytest.mark.parametrize(("text", "found"), [
    ("NDSNN Eq. 2b, corrected", ["NDSNN Eq. 2b"]),
    ("NDSNN\n    Eqs. 1a-1c", ["NDSNN Eq. 1a", "NDSNN Eq. 1b", "NDSNN Eq. 1c"]),
    ("NDSNN Eqs. 2a to 2c and 9", ["NDSNN Eq. 2a", "NDSNN Eq. 2b", "NDSNN Eq. 2c", "NDSNN Eq. 9"]),
    ("by NDSNN Eq. 1", ["NDSNN Eq. 1a", "NDSNN Eq. 1b", "NDSNN Eq. 1c"]),
    ("ESL Eqs. 8–9; SD-SNN Algorithm 2", ["ESL Eq. 8", "ESL Eq. 9", "SD-SNN Algorithm 2"]),
    ("NDSNN Table I and Eq. 4", []),
])  # fmt: skip
def test_equations_are_read_from_a_text(text, found):
    assert sorted(map(" ".join, equations.mentions(text, "here"))) == found


def test_an_equation_that_a_paper_does_not_have_is_refused_with_its_place():
    with pytest.raises(UserError, match=r"^x\.py, f: NDSNN has no Eq\. 12$"):
        equations.mentions("NDSNN Eq. 12", "x.py, f")


def test_the_index_follows_source_lines_and_tutorials(tmp_path, monkeypatch, said, complaint):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "nsnn/a/b.py": 'class K:\n    def f(self):\n        """It. Source: ESL Eq. 2"""\n',
        "nsnn/reference/c.py": 'def f():\n    """ESL Eq. 2 without the word."""\n',
        "tests/test_b.py": "from nsnn.a.b import K\nK().f()\n",
        "tests/test_other.py": "K = 1\n",
        "tutorials/01_t.py": "# %% [markdown]\n# By ESL\n# Eqs. 1, 2.\n",
    }.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    said("docs", "equations")
    row = "| [a.b.K.f](../nsnn/a/b.py) | [test_b](../tests/test_b.py) | [01_t](../tutorials/pages/"
    assert row in Path("tutorials/equations.md").read_text()
    said("docs", "equations", "--check")
    Path("nsnn/a/b.py").write_text("")
    assert "tutorials/equations.md, line " in complaint("docs", "equations", "--check", code=1)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_resolves(path):
    text = re.sub(r"^(`{3,}).*?^\1$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"(?:\]\(|src=\")(?!\w+:)([^)#\s\"]+)", text)
    # A tutorial may name the next one before that is written.
    coming = {f"{n:02}" for n in range(1, 15)} - {each.name[:2] for each in TUTORIALS}
    broken = [link for link in links if not (path.parent / link).exists()]
    assert [link for link in broken if link.rpartition("pages/")[2][:2] not in coming] == []


def test_what_the_glossary_names_is_where_it_says():
    absent = []
    for line in (ROOT / "tutorials/glossary.md").read_text().splitlines():
        if "](../nsnn/" in line:
            _, names, _, where = (cell.strip() for cell in line.strip("|").split("|"))
            text = (ROOT / "tutorials" / where.rpartition("](")[2].rstrip(")")).read_text()
            names = re.findall("`([^`]+)`", names)
            absent += [line for name in names if not re.search(rf"\b{name}\b", text)]
    assert absent == []


def test_every_page_has_a_tutorial_and_every_tutorial_a_row_in_the_readme():
    pages = {path.stem for path in ROOT.glob("tutorials/pages/*.md")}
    assert pages <= {path.stem for path in TUTORIALS}
    table = (ROOT / "tutorials/README.md").read_text()
    assert [path for path in TUTORIALS if f"](pages/{path.stem}.md)**" not in table] == []


def test_the_table_of_the_readme_repeats_a_committed_one():
    rows = re.findall(r"^\| (?:MNIST|CIFAR|…).*", (ROOT / "README.md").read_text(), re.MULTILINE)
    cells = [cell.strip() for row in rows for cell in row.strip("|").split("|")[1:]]
    path = ROOT / "tutorials/results/ndsnn-table1/small/table.md"
    committed = re.sub(" +", " ", path.read_text())
    assert len(rows) == 6
    assert [cell for cell in cells if cell and f"| {cell} |" not in committed] == []
