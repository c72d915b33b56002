"""The records, up to where a snapshot was taken. It joins no group and commits nothing."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from operator import methodcaller
from typing import Any

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, KafkaError
from confluent_kafka import TopicPartition as Place

from audit.connection import Offsets, connection, or_failed, or_refused
from messaging.librdkafka_refusals import Refusals
from messaging.seam import Record
from messaging.settings import KafkaSettings
from runtime.service import ServiceFailed
from runtime.stop import Stop

_POLL_SECONDS = 0.5  # a signal is handled between two calls to librdkafka, not during one
_POLL_RECORDS = 2_000
_MOST_SILENT_SECONDS = 60.0


def read(kafka: KafkaSettings, starts: Offsets, ends: Offsets, stop: Stop) -> Iterator[tuple[Record, bool]]:
    """Yield the committed records from the starts up to the ends, those of a partition in their order.

    With each comes whether it keeps the timestamp that it was written with: a topic may put the broker's time in its
    place (LogAppendTime), and may have done so for a part of its records.
    Waits for Kafka transactions that are open before the ends. Ends early when a stop is asked for, and raises
    ServiceFailed when nothing comes for a minute.
    """
    left = {place: end for place, end in ends.items() if starts.get(place, 0) < end}
    refusals = Refusals(kafka.security)
    with closing(Consumer(_configuration(kafka, refusals))) as consumer:
        consumer.assign([Place(topic, number, starts.get((topic, number), 0)) for topic, number in left])
        heard = time.monotonic()
        while left and not stop.requested:
            with or_failed("cannot read"):
                messages: Sequence[Any] = consumer.consume(_POLL_RECORDS, _POLL_SECONDS)
            with or_refused():
                refusals.check()
            heard = _expect_news(bool(messages), heard, left)
            for message in messages:
                place = (message.topic(), message.partition())
                if place not in left:
                    continue
                with or_refused():
                    _check_right(message, refusals, kafka.consumer_group)
                behind = _offset_behind(message)
                if message.error() is None and behind <= left[place]:
                    kind, timestamp = message.timestamp()
                    yield _record(message, timestamp), kind != TIMESTAMP_LOG_APPEND_TIME
                if behind >= left[place]:
                    del left[place]
                    consumer.pause([Place(*place)])


def _expect_news(is_there: bool, heard: float, left: Offsets) -> float:  # noqa: FBT001 - what was heard just now
    now = time.monotonic()
    if not is_there and now - heard > _MOST_SILENT_SECONDS:
        waiting = ", ".join(f"{topic}[{number}] up to offset {end}" for (topic, number), end in sorted(left.items()))
        raise ServiceFailed(f"nothing to read for a minute, or a Kafka transaction stays open: {waiting}")
    return now if is_there else heard


def _configuration(kafka: KafkaSettings, refusals: Refusals) -> dict[str, Any]:
    return {
        **connection(kafka, refusals),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,  # then the end is known behind a Kafka transaction's markers too
        "fetch.queue.backoff.ms": 5,
        "group.id": "audit",  # has to be there, and is not joined
        "isolation.level": "read_committed",
        "queued.max.messages.kbytes": 32_768,
    }


def _offset_behind(message: Any) -> int:
    """Return the offset up to which its partition has been read; an error that is not a partition's end is raised."""
    error = message.error()
    if error is None:
        return int(message.offset()) + 1
    if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own errors begin so
        raise ServiceFailed(f"cannot read: {error.str()}")
    return int(message.offset())


# Where a name cannot be decoded, the library returns something and sets an error: a plain call, once Python has
# specialised it, no longer looks for one.
_headers = methodcaller("headers")


def _check_right(message: Any, refusals: Refusals, group: str) -> None:
    if message.error() is not None:
        refusals.check_right(message.error(), "Read", [message.topic()], group)


def _record(message: Any, timestamp: int) -> Record:
    try:
        headers, problem = _headers(message) or (), None
    except SystemError:  # it could not decode a name
        headers, problem = (), "the name of a header is not UTF-8"
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        timestamp,
        message.key(),
        message.value(),
        headers,
        problem,
    )
