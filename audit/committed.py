"""How far a group has read, asked by one who is no member of it.

AdminClient.list_consumer_group_offsets would do for that, but librdkafka dies of it where the group's coordinator has
just begun its work, or has lost it: confluentinc/librdkafka, issue 5040.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from audit.connection import NOT_MADE
from runtime.service import ServiceFailed
from runtime.stop import Stop

_SLICE_SECONDS = 0.5  # a signal is handled between two calls to librdkafka, not during one
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS: 60,
    KafkaError.COORDINATOR_NOT_AVAILABLE: 60,
    KafkaError.NOT_COORDINATOR: 60,
    KafkaError._TIMED_OUT: 10,  # noqa: SLF001 - librdkafka's own errors begin so
}


def committed_offsets(
    configuration: Mapping[str, Any], group: str, places: Sequence[TopicPartition], stop: Stop
) -> Mapping[int, int]:
    """Return the group's offset in each of these partitions of a topic in which it has one.

    Raises KafkaException where Kafka does not answer for 10 s, or the group's coordinator has not begun its work for a
    minute; ServiceFailed where a stop is asked for.
    """
    consumer = Consumer({**configuration, "group.id": group, "enable.auto.commit": False})
    try:
        answer = _answer(consumer, places, stop)
    finally:
        with suppress(KafkaException, RuntimeError):
            consumer.close()
    return {place.partition: place.offset for place in answer if place.offset >= 0}


def _answer(consumer: Consumer, places: Sequence[TopicPartition], stop: Stop) -> Sequence[TopicPartition]:
    begin = time.monotonic()
    while True:
        answer, error = _asked_once(consumer, places)
        if error is None:
            return answer
        if time.monotonic() - begin > _PATIENCE_SECONDS.get(error.code(), 0):
            raise KafkaException(error)
        if stop.requested:
            raise ServiceFailed(NOT_MADE)
        time.sleep(_PAUSE_SECONDS)


def _asked_once(
    consumer: Consumer, places: Sequence[TopicPartition]
) -> tuple[Sequence[TopicPartition], KafkaError | None]:
    """Return the answer, and what went wrong about it or about one of its partitions."""
    try:
        answer: Sequence[TopicPartition] = consumer.committed([*places], timeout=_SLICE_SECONDS)
    except KafkaException as error:
        told = consumer.poll(0)  # that the coordinator refuses is only said here
        return (), (told and told.error()) or error.args[0]
    return answer, next((place.error for place in answer if place.error is not None), None)
