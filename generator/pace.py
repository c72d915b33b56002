"""The pace: how many transactions are due now."""

import math

_MOST_AT_ONCE = 10_000
_LEAST_LATE = 2
_TICK_SECONDS = 0.005  # a quick pace goes in small bursts: waking for each transaction costs more than making it


class Pace:
    """Counts from its start, so that it does not drift.

    After a stall at most one second's worth follows (at least two transactions); the rest is skipped.
    `per_second` 0 means as fast as possible. All times are seconds of one monotonic clock.
    """

    def __init__(self, per_second: float, now: float) -> None:
        self._per_second = per_second
        self._most = max(_LEAST_LATE, per_second)
        self._start = now
        self._taken = 0

    def due(self, now: float) -> int:
        """Return how many are due, and count them as taken."""
        if not self._per_second:
            return _MOST_AT_ONCE
        late = self._per_second * (now - self._start) - self._taken
        if late > self._most:
            self._start += (late - self._most) / self._per_second
        due = math.floor(min(late, self._most, _MOST_AT_ONCE))
        self._taken += due
        return due

    def seconds_until_due(self, now: float) -> float:
        """Return how long it is until the next one, or until it is worth looking again."""
        return max(_TICK_SECONDS, self._start + (self._taken + 1) / self._per_second - now)
