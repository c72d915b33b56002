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
_MOST_SECONDS = 60.0  # that a coordinator may take to begin its work
# Until then the library may also say that the time is up: meanwhile it looks for the coordinator by itself.
_NOT_YET = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._TIMED_OUT,  # noqa: SLF001 - librdkafka's own errors begin so
)


def committed_offsets(
    configuration: Mapping[str, Any], group: str, places: Sequence[TopicPartition], stop: Stop
) -> Mapping[int, int]:
    """Return the group's offset in each of these partitions of a topic in which it has one.

    Raises KafkaException where the coordinator does not answer for a minute, ServiceFailed where a stop is asked for.
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
        if error.code() not in _NOT_YET or time.monotonic() - begin > _MOST_SECONDS:
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
