"""A page whose measured blocks are written by the commands that they name.

A block of a Markdown page looks like this, and holds what its command printed:

    <!-- nsnn bench step --sparsity .95 -->
    ```text
    …
    ```
    <!-- end -->
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from nsnn.errors import RunError, UserError
from nsnn.files import write_text

_BLOCK = re.compile(r"<!-- (nsnn [^\n]*?) -->\n(.*?)<!-- end -->", re.DOTALL)
INVALID = "not valid: "  # how a report begins its line about a disturbed measurement


def commands(text: str) -> list[str]:
    """The commands of a page's blocks, in order."""
    return [match[1] for match in _BLOCK.finditer(text)]


def fill(text: str, command: str, output: str) -> str:
    """The page with the block of `command` holding `output`."""

    def block(match):
        if match[1] != command:
            return match[0]
        return f"<!-- {command} -->\n```text\n{output.strip()}\n```\n<!-- end -->"

    return _BLOCK.sub(block, text)


def run(command: str) -> str:
    """What a command prints, run in a fresh process.

    Raises
    ------
    RunError
        If it fails, or says that the machine was busy with something else.
    """
    arguments = shlex.split(command)[1:]  # without the word nsnn
    done = subprocess.run(
        [sys.executable, "-m", "nsnn", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RunError(f"{command} failed: {done.stderr.strip()}")
    if INVALID in done.stdout:
        raise RunError(
            f"{command}: the machine was busy with something else, its block is as before"
        )
    return done.stdout


def write(path, only: str = "") -> list[str]:
    """Run the commands of a page, and write what they print into it, block by block.

    Parameters
    ----------
    path : path-like
        A Markdown file with blocks.
    only : str
        Only the commands that contain this text.

    Returns
    -------
    list of str
        What could not be measured, a line each; those blocks are as they were.

    Raises
    ------
    UserError
        For a file that cannot be read, or has no such block.
    """
    path = Path(path)
    try:
        todo = [command for command in commands(path.read_text("utf-8")) if only in command]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if not todo:
        raise UserError(f"{path} has no block '<!-- nsnn bench … -->' with {only!r} in its command")
    failures = []
    for command in todo:
        print(f"{command} ...", flush=True)
        try:
            output = run(command)
        except RunError as error:
            failures.append(str(error))
            continue
        # Read again: somebody may have edited the page in the meantime.
        write_text(path, fill(path.read_text("utf-8"), command, output))
    return failures
