"""The time as the log writes it, and intervals."""

import time
from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=1)
def rfc3339(milliseconds: int) -> str:
    """Return a time, in milliseconds since the epoch, as RFC 3339 in UTC; the last one is remembered."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now_ms() -> int:
    """Return the time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Every:
    """Says at most once an interval that it is time."""

    def __init__(self, seconds: float, *, starts_due: bool) -> None:
        self._seconds = seconds
        self._due = time.monotonic() + (0.0 if starts_due else seconds)

    def is_due(self) -> bool:
        """Tell whether the interval has passed since the last time this said yes."""
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + self._seconds
        return True
