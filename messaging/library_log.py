"""Silences a client library; reports its failed connections at most every 5 s."""

import logging
import re
import time

from runtime.timing import Every

_SECONDS_BETWEEN_LINES = 5.0
_RECENT_SECONDS = 60.0  # librdkafka repeats itself after 30 s
_FAILURES = ("failed", "setup timed out")
_ADDRESS = re.compile(r"[^\s/'#]+:\d+")
_ANSWERS = ("authorization failed", "current transaction failed")  # of which the client that gets it makes an error

logger = logging.getLogger(__name__)


class ConnectionTrouble:
    """A filter for the logger on which a library tells of failed connections: it lets nothing pass.

    An address that is not one of `bootstrap_servers` was named by a broker, and the line says so.
    """

    def __init__(self) -> None:
        self.bootstrap_servers: set[str] = set()
        self._every = Every(_SECONDS_BETWEEN_LINES, starts_due=True)
        self._last = ""
        self._told_at = 0.0

    def __call__(self, record: logging.LogRecord) -> bool:
        """Log a line of ours where the record tells of a failed connection and the last line was some time ago."""
        _, _, told = record.getMessage().rpartition("]: ")  # librdkafka begins with its client and thread in brackets
        is_answer = any(answer in told.lower() for answer in _ANSWERS)
        if is_answer or not any(failure in told.lower() for failure in _FAILURES):
            return False
        if _ADDRESS.search(told):
            self._last, self._told_at = told, time.monotonic()
        elif self._last and time.monotonic() - self._told_at < _RECENT_SECONDS:
            told = f"{told}; the last: {self._last}"
        if self._every.is_due():
            logger.warning("Kafka does not answer, trying again: %s%s", told, self._advice(told))
        return False

    def _advice(self, told: str) -> str:
        first = _ADDRESS.search(told)  # librdkafka then says what a name stands for
        if first is None or first[0].lower() in self.bootstrap_servers:
            return ""
        return (
            f"; the broker itself named the address {first[0]}: if the broker is running, "
            "correct its advertised.listeners, or make the address reachable from here"
        )


def quieten(library: str, connections: str, bootstrap_servers: str = "") -> None:
    """Silence the loggers below `library`, but for the failed connections told of on the logger `connections`.

    With LOG_LEVEL=debug the library's own lines are shown instead. Calling it again only adds bootstrap servers
    (host:port, comma-separated).
    """
    if logger.isEnabledFor(logging.DEBUG):
        return
    logging.getLogger(library).setLevel(logging.CRITICAL)
    watched = logging.getLogger(connections)
    watched.setLevel(logging.WARNING)
    _trouble_of(watched).bootstrap_servers.update(bootstrap_servers.lower().split(","))


def _trouble_of(watched: logging.Logger) -> ConnectionTrouble:
    """Return the filter of that logger, which gets one the first time."""
    for each in watched.filters:
        if isinstance(each, ConnectionTrouble):
            return each
    trouble = ConnectionTrouble()
    watched.addFilter(trouble)
    return trouble
