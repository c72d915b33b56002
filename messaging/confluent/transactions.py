"""Kafka transactions, one after the other, on one producer; an abort replaces the producer."""

import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from confluent_kafka import Producer, TopicPartition

from messaging.confluent.connection import open_producer, until_done
from messaging.confluent.records import send
from messaging.confluent.refusals import Refusals
from messaging.seam import ClientFailed, Message
from messaging.settings import ConnectionSettings, GroupSettings


class Transactions:
    """Commits messages with a group's offsets. Errors are raised as KafkaException: then call `abort`, or `close`."""

    def __init__(self, connection: ConnectionSettings, group: GroupSettings, refusals: Refusals) -> None:
        self._connection = connection
        self._group = group
        self._refusals = refusals
        self._producer = _open_producer(connection, group, refusals)
        self._beside = ThreadPoolExecutor(1, "offsets")

    def commit(self, messages: Sequence[Message], offsets: list[TopicPartition], member: Any) -> None:
        """Begin, write and commit. Raises ClientFailed where the group's coordinator does not answer in time."""
        self._producer.begin_transaction()
        # The offsets go ahead: they wait for the Kafka transaction before by the millisecond, messages by 20 ms.
        send_offsets = partial(self._producer.send_offsets_to_transaction, offsets, member)
        sent = self._beside.submit(until_done, self._producer, self._refusals, send_offsets)
        try:
            for message in messages:
                send(self._producer, message)
        finally:
            self._wait_for(sent)
        until_done(self._producer, self._refusals, self._producer.commit_transaction)

    def abort(self) -> None:
        """Abort, and go on with a new producer.

        A record that was refused leaves a gap in a producer's sequence, on which its next batch would fail.
        """
        until_done(self._producer, self._refusals, self._producer.abort_transaction)
        self._producer = _open_producer(self._connection, self._group, self._refusals)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._beside.shutdown(wait=False)

    def _wait_for(self, sent: Future[None]) -> None:
        """Wait until the broker has aborted it: librdkafka waits for ever for a coordinator that is gone (5511)."""
        try:
            sent.result(self._group.transaction_timeout_ms / 1000)
        except TimeoutError as error:
            raise ClientFailed("cannot write: no answer from the group's coordinator") from error


def _open_producer(connection: ConnectionSettings, group: GroupSettings, refusals: Refusals) -> Producer:
    own = {
        # Leaves a broker that is away in the cluster: else its return may not be noticed (librdkafka's issue 5511).
        "metadata.recovery.strategy": "none",
        "linger.ms": 1,
        "socket.timeout.ms": min(10_000, group.transaction_timeout_ms),
        "transactional.id": f"{group.consumer_group}-{uuid.uuid4()}",
        "transaction.timeout.ms": group.transaction_timeout_ms,
        "retry.backoff.ms": 1,  # the next Kafka transaction begins while the broker completes the one before
    }
    producer = open_producer(connection, refusals, own)
    until_done(producer, refusals, producer.init_transactions)
    return producer
