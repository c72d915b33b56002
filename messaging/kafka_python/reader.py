"""A reader: reads between two offsets, in no group."""

import math
from collections.abc import Mapping, Sequence
from functools import partial

from kafka.structs import TopicPartition

from messaging.batch import Offsets, Record
from messaging.kafka_python.connection import close_consumer, open_consumer, raising_client_failed
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
        self._consumer = open_consumer(connection, refusals, max_poll_records=_MOST_RECORDS)
        partitions = {at: TopicPartition(*at) for at in self._left}
        self._consumer.assign(list(partitions.values()))
        for at, partition in partitions.items():
            if at in starts:
                self._consumer.seek(partition, starts[at])
            else:
                self._consumer.seek_to_beginning(partition)

    @property
    def left(self) -> Mapping[tuple[str, int], int]:
        return self._left

    def poll(self, seconds: float) -> Sequence[Record]:
        self._refusals.raise_if_refused()
        unauthorized = partial(
            self._refusals.raise_if_unauthorized, operation="Read", topics={topic for topic, _ in self._left}, group=""
        )
        with raising_client_failed("cannot read", self._refusals, unauthorized):
            polled = self._consumer.poll(timeout_ms=math.ceil(seconds * 1000))
            records = [
                record_with_its_time(read)
                for partition, reads in polled.items()
                for read in reads
                if read.offset < self._left[partition]
            ]
            self._leave_what_has_been_read()
        return records

    def close(self) -> None:
        close_consumer(self._consumer)

    def _leave_what_has_been_read(self) -> None:
        """Pause the partitions of which the position, behind markers too, is at the end."""
        for at, end in tuple(self._left.items()):
            position = self._consumer.position(TopicPartition(*at), timeout_ms=0)
            if position is not None and position >= end:
                del self._left[at]
                self._consumer.pause(TopicPartition(*at))
