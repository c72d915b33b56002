"""Kafka transactions, one after the other, on one producer; an abort replaces the producer."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

from kafka import KafkaProducer
from kafka.structs import OffsetAndMetadata, TopicPartition

from messaging.kafka_python.connection import close_producer, open_producer
from messaging.kafka_python.records import send
from messaging.kafka_python.refusals import Refusals
from messaging.seam import ClientFailed, Message
from messaging.settings import ConnectionSettings, GroupSettings


class Transactions:
    """Commits messages with a group's offsets. Errors are raised as KafkaError or ValueError: then call `abort`.

    Raises ClientFailed where no answer comes in time.
    """

    def __init__(self, connection: ConnectionSettings, group: GroupSettings, refusals: Refusals) -> None:
        self._connection = connection
        self._group = group
        self._refusals = refusals
        self._beside = ThreadPoolExecutor(1, "commits")
        self._producer = _open_producer(connection, group, refusals)

    def commit(
        self, messages: Sequence[Message], offsets: Mapping[TopicPartition, OffsetAndMetadata], member: Any
    ) -> None:
        """Begin, write and commit."""
        self._wait_for(partial(self._commit, messages, offsets, member))

    def abort(self) -> None:
        """Abort, and go on with a new producer.

        A record that was refused leaves a gap in a producer's sequence, on which its next batch would hang.
        """
        self._wait_for(self._abort)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._beside.shutdown(wait=False)
        close_producer(self._producer)

    def _commit(
        self, messages: Sequence[Message], offsets: Mapping[TopicPartition, OffsetAndMetadata], member: Any
    ) -> None:
        self._producer.begin_transaction()
        futures = [send(self._producer, message) for message in messages]
        self._producer.send_offsets_to_transaction(offsets, member)
        self._producer.flush()
        for future in futures:
            if future.failed():  # does not fail the Kafka transaction by itself
                raise future.exception
        self._producer.commit_transaction()

    def _abort(self) -> None:
        self._producer.abort_transaction()
        close_producer(self._producer)
        self._producer = _open_producer(self._connection, self._group, self._refusals)

    def _wait_for(self, call: Callable[[], None]) -> None:
        """Wait for what ends a batch until the broker has aborted it; kafka-python itself may wait for ever."""
        try:
            self._beside.submit(call).result(self._group.transaction_timeout_ms / 1000)
        except TimeoutError as error:
            raise ClientFailed("cannot write: no answer from Kafka") from error


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
        producer.init_transactions()
        failed.pop_all()
    return producer
