"""Follows the topic of rules. What goes wrong there changes no rule and stops no payment: the log tells it."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from decision.rulebook import Entry, Fate, RuleBook
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
_SECONDS_BETWEEN_READERS = 5.0
_POLL_SECONDS_AT_START = 0.1
_MOST_LINES = 10
_LONGEST_PROBLEM = 512

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
        self._is_interrupted = False
        self._has_news = False
        self._poll = Every(_SECONDS_BETWEEN_POLLS, starts_due=True)
        self._take_up = Every(_SECONDS_BETWEEN_TAKE_UPS, starts_due=True)
        self._open = Every(_SECONDS_BETWEEN_READERS, starts_due=False)

    def start(self, stop: Stop, heartbeat: Heartbeat) -> None:
        """Read the topic up to where it ends now. Raises ServiceFailed for one that is not fit.

        Where it may not be read, or is not there and may not be created, the log is told, and the book stays as it is.
        What has been read once is gone on with where Kafka does not answer; else that raises ClientFailed.
        """
        self._is_interrupted = False
        try:
            self._read_to_end(stop, heartbeat)
        except AccessRefused as refused:
            self.close()
            logger.warning("going on without the topic of rules, RULES_TOPIC=%s: %s", self._topic.name, refused)
        except ClientFailed as failed:
            if not self._is_known:
                raise
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

    def _read_to_end(self, stop: Stop, heartbeat: Heartbeat) -> None:
        end = self._end()
        self._reader = self._opened()
        while self._position() < end and not stop.requested:
            heartbeat.beat()
            self._take(self._reader.poll(_POLL_SECONDS_AT_START))

    def _end(self) -> int:
        """Return where the topic ends, after it has been created where it was missing."""
        topic = self._topic
        topic.library.create_topics(topic.connection, rules_topic(topic.creation, topic.name))
        described = topic.library.describe_topics(topic.connection, [topic.name])
        problem = problem_with_rules_topic(topic.name, described[topic.name])
        if problem is not None:
            raise ServiceFailed(problem)
        return topic.library.end_offsets(topic.connection, [topic.name])[topic.name, 0]

    def _opened(self) -> Reader:
        at = self._topic.name, 0
        return self._topic.library.open_reader(self._topic.connection, {at: self.book.version}, {at: FOLLOW})

    def _position(self) -> int:
        return 0 if self._reader is None else self._reader.positions[self._topic.name, 0]

    def _follow(self) -> None:
        if self._reader is None and not (self._is_interrupted and self._open.is_due()):
            return
        try:
            self._reader = self._reader or self._opened()
            self._take(self._reader.poll(0))
        except (ClientFailed, AccessRefused) as error:
            self._interrupt(error)

    def _interrupt(self, error: ClientFailed | AccessRefused) -> None:
        """Close the reader for a while."""
        self.close()
        self._is_interrupted = True
        logger.warning("the rules stay as they are, at version %d: %s; trying again", self.book.version, error)

    def _take(self, records: Sequence[Record]) -> None:
        entries = [self._taken(record) for record in records]
        self._has_news |= any(entry.fate is Fate.APPLIED for entry in entries)
        useless = [entry for entry in entries if entry.fate is Fate.INVALID]
        for entry in useless[:_MOST_LINES]:
            problem = printable(entry.problem, _LONGEST_PROBLEM)
            logger.error("%s[0] offset %d changes no rule: %s", self._topic.name, entry.version - 1, problem)
        if len(useless) > _MOST_LINES:
            logger.error("%s[0]: %d more records that change no rule", self._topic.name, len(useless) - _MOST_LINES)

    def _taken(self, record: Record) -> Entry:
        if record.offset < self.book.version:
            logger.warning("%s is a new topic: what stands there holds, and nothing else", self._topic.name)
            self.book, self._has_news = RuleBook(), True
        return self.book.take(record.offset, record.value)
