"""Silences a client library; reports its failed connections, and errors that it retries for long, at most every 5 s."""

import logging
import math
import time
from collections.abc import Sequence

from runtime.timing import Every

_SECONDS_BETWEEN_LINES = 5.0
_LASTS_SECONDS = 5.0
_LONGEST_GAP_SECONDS = 3.0  # the libraries try again within a second or so
_ANSWERS = ("authorization failed", "current transaction failed")  # of which the client that gets it makes an error
_OF_THE_BROKER = "Broker: "  # begins librdkafka's words for what was the broker's answer

logger = logging.getLogger(__name__)


class RetriableErrors:
    """A filter for a logger on which a library tells of errors that it retries: it lets nothing pass.

    Remembers what was told last. With LOG_LEVEL=debug it lets everything pass and logs nothing itself.
    """

    def __init__(self) -> None:
        self._passes = logger.isEnabledFor(logging.DEBUG)
        self._every = Every(_SECONDS_BETWEEN_LINES, starts_due=True)
        self._since = self._last = -math.inf
        self._words = ""

    def __call__(self, record: logging.LogRecord) -> bool:
        """Take note of what the record tells; log it where such records have come for some time."""
        if record.levelno >= logging.WARNING:
            self.note(record.getMessage().partition(">: ")[2] or record.getMessage())
        return self._passes

    def note(self, words: str) -> None:
        """Take note of an error; log it where errors have come for some time without a longer gap."""
        now = time.monotonic()
        if now - self._last > _LONGEST_GAP_SECONDS:
            self._since = now
        self._last, self._words = now, words
        if now - self._since > _LASTS_SECONDS and not self._passes and self._every.is_due():
            logger.warning("not done yet, trying again: %s", words)

    @property
    def latest(self) -> str | None:
        """What was told last, None where that is some time ago."""
        return self._words if time.monotonic() - self._last < _LONGEST_GAP_SECONDS else None


class ConnectionTrouble:
    """A filter for the logger on which a library tells of failed connections: it lets nothing pass.

    librdkafka tells there of a broker's answers too.
    """

    def __init__(self) -> None:
        self._every = Every(_SECONDS_BETWEEN_LINES, starts_due=True)
        self._retries = RetriableErrors()

    def __call__(self, record: logging.LogRecord) -> bool:
        """Log a line of ours where the record tells of a failed connection and the last line was some time ago."""
        _, _, told = record.getMessage().rpartition("]: ")  # librdkafka begins with its client and thread in brackets
        is_answer = any(answer in told.lower() for answer in _ANSWERS)
        if "failed" in told.lower() and not is_answer:
            if _OF_THE_BROKER in told:
                self._retries.note(told)
            elif self._every.is_due():
                logger.warning("Kafka does not answer, trying again: %s", told)
        return False


def quieten(library: str, connections: str, retries: Sequence[str] = ()) -> None:
    """Silence the loggers below `library`, but for the failed connections told of on the logger `connections`.

    Those named in `retries` tell of errors that the library retries: what lasts is told. With LOG_LEVEL=debug the
    library's own lines are shown instead. Calling it again changes nothing.
    """
    for name in retries:
        _filter(name, RetriableErrors)
    if not logger.isEnabledFor(logging.DEBUG):
        logging.getLogger(library).setLevel(logging.CRITICAL)
        _filter(connections, ConnectionTrouble)


def latest_trouble(retries: Sequence[str]) -> str | None:
    """Return the error that the library has told of last on one of these loggers, None where that is some time ago."""
    filters = [found for name in retries for found in logging.getLogger(name).filters]
    told = [found.latest for found in filters if isinstance(found, RetriableErrors)]
    return next(filter(None, told), None)


def _filter(name: str, kind: type[RetriableErrors | ConnectionTrouble]) -> None:
    watched = logging.getLogger(name)
    if not watched.filters:
        watched.addFilter(kind())
    if not logger.isEnabledFor(logging.DEBUG):
        watched.setLevel(logging.WARNING)
