"""The seam: the interface between the services and Kafka, and the words used on both sides of it.

A *record* is what was read from a partition, a *message* what is to be written to a topic. A *batch* is what one poll
returned. The messages that follow from it and the group's new offsets become visible together, in one Kafka
transaction, or not at all. A partition is *gained* when the consumer group assigns it to this member. It is *lost* when
the group takes it away, or no longer counts this member as one.

Roles: a *processor* polls as a member of a consumer group and commits; a *publisher* only writes; a *reader* reads
from an offset to another, or without an end, in no group. Every implementation passes the same contract tests
(tests/contract).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from messaging.batch import Batch, Message, Offsets, Record
from messaging.settings import ConnectionSettings, GroupSettings
from messaging.topics import Topic, TopicShape

FOLLOW = 2**63 - 1  # in the place of an end, the largest offset that Kafka can have: one that never comes


class BatchAborted(Exception):
    """Nothing of the batch is visible and its offsets are not committed: rewind to it, and poll it again."""


class MessageRefused(BatchAborted):
    """The batch is aborted because a topic refuses a message for good, in the broker's words: it would do so again."""


class OffsetUnstable(Exception):
    """A Kafka transaction that is still open may change the group's offset, or nobody knows it yet: ask again."""


class ClientFailed(Exception):
    """The client cannot go on: close it and open a new one. Only what it has confirmed counts as done."""


class AccessRefused(Exception):
    """Kafka refuses the login, the certificate or a right, and will until somebody changes that: do not retry.

    The message is one line that names what is refused and what is missing. A batch that could not be committed because
    of it is aborted: nothing of it is visible, its offsets are not committed.
    """


class Processor(Protocol):
    """Reads one topic as a member of a consumer group and writes to others, exactly once.

    Every method but those that say otherwise raises ClientFailed when the client cannot go on, and AccessRefused.
    """

    def poll(self, seconds: float, most: int) -> Batch:
        """Return the next batch, of at most so many records; it is empty when nothing came within `seconds`.

        Only committed records are read. The batch before must have been committed, rewound or abandoned for good.
        """

    def committed(self, partition: int) -> int | None:
        """Return the offset from which the group goes on in a gained partition, None where it has committed none.

        Raises OffsetUnstable while that is not certain; answers within a fraction of a second.
        """

    def start(self, partition: int, offset: int | None) -> None:
        """Begin to read a gained partition there; None: at its first record. Until then it is not read."""

    def commit(self, batch: Batch, messages: Sequence[Message]) -> None:
        """Write the messages, if any, and the batch's next offsets in one Kafka transaction; the batch is not empty.

        Raises BatchAborted when that did not work, for instance because the partitions have been given to another
        member meanwhile, and MessageRefused when it will not work with these messages.
        """

    def rewind(self, batch: Batch) -> None:
        """Let the next poll begin with the batch's records again, as far as their partitions are still assigned."""

    def throttled_seconds(self) -> float:
        """Return the longest time for which a quota has held up what was written since the last call. Never raises.

        Until it has passed, what is written next waits too.
        """

    def lag(self) -> int | None:
        """Return how many records of the assigned partitions are still to be read, None while that is not known.

        It is known once this member is in the group and its partitions are started; with none assigned it is 0. Never
        raises.
        """

    def waiting_for(self) -> Mapping[str, str]:
        """Return what does not go on at this moment, though Kafka may answer, each with the reason; both for the log.

        It is that this member is not in the group, that the topic does not exist any more, that a partition has no
        leader, or that one is read up to where a Kafka transaction of another producer is open: the offset is named, a
        few seconds later. What has the same name in two answers has not moved between them. Answers within about a
        second. Never raises.
        """

    def close(self) -> None:
        """Leave the group. Never raises."""


class Publisher(Protocol):
    """Writes messages, each delivered once and in the order of its partition, retrying for as long as it takes."""

    def send(self, message: Message) -> None:
        """Queue a message; returns before it is delivered."""

    def delivered(self, seconds: float) -> Sequence[Message]:
        """Return the messages delivered since the last call, in the order of sending.

        Waits at most `seconds`, and no longer than until all are delivered. Raises ClientFailed when one cannot be
        delivered, AccessRefused when it may not be.
        """

    @property
    def in_flight(self) -> int:
        """How many messages have been queued and not yet returned as delivered."""

    def close(self) -> None:
        """Give up what is in flight. Never raises."""


class Reader(Protocol):
    """Reads partitions from their starts to their ends, or follows those whose end is FOLLOW.

    It joins no group and commits nothing.
    """

    @property
    def left(self) -> Offsets:
        """Up to where the partitions are still to be read; empty when all have been."""

    @property
    def positions(self) -> Offsets:
        """Up to where each partition has been read, markers of Kafka transactions and aborted records included.

        Where a start is not named, 0 until something has been read.
        """

    def poll(self, seconds: float) -> Sequence[Record]:
        """Return the next committed records that lie before the ends, none when none came within `seconds`.

        With 0 seconds it takes what has come in the meantime and waits for nothing, whatever has become of the brokers.
        Each partition's records are in order. Kafka transactions that are open before the ends are waited for. A topic
        that has fewer records than were read was made anew: it is read from its first record, with lower offsets than
        before. Raises ClientFailed, also a few seconds after a topic was deleted, and AccessRefused.
        """

    def close(self) -> None:
        """Give up what has not been read. Never raises."""


class ClientLibrary(Protocol):
    """A Kafka client library behind the seam.

    Every function raises ClientFailed when Kafka does not answer, and AccessRefused when it refuses.
    """

    def create_topics(self, connection: ConnectionSettings, topics: Mapping[str, TopicShape]) -> None:
        """Create the topics that do not exist, and tell the log which. One that is there only has to be visible."""

    def describe_topics(self, connection: ConnectionSettings, names: Sequence[str]) -> Mapping[str, Topic]:
        """Return topics that exist as they are.

        One whose settings may not be seen (DescribeConfigs) is taken to have Kafka's defaults; the log is told so once.
        """

    def end_offsets(self, connection: ConnectionSettings, names: Sequence[str]) -> Offsets:
        """Return where the partitions of topics end now, open Kafka transactions included (the high watermark).

        Raises ClientFailed, which names it, where one does not exist.
        """

    def offsets_at(self, connection: ConnectionSettings, names: Sequence[str], milliseconds: int) -> Offsets:
        """Return each partition's first offset with a timestamp of that time since 1970 or later; where none is, none.

        Offsets of aborted records count. Raises ClientFailed, which names it, where a topic does not exist.
        """

    def open_processor(self, connection: ConnectionSettings, group: GroupSettings, topic: str) -> Processor:
        """Join the consumer group as a reader of the topic."""

    def open_publisher(self, connection: ConnectionSettings) -> Publisher:
        """Return a publisher that is ready to send."""

    def open_reader(self, connection: ConnectionSettings, starts: Offsets, ends: Offsets) -> Reader:
        """Return a reader of the partitions that are named in `ends`, each from its start, or its first record."""
