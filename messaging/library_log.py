"""Silences a client library; reports its failed connections, and errors that it retries for long, at most every 5 s."""

import logging
import math
import re
import time
from collections.abc import Sequence
from typing import TypeVar

from runtime.timing import Every

_SECONDS_BETWEEN_LINES = 5.0
_LASTS_SECONDS = 5.0
_LONGEST_GAP_SECONDS = 3.0  # the libraries try again within a second or so
_RECENT_SECONDS = 60.0  # librdkafka repeats itself after 30 s
_FAILURES = ("failed", "setup timed out")
_ADDRESS = re.compile(r"[^\s/'#]+:\d+")
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

    librdkafka tells there of a broker's answers too. An address that is not one of `bootstrap_servers` was named by a
    broker, and the line says so.
    """

    def __init__(self) -> None:
        self.bootstrap_servers: set[str] = set()
        self._every = Every(_SECONDS_BETWEEN_LINES, starts_due=True)
        self._retries = RetriableErrors()
        self._last = ""
        self._told_at = 0.0

    def __call__(self, record: logging.LogRecord) -> bool:
        """Log a line of ours where the record tells of a failed connection and the last line was some time ago."""
        _, _, told = record.getMessage().rpartition("]: ")  # librdkafka begins with its client and thread in brackets
        is_answer = any(answer in told.lower() for answer in _ANSWERS)
        if is_answer or not any(failure in told.lower() for failure in _FAILURES):
            return False
        if _OF_THE_BROKER in told:
            self._retries.note(told)
        else:
            self._tell(told)
        return False

    def _tell(self, told: str) -> None:
        if _ADDRESS.search(told):
            self._last, self._told_at = told, time.monotonic()
        elif self._last and time.monotonic() - self._told_at < _RECENT_SECONDS:
            told = f"{told}; the last: {self._last}"
        if self._every.is_due():
            logger.warning("Kafka does not answer, trying again: %s%s", told, self._advice(told))

    def _advice(self, told: str) -> str:
        first = _ADDRESS.search(told)  # librdkafka then says what a name stands for
        if first is None or first[0].lower() in self.bootstrap_servers:
            return ""
        return (
            f"; the broker itself named the address {first[0]}: if the broker is running, "
            "correct its advertised.listeners, or make the address reachable from here"
        )


def quieten(library: str, connections: str, bootstrap_servers: str = "", retries: Sequence[str] = ()) -> None:
    """Silence the loggers below `library`, but for the failed connections told of on the logger `connections`.

    Those named in `retries` tell of errors that the library retries: what lasts is told. With LOG_LEVEL=debug the
    library's own lines are shown instead. Calling it again only adds bootstrap servers (host:port, comma-separated).
    """
    for name in retries:
        _filter(name, RetriableErrors)
    if not logger.isEnabledFor(logging.DEBUG):
        logging.getLogger(library).setLevel(logging.CRITICAL)
        _filter(connections, ConnectionTrouble).bootstrap_servers.update(bootstrap_servers.lower().split(","))


def latest_trouble(retries: Sequence[str]) -> str | None:
    """Return the error that the library has told of last on one of these loggers, None where that is some time ago."""
    filters = [found for name in retries for found in logging.getLogger(name).filters]
    told = [found.latest for found in filters if isinstance(found, RetriableErrors)]
    return next(filter(None, told), None)


_Filter = TypeVar("_Filter", RetriableErrors, ConnectionTrouble)


def _filter(name: str, kind: type[_Filter]) -> _Filter:
    """Return the filter of that kind on a logger, which gets one the first time."""
    watched = logging.getLogger(name)
    if not logger.isEnabledFor(logging.DEBUG):
        watched.setLevel(logging.WARNING)
    found = next((each for each in watched.filters if isinstance(each, kind)), None)
    if found is None:
        found = kind()
        watched.addFilter(found)
    return found
