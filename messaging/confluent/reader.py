"""A reader: reads from an offset to another, or without an end, in no group."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from messaging.batch import Offsets, Record
from messaging.confluent.connection import configuration, open_consumer, raising_client_failed
from messaging.confluent.presence import CONFIGURATION, Presence
from messaging.confluent.records import record_with_its_time
from messaging.confluent.refusals import Refusals
from messaging.seam import ClientFailed
from messaging.settings import ConnectionSettings

_MOST_RECORDS = 2_000
_END = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own errors begin so


def open_reader(connection: ConnectionSettings, starts: Offsets, ends: Offsets) -> "ConfluentReader":
    """Return a reader of the partitions that are named in `ends`."""
    with raising_client_failed("cannot read"):
        return ConfluentReader(connection, starts, ends)


class ConfluentReader:
    """A Reader (see messaging.seam)."""

    def __init__(self, connection: ConnectionSettings, starts: Offsets, ends: Offsets) -> None:
        self._refusals = Refusals(connection.security)
        self._left = {at: end for at, end in ends.items() if starts.get(at, 0) < end}
        self._positions = {at: starts.get(at, 0) for at in ends}
        self._presence = Presence()
        self._consumer = open_consumer(
            {
                **configuration(connection, self._refusals),
                **CONFIGURATION,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "enable.partition.eof": True,  # then the end is known behind a Kafka transaction's markers too
                "fetch.queue.backoff.ms": 5,
                "group.id": "reader",  # has to be there, and is not joined
                "isolation.level": "read_committed",
                "stats_cb": self._presence.on_statistics,
                "queued.max.messages.kbytes": 32_768,
            }
        )
        self._consumer.assign([TopicPartition(*at, starts.get(at, OFFSET_BEGINNING)) for at in self._left])

    @property
    def left(self) -> Mapping[tuple[str, int], int]:
        return self._left

    @property
    def positions(self) -> Mapping[tuple[str, int], int]:
        return self._positions

    def poll(self, seconds: float) -> Sequence[Record]:
        with raising_client_failed("cannot read"):
            messages: Sequence[Any] = self._consumer.consume(_MOST_RECORDS, seconds)
            self._presence.raise_if_gone(self._consumer, self._refusals)
        self._refusals.raise_if_refused()
        for message in messages:
            self._raise_if_failed(message)
        return [record_with_its_time(message) for message in messages if self._is_wanted(message)]

    def close(self) -> None:
        with suppress(KafkaException, RuntimeError):
            self._consumer.close()

    def _is_wanted(self, message: Any) -> bool:
        """Tell whether it is a record before its partition's end; take note of how far the partition has been read."""
        at = (message.topic(), message.partition())
        if at not in self._left:
            return False
        is_record = message.error() is None
        self._positions[at] = position = message.offset() + is_record
        is_wanted = is_record and position <= self._left[at]
        if position >= self._left[at]:
            del self._left[at]
            self._consumer.pause([TopicPartition(*at)])
        return is_wanted

    def _raise_if_failed(self, message: Any) -> None:
        """Raise where it tells that a topic cannot be read, not where that is said of the group."""
        error, topic = message.error(), message.topic()
        if error is not None and error.code() != _END and topic is not None:
            self._refusals.raise_if_unauthorized(error, "Read", [topic], group="")
            raise ClientFailed(f"cannot read: {error.str()}")
