"""Kafka transactions, one after the other, on one producer; an abort replaces the producer."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

from kafka import KafkaProducer
from kafka.errors import (
    InvalidRecordError,
    InvalidTimestampError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from kafka.structs import OffsetAndMetadata, TopicPartition

from messaging.batch import Message
from messaging.kafka_python.connection import (
    RETRIES,
    close_producer,
    explanation,
    open_producer,
    raising_client_failed,
)
from messaging.kafka_python.records import send
from messaging.kafka_python.refusals import Refusals, is_of_a_topic
from messaging.kafka_python.topics import refused_operations
from messaging.library_log import latest_trouble
from messaging.seam import BatchAborted, ClientFailed, MessageRefused
from messaging.settings import ConnectionSettings, GroupSettings
from messaging.standstill import NO_TRANSACTION_COORDINATOR

# What a broker says of a message that it will never take.
_REFUSED_FOR_GOOD = (InvalidRecordError, InvalidTimestampError, MessageSizeTooLargeError, RecordListTooLargeError)


class Transactions:
    """Commits messages with a group's offsets, as a Processor does.

    `topic` is the one that is read: a right to it may be missing too.
    """

    def __init__(self, connection: ConnectionSettings, group: GroupSettings, topic: str, refusals: Refusals) -> None:
        self._connection = connection
        self._group = group
        self._topic = topic
        self._refusals = refusals
        self._beside = ThreadPoolExecutor(1, "commits")
        self._producer = _open_producer(connection, group, refusals)

    def commit(
        self, messages: Sequence[Message], offsets: Mapping[TopicPartition, OffsetAndMetadata], member: Any
    ) -> None:
        """Begin, write and commit. Raises BatchAborted, MessageRefused, AccessRefused and ClientFailed."""
        try:
            self._wait_for(partial(self._commit, messages, offsets, member))
        except (KafkaError, ValueError) as error:
            unauthorized = partial(self._raise_if_unauthorized, messages=messages)
            said = f"cannot write: {explanation(error)}; cannot abort"
            with raising_client_failed(said, self._refusals, unauthorized):
                self._wait_for(self._abort)
            unauthorized(error)
            aborted = MessageRefused if isinstance(error, _REFUSED_FOR_GOOD) else BatchAborted
            raise aborted(explanation(error)) from error

    def throttled_seconds(self) -> float:
        """Return the longest time for which a broker has held up the producer since the last call."""
        return self._refusals.throttled_seconds()

    def close(self) -> None:
        """Wait for nothing any more."""
        self._beside.shutdown(wait=False)
        close_producer(self._producer)

    def _commit(
        self, messages: Sequence[Message], offsets: Mapping[TopicPartition, OffsetAndMetadata], member: Any
    ) -> None:
        self._producer.begin_transaction()
        futures: list[Any] = []
        try:
            self._write(futures, messages, offsets, member)
        except KafkaError as error:
            refusal = _refusal_among(futures)
            if refusal is None or refusal is error:
                raise
            raise refusal from error
        self._producer.commit_transaction()

    def _write(
        self,
        futures: list[Any],
        messages: Sequence[Message],
        offsets: Mapping[TopicPartition, OffsetAndMetadata],
        member: Any,
    ) -> None:
        futures.extend(send(self._producer, message) for message in messages)
        self._producer.send_offsets_to_transaction(offsets, member)
        self._producer.flush()
        for future in futures:
            if future.failed():  # does not fail the Kafka transaction by itself
                raise future.exception

    def _abort(self) -> None:
        """Abort, and go on with a new producer.

        A record that was refused leaves a gap in a producer's sequence, on which its next batch would hang.
        """
        self._producer.abort_transaction()
        close_producer(self._producer)
        self._producer = _open_producer(self._connection, self._group, self._refusals)

    def _wait_for(self, call: Callable[[], None]) -> None:
        """Wait for what ends a batch until the broker has aborted it; kafka-python itself may wait for ever."""
        try:
            self._beside.submit(call).result(self._group.transaction_timeout_ms / 1000)
        except TimeoutError as error:
            raise ClientFailed(f"cannot write: {latest_trouble(RETRIES) or 'no answer from Kafka'}") from error

    def _raise_if_unauthorized(self, error: BaseException, messages: Sequence[Message]) -> None:
        """Raise AccessRefused where a right is missing; of several topics the library may name the first."""
        outputs = {message.topic for message in messages}
        if is_of_a_topic(error):
            needed = {self._topic: "Read", **dict.fromkeys(outputs, "Write")}
            refused = refused_operations(self._connection, self._refusals, needed)
            if refused:
                raise self._refusals.missing(refused) from error
        self._refusals.raise_if_unauthorized(error, "Write", outputs, self._group.consumer_group)


def _refusal_among(futures: Sequence[Any]) -> Any:
    """Return why a topic refuses a message for good, if one does; the others of its record batch say less."""
    failed = (future.exception for future in futures if future.failed())
    return next((problem for problem in failed if isinstance(problem, _REFUSED_FOR_GOOD)), None)


def _open_producer(connection: ConnectionSettings, group: GroupSettings, refusals: Refusals) -> KafkaProducer:
    producer = open_producer(
        connection,
        refusals,
        transactional_id=f"{group.consumer_group}-{uuid.uuid4()}",
        transaction_timeout_ms=group.transaction_timeout_ms,
        retry_backoff_ms=5,  # the next Kafka transaction begins while the broker completes the one before
    )
    with ExitStack() as failed:
        failed.callback(close_producer, producer)
        _init_transactions(producer)
        failed.pop_all()
    return producer


def _init_transactions(producer: KafkaProducer) -> None:
    try:
        producer.init_transactions()
    except KafkaTimeoutError as error:
        raise ClientFailed(f"cannot connect: {NO_TRANSACTION_COORDINATOR}: {explanation(error)}") from error
