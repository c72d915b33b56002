"""The topic of rules in Kafka: reads its history, and writes change sets to it."""

import logging
import time
from collections.abc import Sequence
from contextlib import closing

from decision.rulebook import ChangeSet, encode
from messaging.batch import Message, Record
from messaging.message_size import batch_bytes
from messaging.seam import ClientFailed, ClientLibrary, Reader
from messaging.topics import problem_with_rules_topic, rules_topic
from rules.changes import NotPossible
from rules.connection import or_failed
from rules.history import Event, History
from rules.settings import RulesSettings
from runtime.service import ServiceFailed
from runtime.stop import Stop
from runtime.timing import now_ms

_POLL_SECONDS = 0.2
_MOST_SILENT_SECONDS = 10.0
_ACKNOWLEDGED_WITHIN_SECONDS = 10.0
_MOST_TRIES = 3
_UNKNOWN = "whether the change is in force is not known: look, and try again; to repeat it does no harm"

logger = logging.getLogger(__name__)


class RulesTopic:
    """The topic of rules, and its history as far as it has been read.

    Every method raises ServiceFailed where Kafka does not answer, and ServiceRefused where it refuses.
    """

    def __init__(self, settings: RulesSettings, library: ClientLibrary, stop: Stop) -> None:
        self.history = History()
        self._settings = settings
        self._library = library
        self._stop = stop
        self._name = settings.topics.rules
        self._most_bytes = 0

    def open(self) -> None:
        """Make sure that the topic exists and can hold a history, and read it."""
        connection = self._settings.connection
        with or_failed(connection):
            self._library.create_topics(connection, rules_topic(self._settings.topic_creation, self._name))
            topic = self._library.describe_topics(connection, [self._name])[self._name]
        problem = problem_with_rules_topic(self._name, topic)
        if problem is not None:
            raise ServiceFailed(problem)
        self._most_bytes = topic.max_message_bytes
        self.read_on()

    def read_on(self) -> Sequence[Event]:
        """Read up to where the topic ends now, and return what has come."""
        connection, at = self._settings.connection, (self._name, 0)
        known = len(self.history.events)
        with or_failed(connection):
            ends = self._library.end_offsets(connection, [self._name])
            if ends[at] > self.history.version:
                with closing(self._library.open_reader(connection, {at: self.history.version}, ends)) as reader:
                    self._take_all(reader)
        return self.history.events[known:]

    def write(self, change_set: ChangeSet) -> Sequence[Event]:
        """Write a change set; return what has come to the topic meanwhile, up to what became of that, which is last."""
        message = Message(self._name, None, encode(change_set), (), now_ms(), 0)
        if batch_bytes(message) > self._most_bytes:
            raise NotPossible(
                f"{batch_bytes(message):,} bytes; the topic takes {self._most_bytes:,} (max.message.bytes)"
            )
        self._stop.work_begins("Kafka to acknowledge the change")
        with or_failed(self._settings.connection):
            self._publish(message)
        return self._up_to(change_set.id)

    def _publish(self, message: Message) -> None:
        """Have it acknowledged. It is tried again as it is: if it is there twice, its repetition changes nothing."""
        for left in reversed(range(_MOST_TRIES)):
            try:
                self._publish_once(message)
            except ClientFailed as failed:
                if not left:
                    raise ClientFailed(f"{failed}; {_UNKNOWN}") from failed
                logger.warning("%s; trying again with a new client", failed)
            else:
                return

    def _publish_once(self, message: Message) -> None:
        deadline = time.monotonic() + _ACKNOWLEDGED_WITHIN_SECONDS
        with closing(self._library.open_publisher(self._settings.connection)) as publisher:
            publisher.send(message)
            while publisher.in_flight:
                publisher.delivered(_POLL_SECONDS)
                self._raise_if_stopped()
                if publisher.in_flight and time.monotonic() > deadline:
                    raise ClientFailed("the change was not acknowledged by Kafka")

    def _up_to(self, identity: str) -> Sequence[Event]:
        """Read on to the first record with this id; it has been acknowledged, so it is there."""
        deadline = time.monotonic() + _MOST_SILENT_SECONDS
        come: list[Event] = []
        while time.monotonic() < deadline:
            come += self.read_on()
            for number, event in enumerate(come, 1):
                if event.entry.change_set is not None and event.entry.change_set.id == identity:
                    return come[:number]
        raise ServiceFailed(f"the change is not to be found in the topic; {_UNKNOWN}")

    def _take_all(self, reader: Reader) -> None:
        heard = time.monotonic()
        while reader.left:
            records: Sequence[Record] = reader.poll(_POLL_SECONDS)
            for record in records:
                self.history.take(record)
            self._raise_if_stopped()
            if records:
                heard = time.monotonic()
            elif time.monotonic() - heard > _MOST_SILENT_SECONDS:
                silent = f"no records from {self._name} for {_MOST_SILENT_SECONDS:.0f} s"
                raise ClientFailed(f"{silent}: a Kafka transaction may be open there")

    def _raise_if_stopped(self) -> None:
        if self._stop.requested:
            raise ServiceFailed(f"stopped; {_UNKNOWN}")
