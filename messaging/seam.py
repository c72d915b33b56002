"""THE SEAM between the services and Kafka, and the words used on both sides of it.

A *record* is what was read from a partition, a *message* what is to be written to a topic. A *batch* is what one poll
returned: its messages and the group's new offsets become visible together, in one Kafka transaction, or not at all.
Every implementation passes the same contract tests (tests/contract).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from messaging.settings import KafkaSettings

Headers = Sequence[tuple[str, bytes | None]]


class Record(Struct, frozen=True, gc=False):
    """A record as it was read. `timestamp` is in milliseconds since the epoch.

    `problem` says why the client could not read it whole; key, value and headers are then what it could read.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    problem: str | None = None


class Message(Struct, frozen=True, gc=False):
    """A record to be written. `partition` None: chosen by the key, as Java's client does (murmur2).

    `timestamp` is in milliseconds since the epoch; librdkafka, for which 0 means now, writes 1 for it.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    partition: int | None


ANY_TIME_MS = 2**63 - 1


class Topic(NamedTuple):
    """What the cluster says of a topic; `max_message_bytes` is the size of the largest record batch it takes.

    A record's timestamp may be so many milliseconds before the broker's time, and so many after it.
    """

    partitions: int
    max_message_bytes: int
    most_before_ms: int = ANY_TIME_MS
    most_after_ms: int = ANY_TIME_MS


class BatchAborted(Exception):
    """Nothing of the batch is visible and its offsets are not committed; the next poll gives its records again."""


class ClientFailed(Exception):
    """The client is of no use any more: close it and open a new one. What was not committed or delivered is not."""


class AccessRefused(Exception):
    """Kafka refuses the login, the certificate or a right, and will until somebody changes that: do not try again.

    The message is one line that names what is refused and what is missing. A batch that could not be committed for it
    is aborted: nothing of it is visible, its offsets are not committed.
    """


class DetectorClient(Protocol):
    """Reads one topic as a member of a consumer group and writes to others, exactly once.

    Every method but `lag` and `close` raises ClientFailed when the client cannot go on, and AccessRefused.
    """

    def poll(self, seconds: float) -> Sequence[Record]:
        """Return the next batch, empty when none came within `seconds`; each partition's records are in order.

        Only committed records are read. The batch before must have been committed or aborted.
        """

    def commit(self, messages: Sequence[Message]) -> None:
        """Write the messages and the offsets of the last batch in one Kafka transaction.

        Raises BatchAborted when that did not work and the batch is to be polled again, for instance because the
        partitions have been given to another member meanwhile.
        """

    def lag(self) -> int | None:
        """Return how many records of the assigned partitions are still to be read, None while that is not known."""

    def close(self) -> None:
        """Leave the group. Never raises."""


class GeneratorClient(Protocol):
    """Writes messages, each delivered once and in the order of its partition, retrying for as long as it takes."""

    def send(self, message: Message) -> None:
        """Take on a message; returns before it is delivered."""

    def delivered(self, seconds: float) -> Sequence[Message]:
        """Return the messages delivered since the last call, in the order of sending.

        Waits at most `seconds`, and no longer than until all are delivered. Raises ClientFailed when one cannot be
        delivered, AccessRefused when it may not be.
        """

    @property
    def in_flight(self) -> int:
        """How many messages have been taken on and not yet returned as delivered."""

    def close(self) -> None:
        """Give up what is in flight. Never raises."""


class ClientLibrary(Protocol):
    """A Kafka client library behind the seam.

    Every function raises ClientFailed when Kafka does not answer, and AccessRefused when it refuses.
    """

    def create_topics(self, settings: KafkaSettings, names: Sequence[str]) -> None:
        """Create the topics that do not exist. One that is there only has to be visible."""

    def describe_topics(self, settings: KafkaSettings, names: Sequence[str]) -> Mapping[str, Topic]:
        """Return topics that exist as they are.

        One whose settings may not be seen (DescribeConfigs) is taken to have Kafka's defaults; the log is told so once.
        """

    def open_detector_client(self, settings: KafkaSettings, topic: str) -> DetectorClient:
        """Join the consumer group as a reader of the topic."""

    def open_generator_client(self, settings: KafkaSettings) -> GeneratorClient:
        """Return a client that is ready to send."""
