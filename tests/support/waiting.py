"""Waiting on a condition, with a deadline that holds on a machine ten times as busy."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
BUSY = 10
PAUSE_SECONDS = 0.05


def wait_until(condition: Callable[[], T], seconds: float, what: str) -> T:
    """Return what the condition gives as soon as that counts as true.

    Fails with `what` after ten times the seconds, which are those that it may take where nothing else runs.
    """
    deadline = time.monotonic() + seconds * BUSY
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds * BUSY:g} s: {what}"
        time.sleep(PAUSE_SECONDS)
    return result
