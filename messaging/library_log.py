"""Silences a client library; reports its failed connections at most every 5 s."""

import logging

from runtime.timing import Every

_SECONDS_BETWEEN_LINES = 5.0
_ANSWERS = ("authorization failed", "current transaction failed")  # of which the client that gets it makes an error

logger = logging.getLogger(__name__)


class ConnectionTrouble:
    """A filter for the logger on which a library tells of failed connections: it lets nothing pass."""

    def __init__(self) -> None:
        self._every = Every(_SECONDS_BETWEEN_LINES, starts_due=True)

    def __call__(self, record: logging.LogRecord) -> bool:
        """Log a line of ours where the record tells of a failed connection and the last line was some time ago."""
        _, _, told = record.getMessage().rpartition("]: ")  # librdkafka begins with its client and thread in brackets
        is_answer = any(answer in told.lower() for answer in _ANSWERS)
        if "failed" in told.lower() and not is_answer and self._every.is_due():
            logger.warning("Kafka does not answer, trying again: %s", told)
        return False


def quieten(library: str, connections: str) -> None:
    """Silence the loggers below `library`, but for the failed connections told of on the logger `connections`.

    With LOG_LEVEL=debug the library's own lines are shown instead. Calling it again changes nothing.
    """
    if logger.isEnabledFor(logging.DEBUG):
        return
    logging.getLogger(library).setLevel(logging.CRITICAL)
    watched = logging.getLogger(connections)
    watched.setLevel(logging.WARNING)
    if not watched.filters:
        watched.addFilter(ConnectionTrouble())
