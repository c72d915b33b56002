"""Progress bars on stderr, where that is a terminal; and one line for each thing done."""

import sys
from typing import Any

from tqdm import tqdm


def bar(label: str, total: int, unit: str = " records") -> Any:
    """Return a bar that is gone when it is done: a context manager with `update(count)` and `n`."""
    return tqdm(desc=label, total=total, unit=unit, unit_scale=True, leave=False, disable=None)


def say(line: str) -> None:
    """Write a line to stderr, above the bars."""
    tqdm.write(line, file=sys.stderr)
