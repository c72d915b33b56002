"""Tells the log of what stands still although nothing fails: else a stall would look like a quiet topic."""

import logging
import math
import time
from collections.abc import Callable, Mapping

from runtime.timing import Every

_SECONDS_BETWEEN_QUESTIONS = 1.0
_SECONDS_BETWEEN_LINES = 5.0

logger = logging.getLogger(__name__)


class StandstillReport:
    """Logs a line for each thing that has not gone on for 5 s, and again every 5 s."""

    def __init__(self) -> None:
        self._every = Every(_SECONDS_BETWEEN_QUESTIONS, starts_due=False)
        self._due: Mapping[str, float] = {}  # by what does not go on

    def report(self, waiting_for: Callable[[], Mapping[str, str]]) -> None:
        """Ask now and then what does not go on (see messaging.seam), and log it where it is time for that."""
        if not self._every.is_due():
            return
        now, waiting = time.monotonic(), waiting_for()
        late = [what for what in waiting if self._due.get(what, math.inf) <= now]
        for what in late:
            logger.warning("%s: %s", what, waiting[what])
        next_line = now + _SECONDS_BETWEEN_LINES
        self._due = {what: next_line if what in late else self._due.get(what, next_line) for what in waiting}
