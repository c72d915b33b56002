"""Follows the topic of rules. What goes wrong there changes no rule and stops no payment: the log tells it."""

import logging
import time
from collections import Counter, deque
from typing import NamedTuple

from decision.rulebook import Fate, RuleBook
from detector.headers import LONGEST_PROBLEM
from messaging.batch import Record
from messaging.seam import FOLLOW, AccessRefused, ClientFailed, ClientLibrary, Reader
from messaging.settings import ConnectionSettings, TopicCreationSettings
from messaging.topics import problem_with_rules_topic, rules_topic
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


class RuleTopic(NamedTuple):
    """Where the rules' history is, and how to get there."""

    name: str
    library: ClientLibrary
    connection: ConnectionSettings
    creation: TopicCreationSettings


class RuleReader:
    """Reads the history of rules into a book, for longer than a client lives."""

    def __init__(self, topic: RuleTopic) -> None:
        self.book = RuleBook()
        self._topic = topic
        self._reader: Reader | None = None
        self._is_known = False
        self._has_news = False
        self._last: Record | None = None
        self._come: deque[Record] = deque()
        self._said = ""
        self._poll = Every(_SECONDS_BETWEEN_POLLS, starts_due=True)
        self._take_up = Every(_SECONDS_BETWEEN_TAKE_UPS, starts_due=True)
        self._open = Every(_SECONDS_BETWEEN_READERS, starts_due=False)

    def start(self, stop: Stop, heartbeat: Heartbeat) -> None:
        """Read the topic up to where it ends now. Raises ServiceFailed for one that is not fit.

        Where it may not be read, or is not there and may not be created, the log is told, and the book stays as it is.
        What has been read once is gone on with whatever is wrong; else ClientFailed is raised where Kafka does not
        answer.
        """
        try:
            self._read_to_end(stop, heartbeat)
        except AccessRefused as refused:
            self._interrupt(refused)
        except ServiceFailed as unfit:
            if not self._is_known:
                raise
            self._interrupt(unfit)
        except ClientFailed as failed:
            if not self._is_known:
                raise ClientFailed(f"RULES_TOPIC={self._topic.name}: {failed}") from failed
            self._interrupt(failed)
        else:
            self._is_known = True

    def has_changed(self) -> bool:
        """Read what has come; tell, once and at most once a second, whether the book has other rules. Never raises."""
        if self._poll.is_due():
            self._follow()
        is_time = self._has_news and self._take_up.is_due()
        self._has_news = self._has_news and not is_time
        return is_time

    def close(self) -> None:
        """Close the reader; the book stays. Never raises."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
            self._come.clear()

    def _read_to_end(self, stop: Stop, heartbeat: Heartbeat) -> None:
        self._expect_topic()
        end = self._end()
        self._reader = self._opened()
        heard, position = time.monotonic(), self._position()
        while (self._come or position < end) and not stop.requested:
            heartbeat.beat()
            self._read_on(_POLL_SECONDS_AT_START)
            if self._come or self._position() != position:
                heard, position = time.monotonic(), self._position()
            elif time.monotonic() - heard > _MOST_SILENT_SECONDS:
                where = f"{self._topic.name}[0] is read up to offset {position} of {end}"
                raise ClientFailed(f"{where}: a Kafka transaction may be open there, or its leader is gone")

    def _expect_topic(self) -> None:
        """Make the topic where it is missing, unless it was there once. Raises ServiceFailed for one that is unfit."""
        topic = self._topic
        if not self._is_known:
            topic.library.create_topics(topic.connection, rules_topic(topic.creation, topic.name))
        described = topic.library.describe_topics(topic.connection, [topic.name])
        problem = problem_with_rules_topic(topic.name, described[topic.name])
        if problem is not None:
            raise ServiceFailed(problem)

    def _end(self) -> int:
        """Return where the topic ends; one that ends before what has been read is a new one."""
        topic = self._topic
        end = topic.library.end_offsets(topic.connection, [topic.name])[topic.name, 0]
        if end < self.book.version:
            self._forget()
        return end

    def _opened(self) -> Reader:
        """Return a reader that begins with the last record once more: by that a topic made anew is known."""
        at = self._topic.name, 0
        start = 0 if self._last is None else self._last.offset
        return self._topic.library.open_reader(self._topic.connection, {at: start}, {at: FOLLOW})

    def _position(self) -> int:
        return 0 if self._reader is None else self._reader.positions[self._topic.name, 0]

    def _follow(self) -> None:
        if self._reader is None and not self._open.is_due():
            return
        try:
            if self._reader is None:
                self._end()
                self._reader = self._opened()
            self._read_on(0)
        except (ClientFailed, AccessRefused) as error:
            self._interrupt(error)

    def _interrupt(self, error: ClientFailed | AccessRefused | ServiceFailed) -> None:
        """Close the reader for a while. What may last, as a missing right, is told once, a topic that is gone again."""
        self.close()
        said, self._said = self._said, str(error)
        if said != self._said or (self._is_known and not isinstance(error, AccessRefused)):
            name, version = self._topic.name, self.book.version
            logger.warning("going on without RULES_TOPIC=%s, with version %d of the rules: %s", name, version, error)

    def _read_on(self, seconds: float) -> None:
        """Take what has come, as far as there is time."""
        deadline = time.monotonic() + _MOST_SECONDS_TAKING
        told: Counter[Fate] = Counter()
        while self._has_come(seconds):
            self._take(self._come.popleft(), told)
            if time.monotonic() > deadline:
                break
        more = sum(max(0, told[fate] - _MOST_LINES) for fate in _LEVELS)
        if more:
            logger.warning("%s[0]: %s more records that change no rule", self._topic.name, f"{more:,}")

    def _has_come(self, seconds: float) -> bool:
        if not self._come and self._reader is not None:
            self._come.extend(self._reader.poll(seconds))
        return bool(self._come)

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
            line = "%s[0] offset %d changes no rule: %s"
            logger.log(_LEVELS[entry.fate], line, self._topic.name, record.offset, problem)

    def _forget(self) -> None:
        logger.warning("%s is a new topic: what stands there holds, and nothing else", self._topic.name)
        self.book, self._last, self._has_news = RuleBook(), None, True
