"""Exactly once, on one consumer and one transactional producer."""

import math
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

from kafka import KafkaProducer
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import MemberState, OffsetAndMetadata, TopicPartition

from messaging.kafka_python.connection import (
    close_consumer,
    close_producer,
    explanation,
    open_consumer,
    open_producer,
    raising_client_failed,
)
from messaging.kafka_python.records import record, send
from messaging.kafka_python.refusals import Refusals, is_of_a_topic
from messaging.kafka_python.topics import refused_operations
from messaging.seam import Batch, BatchAborted, ClientFailed, Message, OffsetUnstable
from messaging.settings import ConnectionSettings, GroupSettings

_OFFSET_SECONDS = 0.2
_MOST_SECONDS_OUTSIDE_GROUP = 60
_NOWHERE = 0  # a position that is not used, because the partition is paused there: else the library looks for one


def open_processor(connection: ConnectionSettings, group: GroupSettings, topic: str) -> "KafkaPythonProcessor":
    """Join the consumer group as a reader of the topic."""
    refusals = Refusals(connection.security)
    unauthorized = partial(refusals.raise_if_unauthorized, operation="Read", topics=[topic], group=group.consumer_group)
    with raising_client_failed("cannot connect", refusals, unauthorized):
        return KafkaPythonProcessor(connection, group, topic, refusals)


class KafkaPythonProcessor:
    """A Processor (see messaging.seam)."""

    def __init__(self, connection: ConnectionSettings, group: GroupSettings, topic: str, refusals: Refusals) -> None:
        self._connection = connection
        self._group = group
        self._topic = topic
        self._refusals = refusals
        self._beside = ThreadPoolExecutor(1, "commits")
        self._stable_at = time.monotonic()
        with ExitStack() as failed:
            self._producer = _open_transactional_producer(connection, group, refusals)
            failed.callback(close_producer, self._producer)
            self._consumer = open_consumer(
                connection,
                refusals,
                group_id=group.consumer_group,
                heartbeat_interval_ms=group.session_timeout_ms // 3,
                max_poll_records=group.batch_size,
                metadata_max_age_ms=10_000,
                partition_assignment_strategy=[CooperativeStickyAssignor],
                session_timeout_ms=group.session_timeout_ms,
            )
            failed.callback(close_consumer, self._consumer)
            self._assignment = _Assignment(self._consumer)
            self._consumer.subscribe([topic], listener=self._assignment)
            self._consumer.topics()  # joining before the topic is known would mean joining twice
            failed.pop_all()

    def poll(self, seconds: float) -> Batch:
        unauthorized = partial(self._raise_if_unauthorized, operation="Read", topics=[self._topic])
        self._refusals.raise_if_refused()
        with raising_client_failed("cannot read", self._refusals, unauthorized):
            polled = self._consumer.poll(timeout_ms=math.ceil(seconds * 1000))
        member = self._consumer.group_metadata()
        self._raise_if_outside(member)
        lost, gained = self._assignment.changes()
        records = [
            record(read) for partition, reads in polled.items() if partition.partition not in lost for read in reads
        ]
        return Batch(records, lost, gained, member if member.generation_id >= 0 else None)

    def committed(self, partition: int) -> int | None:
        at = TopicPartition(self._topic, partition)
        unauthorized = partial(self._raise_if_unauthorized, operation="Read", topics=[self._topic])
        with raising_client_failed("cannot read the group's offsets", self._refusals, unauthorized):
            try:
                found: int | None = self._consumer.committed(at, timeout_ms=math.ceil(_OFFSET_SECONDS * 1000))
            except KafkaTimeoutError as error:
                raise OffsetUnstable(explanation(error)) from error
        return None if found is None or found < 0 else found

    def start(self, partition: int, offset: int | None) -> None:
        at = TopicPartition(self._topic, partition)
        if offset is None:
            self._consumer.seek_to_beginning(at)
        else:
            self._consumer.seek(at, offset)
        self._consumer.resume(at)
        self._assignment.waiting.discard(partition)

    def commit(self, batch: Batch, messages: Sequence[Message]) -> None:
        if batch.member is None:
            self._rewind(batch)
            raise BatchAborted("the consumer group has gone on without this member")
        try:
            self._wait_for(partial(self._commit, batch, messages))
        except (KafkaError, ValueError) as error:
            unauthorized = partial(self._raise_if_batch_is_unauthorized, messages=messages)
            said = f"cannot write: {explanation(error)}; cannot abort"
            with raising_client_failed(said, self._refusals, unauthorized):
                self._wait_for(self._abort)
            self._rewind(batch)
            unauthorized(error)
            raise BatchAborted(explanation(error)) from error

    def lag(self) -> int | None:
        lags = [self._partition_lag(partition) for partition in self._consumer.assignment()]
        return None if None in lags or self._assignment.waiting else sum(lags)

    def close(self) -> None:
        self._beside.shutdown(wait=False)
        close_consumer(self._consumer)
        close_producer(self._producer)

    def _wait_for(self, call: Callable[[], None]) -> None:
        """Wait for what ends a batch until the broker has aborted it; kafka-python itself may wait for ever."""
        try:
            self._beside.submit(call).result(self._group.transaction_timeout_ms / 1000)
        except TimeoutError as error:
            raise ClientFailed("cannot write: no answer from Kafka") from error

    def _raise_if_outside(self, member: Any) -> None:
        """Raise ClientFailed after too long outside the group: kafka-python can forget that it has joined."""
        now = time.monotonic()
        if member.state == MemberState.STABLE:
            self._stable_at = now
        elif now - self._stable_at > _MOST_SECONDS_OUTSIDE_GROUP:
            raise ClientFailed(f"not in the consumer group for {_MOST_SECONDS_OUTSIDE_GROUP} s")

    def _raise_if_batch_is_unauthorized(self, error: BaseException, messages: Sequence[Message]) -> None:
        """Raise AccessRefused where a right is missing; of several topics the library may name the first."""
        outputs = {message.topic for message in messages}
        if is_of_a_topic(error):
            needed = {self._topic: "Read", **dict.fromkeys(outputs, "Write")}
            refused = refused_operations(self._connection, self._refusals, needed)
            if refused:
                raise self._refusals.missing(refused) from error
        self._raise_if_unauthorized(error, "Write", outputs)

    def _raise_if_unauthorized(self, error: BaseException, operation: str, topics: Collection[str]) -> None:
        self._refusals.raise_if_unauthorized(error, operation, topics, self._group.consumer_group)

    def _commit(self, batch: Batch, messages: Sequence[Message]) -> None:
        self._producer.begin_transaction()
        futures = [send(self._producer, message) for message in messages]
        self._producer.send_offsets_to_transaction(self._next_offsets(batch), batch.member)
        self._producer.flush()
        for future in futures:
            if future.failed():  # does not fail the Kafka transaction by itself
                raise future.exception
        self._producer.commit_transaction()

    def _next_offsets(self, batch: Batch) -> Mapping[TopicPartition, OffsetAndMetadata]:
        offsets = batch.next_offsets()
        return {TopicPartition(self._topic, at): OffsetAndMetadata(offset, "", -1) for at, offset in offsets.items()}

    def _abort(self) -> None:
        self._producer.abort_transaction()
        # A record that was refused leaves a gap in the producer's sequence, on which its next batch would hang.
        close_producer(self._producer)
        self._producer = _open_transactional_producer(self._connection, self._group, self._refusals)

    def _rewind(self, batch: Batch) -> None:
        offsets = {TopicPartition(self._topic, at): offset for at, offset in batch.first_offsets().items()}
        for partition in offsets.keys() & self._consumer.assignment():
            self._consumer.seek(partition, offsets[partition])

    def _partition_lag(self, partition: TopicPartition) -> Any:
        end, position = self._consumer.highwater(partition), self._consumer.position(partition, timeout_ms=0)
        return None if end is None or position is None else max(0, end - position)


class _Assignment(ConsumerRebalanceListener):
    """Keeps what the group has given and taken until the processor's poll asks; what is given is paused.

    `waiting` are the partitions that are gained and not started.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._lost: set[int] = set()
        self._gained: set[int] = set()
        self.waiting: set[int] = set()

    def changes(self) -> tuple[set[int], set[int]]:
        """Return what was lost and what was gained since the last call."""
        lost, self._lost = self._lost, set()
        gained, self._gained = self._gained, set()
        return lost, gained

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        for partition in assigned:
            self._consumer.seek(partition, _NOWHERE)
            self._consumer.pause(partition)
        self._gained |= {partition.partition for partition in assigned}
        self.waiting |= {partition.partition for partition in assigned}

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        taken = {partition.partition for partition in revoked}
        self._lost |= taken
        self._gained -= taken
        self.waiting -= taken


def _open_transactional_producer(
    connection: ConnectionSettings, group: GroupSettings, refusals: Refusals
) -> KafkaProducer:
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
