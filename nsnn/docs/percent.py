"""Tutorials in percent format: a Python file whose cells begin with `# %%`."""

import re
from pathlib import Path

from nsnn.errors import UserError


def read(path) -> list[tuple[bool, int, str]]:
    """(whether it is Markdown, its first line in the file, source) of each cell of a percent file.

    What stands before the first `# %%` is a cell of code. Markdown has lost its `# `.

    Raises UserError for a file that is not Python or cannot be read, a kind of cell that is neither
    code nor `[markdown]`, and a line of a text cell that is no comment.
    """
    if Path(path).suffix != ".py":
        raise UserError(f"{path} is no Python file: name a tutorial, tutorials/NN_topic.py")
    try:
        content = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from error
    cells, line = [], 1
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
            cells.append((bool(kind), start, source.rstrip()))
    return cells
