"""How many records a poll asks for: as many as can be judged and written in about a second, at most BATCH_SIZE."""

import logging

from runtime.timing import Every

MOST_SECONDS = 1.0
_LEAST = 100
_QUICK_SECONDS = 0.25
_SECONDS_BETWEEN_LINES = 30.0

logger = logging.getLogger(__name__)


class BatchLimit:
    """Follows how long batches take; `size` is what the next poll asks for.

    It is halved, to no less than 100, by a batch that rules were too slow for or the broker throttled, and doubled by a
    full batch that was quick. How long a commit takes otherwise does not count: a slow broker is no faster with less.
    """

    def __init__(self, batch_size: int) -> None:
        self._most = batch_size
        self._least = min(_LEAST, batch_size)
        self._every = Every(_SECONDS_BETWEEN_LINES, starts_due=True)
        self.size = batch_size

    def follow(self, judged: int, judging_seconds: float, throttled_seconds: float, *, in_time: bool) -> None:
        """Follow a batch of which so many records were judged: all of them, if that was `in_time`."""
        if not in_time:
            self._halve(f"rules take {judging_seconds / judged * 1000:,.1f} ms a record")
        elif throttled_seconds > MOST_SECONDS:
            self._halve(f"a quota of the broker (producer_byte_rate) delays each by {throttled_seconds:,.1f} s")
        elif judged >= self.size and judging_seconds < _QUICK_SECONDS and not throttled_seconds:
            self.size = min(self._most, self.size * 2)

    def _halve(self, cause: str) -> None:
        self.size = max(self._least, self.size // 2)
        if self.size < self._most and self._every.is_due():
            logger.warning("batches of at most %s records, not %s: %s", f"{self.size:,}", f"{self._most:,}", cause)
