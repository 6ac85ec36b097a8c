"""Compares a committed page with a fresh run of its tutorial."""

import re

from nsnn.docs import pages

# Digits that belong to a word, as in conv1, are text.
_NUMBER = re.compile(r"(?<![\w.])[-+−]?\d[\d,]*(?:\.\d*)?(?:[eE][-+]?\d+)?")
_DIGITS = 3
_ASIDE = "~"


def difference(tutorial, text: str, pictures) -> str | None:
    """What tells the page of a tutorial from a run of it, in one line; None if nothing does.

    Text and code are equal; numbers in the output are `near`; lines of the output that begin with
    `~` may say, or be, anything; a figure is there or not, its pixels are not compared.
    """
    page = pages.page_of(tutorial)
    again = f"run nsnn docs tutorials {tutorial}"
    if not page.is_file():
        return f"{page} is missing: {again}"
    committed, fresh = (_lines(each) for each in (page.read_text(encoding="utf-8"), text))
    end = (len(committed), False, "the end of the page")
    for i in range(max(len(committed), len(fresh))):
        number, is_output, ours = committed[i] if i < len(committed) else end
        _, output, theirs = fresh[i] if i < len(fresh) else end
        if ours != theirs and not (is_output and output and alike(ours, theirs)):
            said = f"{ours.strip()!r}, a run of {tutorial} gives {theirs.strip()!r}"
            return f"{page}, line {number}: {said}: edit the tutorial, then {again}"
    for name in pictures:
        if not (page.parent / name).is_file():
            return f"{page.parent / name} is missing: {again}"
    for path in pages.leftovers(tutorial, pictures):
        return f"{path} belongs to no figure of {tutorial}: {again}"
    return None


def _lines(page: str) -> list[tuple[int, bool, str]]:
    """(number, whether it was printed, line) for each line of a page but those that begin with ~.

    Only where something was printed may a line be left out.
    """
    found, fence = [], None
    for number, line in enumerate(page.splitlines(), 1):
        start = re.match(r"`{3,}", line)
        if fence and line == fence[0]:
            fence = None
        elif start and not fence:
            fence = start[0], line == start[0] + pages.OUTPUT
        elif fence and fence[1]:
            if not line.startswith(_ASIDE):
                found.append((number, True, line))
            continue
        found.append((number, False, line))
    return found


def alike(ours: str, theirs: str) -> bool:
    """Whether two printed lines are equal but for numbers that are `near` and for spaces."""
    texts = [_NUMBER.sub("0", line).split() for line in (ours, theirs)]
    numbers = zip(_NUMBER.findall(ours), _NUMBER.findall(theirs), strict=False)
    return texts[0] == texts[1] and all(near(a, b) for a, b in numbers)


def near(a: str, b: str) -> bool:
    """Whether two printed numbers differ by at most one in the last digit that counts.

    That is the last printed digit; of a number with a point or an exponent the third that is not a
    leading zero, if it has more.

    Examples
    --------
    >>> near("0.25", "0.26"), near("0.25", "0.27"), near("0.123456", "0.1239")
    (True, False, True)
    >>> near("1,000", "999"), near("79510", "79512")
    (True, False)
    """
    (x, unit_x), (y, unit_y) = _value(a), _value(b)
    return abs(x - y) <= max(unit_x, unit_y) * (1 + 1e-9)


def _value(text: str) -> tuple[float, float]:
    """A printed number and one in its last digit that counts."""
    mantissa, _, exponent = text.replace(",", "").replace("−", "-").lower().partition("e")
    whole, point, decimals = mantissa.lstrip("+-").partition(".")
    places = len(decimals)
    if point or exponent:
        places -= max(0, len((whole + decimals).lstrip("0")) - _DIGITS)
    return float(mantissa) * 10.0 ** int(exponent or 0), 10.0 ** (int(exponent or 0) - places)
