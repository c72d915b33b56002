"""Converts what the library reads to records, and messages to what it writes."""

from operator import methodcaller
from typing import Any

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Producer

from messaging.batch import Headers, Message, Record
from messaging.confluent.connection import SLICE_SECONDS

_ANY_PARTITION = -1
# Where a name cannot be decoded, the library returns something and sets an error: a plain call, once Python has
# specialised it, no longer looks for one.
_headers = methodcaller("headers")


def record(message: Any) -> Record:
    """Return what was read."""
    headers, problem = _readable_headers(message)
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        message.timestamp()[1],
        message.key(),
        message.value(),
        headers,
        problem,
    )


def record_with_its_time(message: Any) -> Record:
    """Return what was read, and whose time it bears."""
    headers, problem = _readable_headers(message)
    kind, timestamp = message.timestamp()
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        timestamp,
        message.key(),
        message.value(),
        headers,
        problem,
        kind == TIMESTAMP_LOG_APPEND_TIME,
    )


def send(producer: Producer, message: Message, on_delivery: Any = None) -> None:
    """Queue a message, waiting for room; raises KafkaException where the library refuses it at once."""
    partition = _ANY_PARTITION if message.partition is None else message.partition
    timestamp = message.timestamp or 1  # librdkafka takes 0 for now
    headers: Any = list(message.headers) if message.headers else None
    while True:
        try:  # by position, which is faster
            producer.produce(
                message.topic, message.value, message.key, partition, on_delivery, None, timestamp, headers
            )
        except BufferError:
            producer.poll(SLICE_SECONDS)
        else:
            return


def _readable_headers(message: Any) -> tuple[Headers, str | None]:
    try:
        return _headers(message) or (), None
    except SystemError:  # it could not decode a name
        return (), "the name of a header is not UTF-8"
