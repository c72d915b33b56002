"""The stage of the contract tests: one implementation of the seam, on a cluster that it can reach."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass

from messaging.batch import Batch, Message, Offsets, Record
from messaging.seam import (
    FOLLOW,
    BatchAborted,
    ClientLibrary,
    OffsetUnstable,
    Processor,
    Publisher,
    Reader,
)
from messaging.settings import ConnectionSettings, GroupSettings
from messaging.topics import Topic, TopicShape
from runtime.settings import read_settings
from tests.support.topics import Names, unique_names
from tests.support.waiting import wait_until

POLL_SECONDS = 0.2
MOST_RECORDS = 10_000
DEADLINE_SECONDS = 20


@dataclass(frozen=True)
class Meddling:
    """What can be done to a cluster behind its clients' backs.

    `expel` removes all members from the consumer group. `compact` makes a topic a compacted one. `leave_open` writes a
    message in a Kafka transaction that stays open; it returns what commits it. `abort` writes one in a Kafka
    transaction that is aborted. `delete` ends a topic.
    """

    expel: Callable[[], None]
    compact: Callable[[str], None]
    leave_open: Callable[[Message], Callable[[], object]]
    abort: Callable[[Message], object]
    delete: Callable[[str], object]


class Stage:
    """An implementation with topics of its own, to which it opens clients; it closes them all in the end."""

    def __init__(self, library: ClientLibrary, servers: str, names: Names, meddling: Meddling) -> None:
        self.library = library
        self.connection = read_settings(ConnectionSettings, {"KAFKA_BOOTSTRAP_SERVERS": servers})
        self.group = read_settings(GroupSettings, {"CONSUMER_GROUP": names.group})
        self.names = names
        self.expel = meddling.expel
        self.compact = meddling.compact
        self.leave_open = meddling.leave_open
        self.abort = meddling.abort
        self.delete = meddling.delete
        self._opened = ExitStack()

    def create_topics(self, partitions: int, names: Sequence[str]) -> Mapping[str, Topic]:
        """Create topics of so many partitions; return them as they are."""
        self.library.create_topics(self.connection, dict.fromkeys(names, TopicShape(partitions, 1)))
        return self.library.describe_topics(self.connection, names)

    def processor(self, topic: str | None = None) -> Processor:
        """Return a member of the group that reads the transactions, unless told otherwise."""
        opened = self.library.open_processor(self.connection, self.group, topic or self.names.transactions)
        return self._opened.enter_context(closing(opened))

    def member(self, topic: str | None = None, group: str | None = None, batch_size: int = MOST_RECORDS) -> "Member":
        """Return a member of the group, unless told otherwise, that starts what it gains."""
        settings = dataclasses.replace(self.group, consumer_group=group or self.group.consumer_group)
        opened = self.library.open_processor(self.connection, settings, topic or self.names.transactions)
        return Member(self._opened.enter_context(closing(opened)), batch_size)

    def follower(self, topic: str, start: int = 0) -> Reader:
        """Return a reader that follows a topic of one partition from an offset on."""
        return self.reader({(topic, 0): start}, {(topic, 0): FOLLOW})

    def reader(self, starts: Offsets, ends: Offsets) -> Reader:
        """Return a reader from there to there."""
        return self._opened.enter_context(closing(self.library.open_reader(self.connection, starts, ends)))

    def publisher(self) -> Publisher:
        """Return a client that writes."""
        return self._opened.enter_context(closing(self.library.open_publisher(self.connection)))

    def write(self, messages: Sequence[Message]) -> None:
        """Write the messages, and wait until they are delivered."""
        deliver(self.publisher(), messages)

    def read(self, topic: str, count: int) -> Sequence[Record]:
        """Return the records that a group of its own reads from a topic until it has at least so many."""
        return read_on(self.member(topic, group=unique_names().group), count)

    def close(self) -> None:
        """Close every client that was opened."""
        self._opened.close()


class Member:
    """A processor that starts each partition it gains where the group has read to, and remembers its last batch."""

    def __init__(self, processor: Processor, batch_size: int = MOST_RECORDS) -> None:
        self.processor = processor
        self._batch_size = batch_size
        self.batch = Batch()
        self._waiting: set[int] = set()

    def poll(self, seconds: float) -> Sequence[Record]:
        """Return the records of the next batch."""
        self.batch = self.processor.poll(seconds, self._batch_size)
        self._waiting = (self._waiting - set(self.batch.lost)) | set(self.batch.gained)
        for partition in tuple(self._waiting):
            with suppress(OffsetUnstable):
                self.processor.start(partition, self.processor.committed(partition))
                self._waiting.discard(partition)
        return self.batch.records

    def commit(self, messages: Sequence[Message]) -> None:
        """Commit the last batch; if it is aborted, the next poll begins with it again."""
        try:
            self.processor.commit(self.batch, messages)
        except BatchAborted:
            self.processor.rewind(self.batch)
            raise

    def lag(self) -> int | None:
        """Return the processor's."""
        return self.processor.lag()

    def close(self) -> None:
        """Leave the group."""
        self.processor.close()


def deliver(publisher: Publisher, messages: Sequence[Message]) -> Sequence[Message]:
    """Send the messages; return them as the publisher says that they are delivered."""
    for message in messages:
        publisher.send(message)
    delivered: list[Message] = []
    while publisher.in_flight:
        delivered += wait_until(lambda: publisher.delivered(POLL_SECONDS), DEADLINE_SECONDS, "a delivery")
    return delivered


def next_batch(member: Member) -> Sequence[Record]:
    """Return the records of the next batch that has some."""
    return wait_until(lambda: member.poll(POLL_SECONDS), DEADLINE_SECONDS, "a batch")


def read_on(member: Member, count: int) -> Sequence[Record]:
    """Return at least so many records of a member's next batches, each committed without a message."""
    records: list[Record] = []
    while len(records) < count:
        records += next_batch(member)
        member.commit([])
    return records


def values(items: Sequence[Record] | Sequence[Message]) -> Sequence[bytes | None]:
    """Return what the records or messages hold."""
    return [item.value for item in items]
