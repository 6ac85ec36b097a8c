"""Runs a tutorial, and writes its page: text, code, what it printed, its figures."""

import ast
import contextlib
import io
import linecache
import re
import traceback
from pathlib import Path

from nsnn.docs import percent
from nsnn.errors import UserError
from nsnn.files import make_folder, write_atomic, write_text

FOLDER = "pages"
OUTPUT = "output"  # the language of fences around what was printed; no other fence has it
MOST = 100_000  # bytes of a figure

# Of a relative link: what a tutorial says of its own folder, its page says of the folder above.
_LINK = re.compile(r"(\]\(|(?:src|href)=\")(?![a-z]+:|[#/])")


def page_of(tutorial) -> Path:
    """Where the page of a tutorial stands: `pages/NN_topic.md` beside it."""
    path = Path(tutorial)
    return path.parent / FOLDER / f"{path.stem}.md"


def write(tutorial, text: str, pictures: dict) -> None:
    """Write a page, its figures first; figures that it no longer has are removed."""
    page = page_of(tutorial)
    if pictures:
        make_folder(page.with_suffix(""))
    for name, content in pictures.items():
        write_atomic(page.parent / name, lambda file, content=content: file.write(content))
    write_text(page, text)
    for path in leftovers(tutorial, pictures):
        path.unlink()


def leftovers(tutorial, pictures) -> list[Path]:
    """Figures in the folder of a page that are not among those of a run."""
    page = page_of(tutorial)
    return sorted(
        path
        for path in page.with_suffix("").glob("*.png")
        if path.relative_to(page.parent).as_posix() not in pictures
    )


def render(tutorial) -> tuple[str, dict[str, bytes]]:
    """Run a tutorial in its own folder, without a display.

    A cell's figures are those that pyplot has open at its end, and a `Figure` in its last line;
    they are closed then.

    Returns
    -------
    text : str
        The page, in Markdown.
    pictures : dict of bytes
        PNG files by name, such as "01_neuron/1.png", beside the page.

    Raises
    ------
    UserError
        Where a cell fails: one line with file, cell and line. For a figure above `MOST`.
    """
    import matplotlib

    matplotlib.use("Agg")
    path = Path(tutorial)
    cells = percent.read(path)
    page, pictures, names = [_head(path)], {}, {"__name__": "__main__"}
    for number, cell in enumerate(cells, 1):
        if cell.text:
            page.append(_LINK.sub(r"\1../", cell.source))
            continue
        printed, figures = _run(cell, number, path, names)
        page.append(_fenced(cell.source, "python"))
        if printed.strip():
            page.append(_fenced(printed, OUTPUT))
        for figure in figures:
            name = f"{path.stem}/{len(pictures) + 1}.png"
            pictures[name] = _png(figure, f"{path}: cell {number}, line {cell.line}")
            page.append(f"![{_title(figure) or path.stem}]({name})")
    return "\n\n".join(page) + "\n", pictures


def _head(path: Path) -> str:
    return (
        f"*Written by `nsnn docs tutorials` from a run of [{path.name}](../{path.name}): edit that "
        "file, not this page.*"
    )


def _run(cell, number: int, path: Path, names: dict) -> tuple[str, list]:
    """Run a cell; what it printed and its figures."""
    from matplotlib import pyplot
    from matplotlib.figure import Figure

    printed, file, value = io.StringIO(), str(path.resolve()), None
    try:
        # Empty lines above, so that a traceback speaks of the lines of the file.
        tree = ast.parse("\n" * (cell.line - 1) + cell.source, file)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with contextlib.redirect_stdout(printed), contextlib.chdir(path.parent):
            exec(compile(tree, file, "exec"), names)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), file, "eval"), names)
    except (Exception, SystemExit) as error:
        raise UserError(f"{path}: cell {number}, {_blame(error, file)}") from error
    figures = [pyplot.figure(each) for each in pyplot.get_fignums()]
    if isinstance(value, Figure) and value not in figures:
        figures.append(value)
    pyplot.close("all")
    return printed.getvalue(), figures


def _blame(error, file: str) -> str:
    """The line of the tutorial in which an error arose, and what it says."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    if isinstance(error, SyntaxError) and error.filename == file:
        lines, error = [error.lineno], SyntaxError(error.msg)
    line = lines[-1] if lines else 0
    reason = str(error) or linecache.getline(file, line)
    return f"line {line}: {type(error).__name__}: {' '.join(reason.split())}"


def _fenced(text: str, language: str) -> str:
    """A block of code, in a fence longer than any inside it."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", text))])
    lines = "\n".join(line.rstrip() for line in text.rstrip().splitlines())
    return f"{fence}{language}\n{lines}\n{fence}"


def _png(figure, where: str) -> bytes:
    """A figure as a PNG file; equal figures are equal bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
    content = file.getvalue()
    if len(content) > MOST:
        raise UserError(
            f"{where}: a figure has {len(content):,} bytes, at most {MOST:,}: draw it smaller, or "
            "fewer points"
        )
    return content


def _title(figure) -> str:
    """What a figure shows, in the words of its title."""
    titles = [figure.get_suptitle()]
    titles += [ax.get_title(side) for ax in figure.axes for side in ("center", "left")]
    return " ".join(next((title for title in titles if title), "").split())
