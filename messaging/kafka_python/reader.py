"""A reader: reads from an offset to another, or without an end, in no group."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from kafka.errors import LogTruncationError, OffsetOutOfRangeError
from kafka.structs import TopicPartition

from messaging.batch import Offsets, Record
from messaging.kafka_python.connection import close_consumer, open_consumer, raising_client_failed
from messaging.kafka_python.presence import Presence
from messaging.kafka_python.records import record_with_its_time
from messaging.kafka_python.refusals import Refusals
from messaging.settings import ConnectionSettings

_MOST_RECORDS = 10_000


def open_reader(connection: ConnectionSettings, starts: Offsets, ends: Offsets) -> "KafkaPythonReader":
    """Return a reader of the partitions that are named in `ends`."""
    refusals = Refusals(connection.security)
    with raising_client_failed("cannot connect", refusals):
        return KafkaPythonReader(connection, refusals, starts, ends)


class KafkaPythonReader:
    """A Reader (see messaging.seam)."""

    def __init__(self, connection: ConnectionSettings, refusals: Refusals, starts: Offsets, ends: Offsets) -> None:
        self._refusals = refusals
        self._left = {at: end for at, end in ends.items() if starts.get(at, 0) < end}
        self._positions = {at: starts.get(at, 0) for at in ends}
        self._consumer = open_consumer(
            connection,
            refusals,
            auto_offset_reset="none",  # else it would go on where a topic that was made anew ends
            max_poll_records=_MOST_RECORDS,
        )
        self._presence = Presence(self._consumer)
        self._consumer.assign([TopicPartition(*at) for at in self._left])
        for at in self._left:
            if at in starts:
                self._consumer.seek(TopicPartition(*at), starts[at])
            else:
                self._consumer.seek_to_beginning(TopicPartition(*at))

    @property
    def left(self) -> Mapping[tuple[str, int], int]:
        return self._left

    @property
    def positions(self) -> Mapping[tuple[str, int], int]:
        return self._positions

    def poll(self, seconds: float) -> Sequence[Record]:
        self._refusals.raise_if_refused()
        topics = {topic for topic, _ in self._left}
        unauthorized = partial(self._refusals.raise_if_unauthorized, operation="Read", topics=topics, group="")
        records: list[Record] = []
        with raising_client_failed("cannot read", self._refusals, unauthorized):
            try:
                records += self._next_records(seconds)
                self._take_note_of_positions()
            except (OffsetOutOfRangeError, LogTruncationError) as error:
                self._begin_again(error)
        self._presence.raise_if_gone(topics, self._refusals)
        return records

    def close(self) -> None:
        close_consumer(self._consumer)

    def _next_records(self, seconds: float) -> Iterator[Record]:
        """Yield the records that lie before the ends."""
        polled = self._consumer.poll(timeout_ms=math.ceil(seconds * 1000))
        for partition, reads in polled.items():
            yield from (record_with_its_time(read) for read in reads if read.offset < self._left[partition])

    def _take_note_of_positions(self) -> None:
        """Ask how far the partitions have been read, behind markers too; pause those that are at their ends."""
        found = {at: self._consumer.position(TopicPartition(*at), timeout_ms=0) for at in self._left}
        self._positions |= {at: position for at, position in found.items() if position is not None}
        for at, end in tuple(self._left.items()):
            if self._positions[at] >= end:
                del self._left[at]
                self._consumer.pause(TopicPartition(*at))

    def _begin_again(self, error: OffsetOutOfRangeError | LogTruncationError) -> None:
        """Go on at the first records of the partitions in which what was to be read next is not there."""
        named = error.divergent_offsets if isinstance(error, LogTruncationError) else error.args[0]
        self._consumer.seek_to_beginning(*named)
