"""Follows a topic of rules, or of lists. What is wrong there stops no payment and changes nothing: the log tells it."""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Generic, TypeVar

from decision.history import Book, Fate
from detector.headers import LONGEST_PROBLEM
from messaging.batch import Record
from messaging.history import HistoryTopic
from messaging.seam import FOLLOW, AccessRefused, ClientFailed, Reader
from runtime.health import Heartbeat
from runtime.logs import printable
from runtime.service import ServiceFailed
from runtime.stop import Stop
from runtime.timing import Every

_SECONDS_BETWEEN_POLLS = 0.25
_SECONDS_BETWEEN_TAKE_UPS = 1.0
_SECONDS_BETWEEN_READERS = 10.0
_POLL_SECONDS_AT_START = 0.1
_MOST_SILENT_SECONDS = 10.0
_MOST_SECONDS_TAKING = 0.25  # of a round of the loop; what is left comes with the next one
_MOST_LINES = 10
_LEVELS = {Fate.INVALID: logging.ERROR, Fate.OUTDATED: logging.WARNING}  # of others nothing is said

logger = logging.getLogger(__name__)
B = TypeVar("B", bound=Book)


class ReferenceReader(Generic[B]):
    """Reads a history into a book, for longer than a client lives. A book that is changed in place is in force at once.

    `book` is another one where the topic was made anew.
    """

    def __init__(self, topic: HistoryTopic, new_book: Callable[[], B]) -> None:
        self.book = new_book()
        self.topic = topic
        self._new_book = new_book
        self._reader: Reader | None = None
        self.is_known = False
        self._has_news = self._is_behind = False
        self._last: Record | None = None
        self._come: deque[Record] = deque()
        self._said = ""
        self._poll = Every(_SECONDS_BETWEEN_POLLS, starts_due=True)
        self._take_up = Every(_SECONDS_BETWEEN_TAKE_UPS, starts_due=True)
        self._open = Every(_SECONDS_BETWEEN_READERS, starts_due=False)

    def start(self, stop: Stop, heartbeat: Heartbeat, end: int | None = None) -> None:
        """Read the topic up to where it ends now, if that is not known yet. Raises ServiceFailed for one that is unfit.

        Where it may not be read, or is not there and may not be created, the log is told, and the book stays as it is.
        What has been read once is gone on with whatever is wrong; else ClientFailed is raised where Kafka does not
        answer.
        """
        try:
            self._read_to_end(stop, heartbeat, end)
        except AccessRefused as refused:
            self._interrupt(refused)
        except ServiceFailed as unfit:
            if not self.is_known:
                raise
            self._interrupt(unfit)
        except ClientFailed as failed:
            if not self.is_known:
                raise ClientFailed(f"{self.topic.named}: {failed}") from failed
            self._interrupt(failed)
        else:
            self.is_known = True

    def has_changed(self) -> bool:
        """Take what has come, at most once a second; tell, once, whether it has changed the book. Never raises.

        Where much has come, a part of it is taken with each call.
        """
        try:
            if self._poll.is_due():
                self._follow()
            if self._come and (self._is_behind or self._take_up.is_due()):
                self._take_all()
        except (ClientFailed, AccessRefused) as error:
            self._interrupt(error)
        has_news, self._has_news = self._has_news, False
        return has_news

    def close(self) -> None:
        """Close the reader; the book stays. Never raises."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
            self._come.clear()

    def _read_to_end(self, stop: Stop, heartbeat: Heartbeat, end: int | None) -> None:
        if end is None:
            # Where it was there once, it is not made again: its history would be lost on who has read it.
            self.topic.expect(may_create=not self.is_known)
            end = self._end()
        self._reader = self._opened()
        heard, position = time.monotonic(), self._position()
        while (self._come or position < end) and not stop.requested:
            heartbeat.beat()
            self._fetch(_POLL_SECONDS_AT_START)
            has_come = bool(self._come)
            self._take_all()
            if has_come or self._position() != position:
                heard, position = time.monotonic(), self._position()
            elif time.monotonic() - heard > _MOST_SILENT_SECONDS:
                where = f"{self.topic.name}[0] is read up to offset {position} of {end}"
                raise ClientFailed(f"{where}: a Kafka transaction may be open there, or its leader is gone")

    def _end(self) -> int:
        """Return where the topic ends; one that ends before what has been read is a new one."""
        end = self.topic.end()
        if end < self.book.reading.version:
            self._forget()
        return end

    def _opened(self) -> Reader:
        """Return a reader that begins with the last record once more: by that a topic made anew is known."""
        at = self.topic.name, 0
        start = 0 if self._last is None else self._last.offset
        return self.topic.library.open_reader(self.topic.connection, {at: start}, {at: FOLLOW})

    def _position(self) -> int:
        return 0 if self._reader is None else self._reader.positions[self.topic.name, 0]

    def _follow(self) -> None:
        if self._reader is None and not self._open.is_due():
            return
        if self._reader is None:
            self._end()
            self._reader = self._opened()
        self._fetch(0)

    def _interrupt(self, error: ClientFailed | AccessRefused | ServiceFailed) -> None:
        """Close the reader for a while. What may last, as a missing right, is told once, a topic that is gone again."""
        self.close()
        said, self._said = self._said, str(error)
        if said != self._said or (self.is_known and not isinstance(error, AccessRefused)):
            line = "going on without %s, with version %d of the %s: %s"
            logger.warning(line, self.topic.named, self.book.reading.version, self.topic.holds, error)

    def _fetch(self, seconds: float) -> None:
        """Read what has come, unless something is still to be taken."""
        if not self._come and self._reader is not None:
            self._come.extend(self._reader.poll(seconds))

    def _take_all(self) -> None:
        """Take what has come, as far as there is time."""
        deadline = time.monotonic() + _MOST_SECONDS_TAKING
        told: Counter[Fate] = Counter()
        while self._come:
            self._take(self._come.popleft(), told)
            if time.monotonic() > deadline:
                break
            self._fetch(0)
        self._is_behind = bool(self._come)
        more = sum(max(0, told[fate] - _MOST_LINES) for fate in _LEVELS)
        if more:
            logger.warning("%s[0]: %s more records that change nothing", self.topic.name, f"{more:,}")

    def _take(self, record: Record, told: Counter[Fate]) -> None:
        if self._last is not None and record.offset <= self._last.offset:
            if record == self._last:
                return
            self._forget()
            self.close()
            self._reader = self._opened()
            return
        self._said, self._last = "", record
        entry = self.book.take(record.offset, record.value)
        self._has_news |= entry.fate is Fate.APPLIED
        told[entry.fate] += 1
        if entry.fate in _LEVELS and told[entry.fate] <= _MOST_LINES:
            problem = printable(entry.problem, LONGEST_PROBLEM)
            line = "%s[0] offset %d changes no %s: %s"
            logger.log(_LEVELS[entry.fate], line, self.topic.name, record.offset, self.topic.holds, problem)

    def _forget(self) -> None:
        logger.warning("%s is a new topic: what stands there holds, and nothing else", self.topic.name)
        self.book, self._last, self._has_news = self._new_book(), None, True
