"""The index of the papers' equations: where each is implemented, tested and taught.

What implements an equation says so in its docstring, `Source: NDSNN Eqs. 2a-2c; ESL Eq. 5`; a
tutorial names what it teaches in the same words. `equations.toml` lists all there are.
"""

import ast
import functools
import re
import time
import tomllib
from pathlib import Path

from nsnn.docs.pages import page_of, tutorials
from nsnn.errors import UserError

_read = functools.partial(Path.read_text, encoding="utf-8")

PAGE = Path("tutorials/equations.md")
PAPERS = tomllib.loads(_read(Path(__file__).with_suffix(".toml")))

_NUMBERS = r"\d+[a-c]?(?:(?:, | and | to |[-–])\d+[a-c]?)*"
_MENTION = re.compile(rf"({'|'.join(PAPERS)}) (?:(Eq)s?\.|Algorithm) ({_NUMBERS})")
_HEAD = """# Equations

Every numbered equation and algorithm of the three papers. Written by `nsnn docs equations` from the
`Source:` lines of docstrings; the formula in plain NumPy (`reference`) stands first.
"""
_COLUMNS = "| | what it says | code | test | tutorial |\n|---|---|---|---|---|"


def mentions(text: str, where) -> set[tuple[str, str]]:
    """The equations, such as ("NDSNN", "Eq. 2b"), that a text names; UserError for unknown ones."""
    found = set()
    for paper, kind, numbers in _MENTION.findall(" ".join(text.split())):
        known = list(PAPERS[paper])
        for part in re.split(", | and ", numbers):
            what = "Eq. " if kind else "Algorithm "
            ends = [what + each for each in re.split(" to |[-–]", part)]
            # "Eq. 1" means 1a, 1b and 1c.
            alike = [[k for k in known if end in (k, k.rstrip("abc"))] for end in ends]
            if not all(alike):
                raise UserError(f"{where}: {paper} has no {' to '.join(ends)}")
            first, last = known.index(alike[0][0]), known.index(alike[-1][-1])
            found |= {(paper, label) for label in known[first : last + 1]}
    return found


def implemented(node, path, prefix="") -> list[tuple[Path, str, set]]:
    """(file, name, equations) of all functions and classes in a module or class."""
    found = []
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            name = prefix + child.name
            sources = (ast.get_docstring(child) or "").split("Source:")[1:]
            text = "; ".join(source.partition("\n\n")[0] for source in sources)
            found.append((path, name, mentions(text, f"{path}, {name}")))
            if isinstance(child, ast.ClassDef):
                found += implemented(child, path, f"{name}.")
    return found


def render() -> tuple[str, dict, float]:
    """The index of the clone of nsnn in the current folder, as `nsnn.docs.pages.render` returns."""
    code, started = [], time.monotonic()
    taught = {path: mentions(_read(path).replace("\n#", "\n"), path) for path in tutorials()}
    for path in sorted(Path("nsnn").rglob("*.py"), key=lambda p: ("reference" not in p.parts, p)):
        code += implemented(ast.parse(_read(path)), path)
    tests = {path: _read(path) for path in Path("tests").rglob("test_*.py")}
    lines = [_HEAD]
    for paper, equations in PAPERS.items():
        lines += [f"## {paper}\n", _COLUMNS]
        for label, title in equations.items():
            here = [(path, name) for path, name, named in code if (paper, label) in named]
            found = [test for path, name in here if (test := _test(path, name, tests))]
            columns = (
                [(".".join([*path.with_suffix("").parts[1:], name]), path) for path, name in here],
                [(path.stem, path) for path in dict.fromkeys(found)],
                [(path.stem, page_of(path)) for path in taught if (paper, label) in taught[path]],
            )
            cells = ["<br>".join(f"[{name}](../{path})" for name, path in each) for each in columns]
            lines.append(f"| {label} | {title} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines), {}, time.monotonic() - started


def _test(path: Path, name: str, tests: dict) -> Path | None:
    """A test file that imports a function or class: its module's, or the one that names it most."""
    first, package = name.partition(".")[0], r"\.".join(path.parent.parts)
    imported = re.compile(rf"{package}(\.{path.stem}\b| import .*\b({path.stem}|{first})\b)")
    counts = {
        test: (f"test_{path.stem}" in str(test), len(re.findall(rf"\b{first}\b", text)))
        for test, text in tests.items()
        if imported.search(text) and re.search(rf"\b{first}\b", text)
    }
    return max(sorted(counts), key=counts.get, default=None)
