"""A topic of change sets in Kafka, of rules or of lists: reads its history, and writes to it."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Generic, NamedTuple, Protocol, TypeVar

from messaging.batch import Message, Record
from messaging.history import HistoryTopic
from messaging.message_size import batch_bytes
from messaging.seam import ClientFailed, Publisher
from rules.changes import NotPossible
from rules.connection import or_failed, records_of
from rules.history import Event
from runtime.service import ServiceFailed
from runtime.stop import Stop
from runtime.timing import now_ms

_POLL_SECONDS = 0.2
_MOST_SILENT_SECONDS = 10.0
_ACKNOWLEDGED_WITHIN_SECONDS = 10.0
_MOST_TRIES = 3
_UNKNOWN = "whether the change is in force is not known: look, and try again; to repeat it does no harm"

logger = logging.getLogger(__name__)


class AnyHistory(Protocol):
    """What a topic is read into."""

    events: list[Event]

    @property
    def version(self) -> int:
        """The offset behind the last record, 0 where there is none."""

    def take(self, record: Record) -> Event:
        """Take the next record of the topic."""


class Written(NamedTuple):
    """What became of each change set that was written, in the topic's order, and what others have done meanwhile."""

    own: Sequence[Event]
    meanwhile: Sequence[Event]


def _say_nothing(_: int) -> None:
    """Show nobody how far it is."""


H = TypeVar("H", bound=AnyHistory)


class KnownTopic(Generic[H]):
    """A topic that is a history, and that as far as it has been read.

    Every method raises ServiceFailed where Kafka does not answer, and ServiceRefused where it refuses.
    """

    def __init__(self, topic: HistoryTopic, history: H, stop: Stop) -> None:
        self.history = history
        self.most_bytes = 0
        self._topic = topic
        self._stop = stop

    def open(self) -> None:
        """Make sure that the topic exists and can hold a history, and read it."""
        with or_failed(self._topic.connection):
            self.most_bytes = self._topic.expect().max_message_bytes
        self.read_on()

    def read_on(self) -> Sequence[Event]:
        """Read up to where the topic ends now, and return what has come."""
        connection, at = self._topic.connection, (self._topic.name, 0)
        known, position = len(self.history.events), self.history.version
        with or_failed(connection):
            end = self._topic.end()
            if end > position:
                with closing(self._topic.library.open_reader(connection, {at: position}, {at: end})) as reader:
                    for record in records_of(reader, self._raise_if_stopped):
                        self.history.take(record)
        return self.history.events[known:]

    def write(self, values: Mapping[str, bytes], acknowledged: Callable[[int], object] = _say_nothing) -> Written:
        """Write change sets, by their ids, and read on to what became of them.

        `acknowledged` is told how many more bytes Kafka has. Raises NotPossible where one is too large for the topic.
        """
        messages = [Message(self._topic.name, None, value, (), now_ms(), 0) for value in values.values()]
        largest = max(map(batch_bytes, messages))
        if largest > self.most_bytes:
            raise NotPossible(f"{largest:,} bytes; the topic takes {self.most_bytes:,} (max.message.bytes)")
        self._stop.work_begins("Kafka to acknowledge the change")
        with or_failed(self._topic.connection):
            self._publish(messages, acknowledged)
        return self._read_on_to(values)

    def _publish(self, left: list[Message], acknowledged: Callable[[int], object]) -> None:
        """Have them acknowledged. What is left is tried again as it is: if it is there twice, that changes nothing."""
        for tries_left in reversed(range(_MOST_TRIES)):
            try:
                self._publish_once(left, acknowledged)
            except ClientFailed as failed:
                if not tries_left:
                    raise ClientFailed(f"{failed}; {_UNKNOWN}") from failed
                logger.warning("%s; trying again with a new client", failed)
            else:
                return

    def _publish_once(self, left: list[Message], acknowledged: Callable[[int], object]) -> None:
        """Write what is left, one by one: several in one batch may be more than the topic takes."""
        with closing(self._topic.library.open_publisher(self._topic.connection)) as publisher:
            while left:
                self._deliver(publisher, left[0])
                acknowledged(len(left.pop(0).value or b""))

    def _deliver(self, publisher: Publisher, message: Message) -> None:
        deadline = time.monotonic() + _ACKNOWLEDGED_WITHIN_SECONDS
        publisher.send(message)
        while publisher.in_flight:
            publisher.delivered(_POLL_SECONDS)
            self._raise_if_stopped()
            if publisher.in_flight and time.monotonic() > deadline:
                raise ClientFailed("the change was not acknowledged by Kafka")

    def _read_on_to(self, identities: Mapping[str, bytes]) -> Written:
        """Read on to the first record with each of these ids; they have been acknowledged, so they are there."""
        heard = time.monotonic()
        own: dict[str, Event] = {}
        meanwhile: list[Event] = []
        while len(own) < len(identities):
            come = self.read_on()
            for event in come:
                if event.identity in identities:
                    own.setdefault(event.identity, event)
                elif len(own) < len(identities):
                    meanwhile.append(event)
            if come:
                heard = time.monotonic()
            elif time.monotonic() - heard > _MOST_SILENT_SECONDS:
                raise ServiceFailed(f"the change is not to be found in the topic; {_UNKNOWN}")
        return Written([*own.values()], meanwhile)

    def _raise_if_stopped(self) -> None:
        if self._stop.requested:
            raise ServiceFailed(f"stopped; {_UNKNOWN}")
