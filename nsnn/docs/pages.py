"""Reads a tutorial, runs it, and writes its page or compares it: text, code, output, figures.

Tutorials are in percent format: a Python file whose cells begin with `# %%`.
"""

import ast
import contextlib
import io
import itertools
import re
import time
import traceback
from decimal import Decimal
from pathlib import Path

from nsnn.errors import UserError
from nsnn.files import make_folder, write_atomic, write_text

OUTPUT = "```output"  # above what was printed
MOST = 100_000  # bytes of a figure

# Of a relative link: what a tutorial says of its own folder, its page says of the folder above.
_LINK = re.compile(r"(\]\((?![a-z]+:|[#/]))")
# Digits that belong to a word, as in conv1, are text.
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d*)?(?:[eE][-+]?\d+)?")
_DIGITS = 3  # of a number that count, see `near`
_END = (0, "the end of the page")


def page_of(tutorial) -> Path:
    """Where the page of a tutorial stands: `pages/NN_topic.md` beside it."""
    path = Path(tutorial)
    return path.parent / "pages" / f"{path.stem}.md"


def tutorials() -> list[Path]:
    """The tutorials of the clone of nsnn that is the current folder; UserError for another."""
    if not Path("tutorials").is_dir():
        raise UserError("no folder tutorials here: name a file, or go to a clone of nsnn")
    return sorted(Path("tutorials").glob("[0-9][0-9]_*.py"))


def write(page, text: str, pictures: dict) -> None:
    """Write a page, its figures first; figures that it no longer has are removed."""
    make_folder(page.parent)
    for name, content in pictures.items():
        path = page.parent / name
        make_folder(path.parent)
        write_atomic(path, lambda file, content=content: file.write(content))
    write_text(page, text)
    for path in page.with_suffix("").glob("*.png"):
        if f"{page.stem}/{path.name}" not in pictures:
            path.unlink()


def cells(tutorial) -> list[tuple[bool, int, str]]:
    """(whether it is Markdown, its first line in the file, source) of each cell of a percent file.

    What stands before the first `# %%` is a cell of code. Markdown has lost its `# `.

    Raises UserError for a file that is not Python or cannot be read, a kind of cell that is neither
    code nor `[markdown]`, and a line of a text cell that is no comment.
    """
    path = Path(tutorial)
    if path.suffix != ".py":
        raise UserError(f"{path} is no Python file: name a tutorial, tutorials/NN_topic.py")
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from error
    found, line = [], 1
    for part in re.split(r"^(?=# %%)", content, flags=re.MULTILINE):
        marker, kind = re.match(r"(# %%[^\n\[]*(\[.*\])? *|)", part).groups()
        if kind not in (None, "[markdown]"):
            raise UserError(f"{path}, line {line}: a cell begins # %% or # %% [markdown]")
        body = part.removeprefix(marker)
        source = body.lstrip("\n")
        start = line + len(body) - len(source)
        line += part.count("\n")
        if kind:
            for number, text in enumerate(source.split("\n"), start):
                if text and not text.startswith("#"):
                    raise UserError(f"{path}, line {number}: a line of a text cell begins with #")
            source = re.sub("^# ?", "", source, flags=re.MULTILINE)
        if source:
            found.append((bool(kind), start, source.rstrip()))
    return found


def render(tutorial) -> tuple[str, dict[str, bytes], float]:
    """Run a tutorial in its own folder, without a display.

    A cell's figures are those that pyplot has open at its end, and a `Figure` in its last line.

    Returns the page, its PNG files by name, such as "01_neuron/1.png", and the seconds of the run.
    Raises UserError that names cell and line where a cell fails, or a figure is too large.
    """
    import matplotlib

    matplotlib.use("Agg")
    path, started = Path(tutorial), time.monotonic()
    source = f"a run of [{path.name}](../{path.name})"
    page = [f"*Written by `nsnn docs tutorials` from {source}: edit that file, not this page.*"]
    pictures, names = {}, {"__name__": "__main__"}
    for number, (is_text, line, source) in enumerate(cells(path), 1):
        if is_text:
            page.append(_LINK.sub(r"\1../", source))
            continue
        where = f"cell {number}, line"
        printed, figures = _run(source, line, path, names, where)
        page.append(f"```python\n{source}\n```")
        if printed.strip():
            page.append(f"{OUTPUT}\n{re.sub(' +$', '', printed, flags=re.M).rstrip()}\n```")
        for figure in figures:
            name = f"{path.stem}/{len(pictures) + 1}.png"
            pictures[name] = _png(figure, f"{where} {line}")
            titles = [ax.get_title(side) for ax in figure.axes for side in ("left", "center")]
            title = next(filter(None, [figure.get_suptitle(), *titles]), path.stem)
            page.append(f"![{' '.join(title.split())}]({name})")
    return "\n\n".join(page) + "\n", pictures, time.monotonic() - started


def _run(source: str, line: int, path: Path, names: dict, where: str) -> tuple[str, list]:
    """What a cell prints, and its figures."""
    from matplotlib import pyplot
    from matplotlib.figure import Figure

    printed, file, value = io.StringIO(), str(path.resolve()), None
    try:
        # Empty lines above, so that a traceback speaks of the lines of the file.
        tree = ast.parse("\n" * (line - 1) + source, file)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with contextlib.redirect_stdout(printed), contextlib.chdir(path.parent):
            exec(compile(tree, file, "exec"), names)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), file, "eval"), names)
    except (Exception, SystemExit) as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
        # A mistake of syntax has no frame, but a line of its own.
        line = lines[-1] if lines else getattr(error, "lineno", line)
        reason = traceback.format_exception_only(error)[-1].split()
        raise UserError(f"{where} {line}: {' '.join(reason)}") from error
    figures = [pyplot.figure(each) for each in pyplot.get_fignums()]
    if isinstance(value, Figure) and value not in figures:
        figures.append(value)
    pyplot.close("all")
    return printed.getvalue(), figures


def _png(figure, where: str) -> bytes:
    """A figure as a PNG file; equal figures are equal bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
    content = file.getvalue()
    if len(content) > MOST:
        raise UserError(f"{where}: a figure has {len(content):,} bytes, at most {MOST:,}")
    return content


def difference(page, text: str, pictures) -> str | None:
    """What tells a page from one that a run has given, in a few words; None if nothing does.

    Text and code are equal, what was printed is `alike`; lines that begin with `~` may say
    anything, or be left out; of a figure only its file has to be there.
    """
    if not page.is_file():
        return f"{page} is missing"
    committed, fresh = (
        [(i, line) for i, line in enumerate(content.split("\n"), 1) if not line.startswith("~")]
        for content in (page.read_text(encoding="utf-8"), text)
    )
    printed = False
    for (i, ours), (_, theirs) in itertools.zip_longest(committed, fresh, fillvalue=_END):
        if theirs.startswith("```"):
            printed = theirs == OUTPUT
        if ours != theirs and not (printed and alike(ours, theirs)):
            pairs = enumerate(itertools.zip_longest(ours, theirs))
            start = max(0, next(k for k, (a, b) in pairs if a != b) - 20)
            ours, theirs = (line[start : start + 60] for line in (ours, theirs))
            return f"{page}, line {i or 'last'}: {ours!r}, a run gives {theirs!r}"
    missing = [name for name in pictures if not (page.parent / name).is_file()]
    return f"{page.parent / missing[0]} is missing" if missing else None


def alike(ours: str, theirs: str) -> bool:
    """Whether two printed lines are equal but for numbers that are `near` and for spaces."""
    texts = [_NUMBER.sub("0", line).split() for line in (ours, theirs)]
    numbers = zip(_NUMBER.findall(ours), _NUMBER.findall(theirs), strict=False)
    return texts[0] == texts[1] and all(near(a, b) for a, b in numbers)


def near(a: str, b: str) -> bool:
    """Whether two printed numbers differ by at most one in the last digit that counts.

    That is the last printed digit; of a number with decimals or an exponent the third that is not
    a leading zero, if it has more.
    """
    x, y = (Decimal(text.replace(",", "")) for text in (a, b))
    return abs(x - y) <= max(_unit(x), _unit(y))


def _unit(number: Decimal) -> Decimal:
    _, digits, exponent = number.as_tuple()
    if exponent:
        exponent += max(0, len(digits) - _DIGITS)
    return Decimal(1).scaleb(exponent)
