"""The commands of `nsnn`, one file each.

A command's file is light: NumPy, Numba and pyplot take a second, so what is heavy is imported in
`run`. The first line of its docstring is its help text, the rest is printed below its options.

`ARGUMENTS` has what `argparse` takes of each of its arguments; a command of several actions has
`ACTIONS` instead, of each its help text and its arguments, and `options.action`. `run(options)`
carries it out and returns the exit code.
"""

import argparse
from pathlib import Path

# Of all commands that meet methods, models or data sets of the user.
PLUGIN = {
    "action": "append", "default": [], "metavar": "FILE.py",
    "help": "a file that registers methods, models or data sets; may be given several times",
}  # fmt: skip


def folder(text: str) -> str:
    """The type of an argument that names a folder or a file."""
    if not text:
        raise argparse.ArgumentTypeError("needs the name of a folder or file, got an empty one")
    return text


def new_file(text: str) -> str:
    """The type of an argument that names a file to be written, in a folder that is there."""
    if not Path(folder(text)).absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: there is no folder {Path(text).parent}")
    return text


def whole(least: int):
    """The type of an argument that is a whole number from `least`."""

    def number(text):
        if not least <= int(text) < 10**12:
            raise argparse.ArgumentTypeError(f"{text} is not at least {least} and below 10^12")
        return int(text)

    return number
