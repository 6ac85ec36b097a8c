"""The few things that are said everywhere: the nearest name, amounts, tables."""

import difflib

MARKDOWN = "markdown"


def whatever_case(name: str, known) -> str:
    """The known name that is `name` but for upper and lower case; `name` itself where none is."""
    alike = [each for each in known if str(each).lower() == str(name).lower()]
    return name if name in known or not alike else alike[0]


def nearest(name: str, known) -> str:
    """The nearest of the known names and all of them, such as "did you mean set? Known: set, lth".

    Upper and lower case count as equal. Where none is near, only what is known.
    """
    known = list(known)
    if not known:
        return "none is known"
    lower = {str(each).lower(): each for each in reversed(known)}
    near = difflib.get_close_matches(str(name).lower(), list(lower), n=1, cutoff=0.5)
    meant = "".join(f"did you mean {lower[each]}? " for each in near)
    return f"{meant}Known: {', '.join(map(str, known))}"


def plural(count: int, noun: str) -> str:
    """Such as "1 epoch", "3 epochs"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def size(count: float) -> str:
    """Bytes in the unit that fits, such as "684.5 KiB" or "2.72 MiB"."""
    if count >= 1 << 30:
        return f"{count / (1 << 30):.2f} GiB"
    return f"{count / (1 << 20):.2f} MiB" if count >= 1 << 20 else f"{count / (1 << 10):.1f} KiB"


def duration(seconds: float) -> str:
    """Such as "45 s", "3 min" or "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours = seconds / 3600
    return f"{seconds / 60:.0f} min" if hours < 1.5 else f"{hours:,.{1 if hours < 100 else 0}f} h"


def percent(fraction: float, digits: int = 2) -> str:
    """Such as "97.55 %"."""
    return f"{100 * fraction:.{digits}f} %"


def table(head, rows, left: int = 1, style: str = "plain") -> str:
    """Rows below a head, columns as wide as their widest cell.

    Cells may be of any type, `str` is what is printed. The first columns, `left` of them, are text,
    flush left; the others flush right. With `style` "markdown" the source is padded, too.
    """
    lines = [[str(cell) for cell in line] for line in (head, *rows)]
    least = 3 if style == MARKDOWN else 0
    widths = [max(least, *map(len, column)) for column in zip(*lines, strict=True)]
    flush = [str.ljust] * left + [str.rjust] * (len(widths) - left)
    lines = [[to(*cell) for to, *cell in zip(flush, line, widths, strict=True)] for line in lines]
    if style != MARKDOWN:
        return "\n".join("  ".join(line).rstrip() for line in lines)
    rule = ["-" * w if i < left else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
