"""Converts what the library reads to records, and messages to what it writes: also what only Kafka itself allows."""

from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.record.util import decode_varint
from kafka.serializer import Serializer

from messaging.batch import Message, Record

_LOG_APPEND_TIME = 1
_UNREADABLE: Sequence[tuple[str, bytes | None]] = []


def record(read: Any) -> Record:
    """Return what was read."""
    problem = "the name of a header is not UTF-8" if read.headers is _UNREADABLE else None
    return Record(read.topic, read.partition, read.offset, read.timestamp, read.key, read.value, read.headers, problem)


def record_with_its_time(read: Any) -> Record:
    """Return what was read, and whose time it bears."""
    problem = "the name of a header is not UTF-8" if read.headers is _UNREADABLE else None
    return Record(
        read.topic,
        read.partition,
        read.offset,
        read.timestamp,
        read.key,
        read.value,
        read.headers,
        problem,
        read.timestamp_type == _LOG_APPEND_TIME,
    )


def send(producer: KafkaProducer, message: Message) -> Any:
    """Queue a message, waiting for room; return the library's future of its delivery."""
    return producer.send(
        message.topic,
        value=message,
        key=message.key,
        headers=_Headers(),
        partition=message.partition,
        timestamp_ms=message.timestamp,
    )


class MessageSerializer(Serializer):
    """Unpacks a whole message that is passed to `send` as its value.

    A serializer may change the headers, and nobody looks at what it returns: so a message without key and value and
    headers without value, both legal in Kafka, pass where `send` itself would refuse them.
    """

    def serialize(self, _topic: str, headers: list[tuple[str, bytes | None]], data: Message) -> bytes | None:
        headers.extend(data.headers)
        return data.value


class _Headers(list[tuple[str, bytes | None]]):
    """Counts as empty: otherwise kafka-python adds up the headers' lengths, and fails on one without a value."""

    def __bool__(self) -> bool:
        return False


class _Batch(DefaultRecordBatch):
    """A record batch that can be read even if a header's name is not UTF-8: only that record loses its headers."""

    _buffer: Any
    _pos: int

    def _read_msg(self) -> Any:
        try:
            return super()._read_msg()
        except UnicodeDecodeError:
            return self._read_without_headers()

    def _read_without_headers(self) -> Any:
        whole, begin = self._buffer, self._pos
        length, start = decode_varint(whole, begin)
        end = start + length
        self._buffer, self._pos = _Latin1(whole[begin:end]), 0
        read = super()._read_msg()
        self._buffer, self._pos = whole, end
        # The last of its arguments are the headers.
        return DefaultRecord(
            length, read.offset, read.timestamp, read.timestamp_type, read.key, read.value, _UNREADABLE
        )


class _Latin1(bytes):
    """Bytes whose slices decode without fail, as no UTF-8."""

    __slots__ = ()

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _Latin1(found) if isinstance(found, bytes) else found

    def decode(self, *_: str) -> str:
        return super().decode("latin-1")


memory_records.DefaultRecordBatch = _Batch  # the library has no place of its own for it
