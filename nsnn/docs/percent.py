"""Tutorials in percent format: a Python file whose cells begin with `# %%`."""

import dataclasses
import re
from pathlib import Path

from nsnn.errors import UserError

_MARKER = re.compile(r"# %%(?P<title>[^\[]*)(\[(?P<kind>\w+)\])?\s*$")


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell: `source` begins in `line` of its file, the first being 1.

    `text` is true for Markdown, whose lines have lost their `# `.
    """

    text: bool
    line: int
    source: str


def read(path) -> list[Cell]:
    """The cells of a percent file; what stands before the first `# %%` is a cell of code.

    Raises UserError for a file that cannot be read, a kind of cell that is neither code nor
    `[markdown]`, and a line of a text cell that is no comment.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from error
    starts = [(0, None)]
    for number, line in enumerate(lines, 1):
        if line.startswith("# %%"):
            marker = _MARKER.match(line)
            if marker is None or marker["kind"] not in (None, "markdown"):
                raise UserError(f"{path}, line {number}: a cell begins # %% or # %% [markdown]")
            starts.append((number, marker["kind"]))
    ends = [number - 1 for number, _ in starts[1:]] + [len(lines)]
    cells = []
    for (start, kind), end in zip(starts, ends, strict=True):
        body = lines[start:end]
        while body and not body[0].strip():
            body, start = body[1:], start + 1
        if kind:
            body = [_uncomment(line, path, number) for number, line in enumerate(body, start + 1)]
        source = "\n".join(body).rstrip()
        if source:
            cells.append(Cell(kind is not None, start + 1, source))
    return cells


def _uncomment(line: str, path, number: int) -> str:
    """A line of a text cell without its comment sign."""
    if line.strip() and not line.startswith("#"):
        raise UserError(f"{path}, line {number}: in a text cell each line begins with #")
    return line[1:].removeprefix(" ").rstrip()
