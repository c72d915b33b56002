"""Exactly once, on one consumer and one transactional producer."""

import math
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError, KafkaTimeoutError, OffsetOutOfRangeError
from kafka.structs import MemberState, OffsetAndMetadata, TopicPartition

from messaging.batch import Batch, Message
from messaging.kafka_python.connection import close_consumer, open_consumer, raising_client_failed
from messaging.kafka_python.membership import Membership
from messaging.kafka_python.records import record
from messaging.kafka_python.refusals import Refusals
from messaging.kafka_python.standstill import Standstill
from messaging.kafka_python.transactions import Transactions
from messaging.seam import BatchAborted, ClientFailed, OffsetUnstable
from messaging.settings import ConnectionSettings, GroupSettings

_OFFSET_SECONDS = 0.2
_FIRST_OFFSET_SECONDS = 2.0
_MOST_SECONDS_OUTSIDE_GROUP = 60
_UNSTABLE = f"no answer within {_OFFSET_SECONDS} s: a Kafka transaction is open there, or the coordinator is away"


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
        self._outside_since: float | None = None
        with ExitStack() as failed:
            self._transactions = Transactions(connection, group, topic, refusals)
            failed.callback(self._transactions.close)
            self._consumer = _open_consumer(connection, group, refusals)
            failed.callback(close_consumer, self._consumer)
            self._membership = Membership(self._consumer)
            self._standstill = Standstill(self._consumer, group.consumer_group, topic)
            self._consumer.subscribe([topic], listener=self._membership)
            self._consumer.topics()  # joining before the topic is known would mean joining twice
            failed.pop_all()

    def poll(self, seconds: float, most: int) -> Batch:
        unauthorized = partial(self._raise_if_unauthorized, operation="Read", topics=[self._topic])
        self._refusals.raise_if_refused()
        sought: Mapping[TopicPartition, int] = {}
        with raising_client_failed("cannot read", self._refusals, unauthorized):
            try:
                polled = self._consumer.poll(timeout_ms=math.ceil(seconds * 1000), max_records=most)
            except OffsetOutOfRangeError as error:
                polled, sought = {}, error.args[0]
        member = self._consumer.group_metadata()
        self._raise_if_outside(member)
        self._membership.follow(member)
        lost, gained = self._membership.changes()
        records = [
            record(read) for partition, reads in polled.items() if partition.partition not in lost for read in reads
        ]
        ends = self._membership.ends({at.partition: reads[-1].offset + 1 for at, reads in polled.items()})
        batch = Batch(records, lost, gained, member if member.generation_id >= 0 else None, ends=ends)
        sought = {at: offset for at, offset in sought.items() if at.partition in self._membership.positions}
        return batch.with_skipped(self._skip(sought)) if sought else batch

    def committed(self, partition: int) -> int | None:
        at = TopicPartition(self._topic, partition)
        unauthorized = partial(self._raise_if_unauthorized, operation="Read", topics=[self._topic])
        with raising_client_failed("cannot read the group's offsets", self._refusals, unauthorized):
            try:
                found: int | None = self._consumer.committed(at, timeout_ms=math.ceil(_OFFSET_SECONDS * 1000))
            except KafkaTimeoutError as error:  # it says no more than that
                raise OffsetUnstable(_UNSTABLE) from error
        return None if found is None or found < 0 else found

    def start(self, partition: int, offset: int | None) -> None:
        at = TopicPartition(self._topic, partition)
        with raising_client_failed("cannot read", self._refusals):
            if offset is None:
                self._consumer.seek_to_beginning(at)
            else:
                self._consumer.seek(at, offset)
            self._consumer.resume(at)
        self._membership.started(partition, offset)

    def commit(self, batch: Batch, messages: Sequence[Message]) -> None:
        if batch.member is None:
            raise BatchAborted("no longer a member of the consumer group")
        offsets = {
            TopicPartition(self._topic, partition): OffsetAndMetadata(offset, "", -1)
            for partition, offset in batch.next_offsets().items()
        }
        self._transactions.commit(messages, offsets, batch.member)

    def rewind(self, batch: Batch) -> None:
        offsets = {TopicPartition(self._topic, at): offset for at, offset in batch.first_offsets().items()}
        with raising_client_failed("cannot read again", self._refusals):
            for partition in offsets.keys() & self._consumer.assignment():
                self._consumer.seek(partition, offsets[partition])
                self._membership.positions[partition.partition] = offsets[partition]

    def throttled_seconds(self) -> float:
        return self._transactions.throttled_seconds()

    def lag(self) -> int | None:
        if not self._standstill.has_joined:
            return None
        try:
            lags = [self._partition_lag(partition) for partition in self._consumer.assignment()]
        except KafkaError:
            return None
        return None if None in lags or self._membership.waiting else sum(lags)

    def waiting_for(self) -> Mapping[str, str]:
        return self._standstill.waiting_for()

    def close(self) -> None:
        close_consumer(self._consumer)
        self._transactions.close()

    def _skip(self, sought: Mapping[TopicPartition, int]) -> Mapping[int, tuple[int, int]]:
        """Go on at the first records of partitions; return by partition what was sought there, and where it goes on."""
        with raising_client_failed("cannot read", self._refusals):
            firsts = self._consumer.beginning_offsets(list(sought), timeout_ms=math.ceil(_FIRST_OFFSET_SECONDS * 1000))
        for partition, first in firsts.items():
            self._consumer.seek(partition, first)
            self._membership.positions[partition.partition] = first
        return {partition.partition: (sought[partition], first) for partition, first in firsts.items()}

    def _raise_if_outside(self, member: Any) -> None:
        """Raise ClientFailed after too long outside the group: kafka-python can forget that it has joined."""
        now = time.monotonic()
        if member.state == MemberState.STABLE:
            self._outside_since = None
        elif self._outside_since is None:
            self._outside_since = now
        elif now - self._outside_since > _MOST_SECONDS_OUTSIDE_GROUP:
            why = self._standstill.why_not_joined()
            raise ClientFailed(f"not in the consumer group for {_MOST_SECONDS_OUTSIDE_GROUP} s: {why}")

    def _raise_if_unauthorized(self, error: BaseException, operation: str, topics: Collection[str]) -> None:
        self._refusals.raise_if_unauthorized(error, operation, topics, self._group.consumer_group)

    def _partition_lag(self, partition: TopicPartition) -> Any:
        end, position = self._consumer.highwater(partition), self._consumer.position(partition, timeout_ms=0)
        return None if end is None or position is None else max(0, end - position)


def _open_consumer(connection: ConnectionSettings, group: GroupSettings, refusals: Refusals) -> KafkaConsumer:
    return open_consumer(
        connection,
        refusals,
        auto_offset_reset="none",  # else it would go on elsewhere without a word
        group_id=group.consumer_group,
        heartbeat_interval_ms=group.session_timeout_ms // 3,
        metadata_max_age_ms=10_000,
        partition_assignment_strategy=[CooperativeStickyAssignor],
        session_timeout_ms=group.session_timeout_ms,
    )
