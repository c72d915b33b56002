"""What passes the seam: records that were read, messages to be written, and the batch that one poll returned."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

Headers = Sequence[tuple[str, bytes | None]]
Offsets = Mapping[tuple[str, int], int]  # by topic and partition


class Record(Struct, frozen=True, gc=False):
    """A record as it was read. `timestamp` is in milliseconds since the epoch.

    `problem` says why the client could not read it whole; key, value and headers are then what it could read.
    `has_broker_time`: the topic has put the broker's time in the place of the writer's (LogAppendTime); told by readers
    alone.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    problem: str | None = None
    has_broker_time: bool = False


class Place(NamedTuple):
    """A topic, a partition, and an offset in it."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] offset {self.offset}"


def place_of(record: Record) -> Place:
    """Return where a record is."""
    return Place(record.topic, record.partition, record.offset)


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


class Batch(Struct, frozen=True):
    """What one poll returned; each partition's records are in order, and none is of a partition that is not started.

    `lost` comes before `gained`: a partition in both has been somebody else's meanwhile. `member` is the library's own
    word for who has polled, read right after that, even if nothing came; None where it has no generation in the group.

    `ends` has by partition how far it has been read, where no record lies between the last one and that offset: only
    markers of Kafka transactions, aborted records, or what Kafka has deleted (see with_skipped).

    `skipped` has by partition the offset that was to be read next but is not there, and the one at which reading goes
    on: that of the first record. Kafka has deleted what lies between; or that is lower, because the topic is a new one.
    """

    records: Sequence[Record] = ()
    lost: Collection[int] = ()
    gained: Collection[int] = ()
    member: Any = None
    skipped: Mapping[int, tuple[int, int]] = MappingProxyType({})
    ends: Mapping[int, int] = MappingProxyType({})

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self.records or self.ends)

    def first_offsets(self) -> Mapping[int, int]:
        """Return by partition the offset from which an aborted batch is read again.

        That is the first record's; where there is none, the end's last marker, so that the end is told again.
        """
        markers = {partition: end - 1 for partition, end in self.ends.items()}
        return markers | {record.partition: record.offset for record in reversed(self.records)}

    def next_offsets(self) -> Mapping[int, int]:
        """Return by partition the offset of the *next* record: what the group commits."""
        last = {record.partition: record for record in self.records}
        return {partition: record.offset + 1 for partition, record in last.items()} | dict(self.ends)

    def with_skipped(self, skipped: Mapping[int, tuple[int, int]]) -> "Batch":
        """Return the batch with what was skipped; if records are gone, the group's offset is to be behind them too."""
        gone = {partition: first for partition, (sought, first) in skipped.items() if first > sought}
        return replace(self, skipped=skipped, ends={**gone, **self.ends})

    def split(self, count: int) -> tuple["Batch", "Batch"]:
        """Return the first so many records and the others, each with the member; the ends go with the last record."""
        if count >= len(self.records):
            return self, replace(self, records=(), ends={})
        return replace(self, records=self.records[:count], ends={}), replace(self, records=self.records[count:])
