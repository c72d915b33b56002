"""The pace: how many transactions are due now."""

import math

_MOST_AT_ONCE = 10_000
_LEAST_LATE = 2
_SECONDS_UNTIL_ROOM = 0.1
_TICK_SECONDS = 0.005  # so a quick pace goes in small bunches: a look for each transaction would cost more than itself


class Pace:
    """Counts from its start, so that it does not drift.

    What is due goes in a bunch when all before it is delivered, so nothing piles up while Kafka is away. One second's
    worth (at least two) is the most that follows a stall; the rest of what was missed is forgiven. `per_second` 0
    means as fast as possible, in no bunches. All times are seconds of one monotonic clock.
    """

    def __init__(self, per_second: float, now: float) -> None:
        self._per_second = per_second
        self._most = max(_LEAST_LATE, per_second)
        self._start = now
        self._taken = 0

    def due(self, now: float, in_flight: int) -> int:
        """Return how many are due, given how many have been taken and not delivered."""
        if not self._per_second:
            return _MOST_AT_ONCE - in_flight
        if in_flight:
            return 0
        late = self._per_second * (now - self._start) - self._taken
        if late > self._most:
            self._start += (late - self._most) / self._per_second
        return math.floor(min(late, self._most, _MOST_AT_ONCE))

    def took(self, count: int) -> None:
        """Count those that have been taken."""
        self._taken += count

    def seconds_until_due(self, now: float, in_flight: int) -> float:
        """Return how long it is until the next one, or until it is worth looking again."""
        if not self._per_second or in_flight:
            return _SECONDS_UNTIL_ROOM
        return max(_TICK_SECONDS, self._start + (self._taken + 1) / self._per_second - now)
