"""Text for a terminal: aligned, and safe whatever the data holds."""

import re
from collections.abc import Sequence

from runtime.logs import printable
from runtime.timing import rfc3339

_LONGEST = 5_000
_LINE_BREAKS = re.compile(r" *[\t\n\r\f]\s*")
_GAP = "  "


def one_line(text: str, most: int = _LONGEST) -> str:
    """Return an expression, or other foreign text, on one line, cut to so many characters."""
    return printable(_LINE_BREAKS.sub(" ", text), most)


def aligned(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Return rows of equally many cells as lines of text, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(f"{indent}{line}" for line in lines)


def as_time(milliseconds: int) -> str:
    """Return a time, in ms since 1970, as RFC 3339 in UTC; the number where it is outside of all years."""
    try:
        return rfc3339(milliseconds)
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)
