"""Compares a committed page with a fresh run of its tutorial."""

import itertools
import re
from decimal import Decimal

from nsnn.docs.pages import OUTPUT

# Digits that belong to a word, as in conv1, are text.
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d*)?(?:[eE][-+]?\d+)?")
_DIGITS = 3
_END = (0, "the end of the page")


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
