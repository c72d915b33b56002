"""Exactly once, on one consumer and one transactional producer.

The library is told of a gained partition only when it is started, so that it never looks for an offset itself: if the
assignment changes while it asks, it takes "may change" for "from the beginning".
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition
from msgspec.structs import replace

from messaging.batch import Batch, Message
from messaging.confluent.connection import (
    UNANSWERED,
    close_consumer,
    configuration,
    is_one_of,
    open_consumer,
    raising_client_failed,
    watch_connections,
)
from messaging.confluent.membership import Membership, generation_of
from messaging.confluent.records import record
from messaging.confluent.refusals import Refusals
from messaging.confluent.standstill import Standstill
from messaging.confluent.transactions import Transactions
from messaging.seam import BatchAborted, ClientFailed, OffsetUnstable
from messaging.settings import ConnectionSettings, GroupSettings

_END = KafkaError._PARTITION_EOF  # noqa: SLF001 - librdkafka's own errors begin so
_NOT_THERE = KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - librdkafka's own errors begin so
_POLL_SECONDS = 0.1  # a change of the assignment does not end the library's own wait
_OFFSET_SECONDS = 0.2
_FIRST_OFFSET_SECONDS = 2.0
# The group's offsets come later: the coordinator is new, or an open Kafka transaction may change them.
_HELD_BACK = (
    *UNANSWERED,
    KafkaError._WAIT_COORD,  # noqa: SLF001 - librdkafka's own errors begin so
    KafkaError.UNSTABLE_OFFSET_COMMIT,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)


def open_processor(connection: ConnectionSettings, group: GroupSettings, topic: str) -> "ConfluentProcessor":
    """Join the consumer group as a reader of the topic."""
    refused = partial(Refusals(connection.security).raise_if_unauthorized, group=group.consumer_group)
    with raising_client_failed("cannot connect", partial(refused, operation="Read", topics=[topic])):
        return ConfluentProcessor(connection, group, topic)


class ConfluentProcessor:
    """A Processor (see messaging.seam)."""

    def __init__(self, connection: ConnectionSettings, group: GroupSettings, topic: str) -> None:
        self._connection = connection
        self._group = group
        self._topic = topic
        self._refusals = Refusals(connection.security)
        self._transactions = Transactions(connection, group, topic, self._refusals)
        self._membership = Membership()
        self._standstill = Standstill(self._membership, group.consumer_group, topic)
        own = {"stats_cb": self._on_statistics}
        self._consumer = open_consumer({**_configuration(connection, group, self._refusals), **own})
        self._consumer.subscribe([topic], on_assign=self._membership.on_assign, on_revoke=self._membership.on_revoke)

    def poll(self, seconds: float, most: int) -> Batch:
        with raising_client_failed("cannot read"):
            polled = self._consume(seconds, most)
            member = self._member()
        self._refusals.raise_if_refused()
        lost, gained = self._membership.changes()
        if lost:
            polled = [message for message in polled if message.partition() not in lost]
        ends: dict[int, int] = {}
        sought: dict[int, int] = {}
        records = [
            record(message) for message in polled if message.error() is None or self._is_read(message, ends, sought)
        ]
        batch = Batch(records, lost, gained, member)
        batch = replace(batch, ends=self._membership.read(batch.next_offsets(), ends))
        skipped = {at: self._skip(at, offset) for at, offset in sought.items() if self._membership.is_next(at, offset)}
        return batch.with_skipped(skipped) if skipped else batch

    def committed(self, partition: int) -> int | None:
        try:
            [found] = self._consumer.committed([TopicPartition(self._topic, partition)], _OFFSET_SECONDS)
            problem = found.error
        except KafkaException as error:
            problem = error.args[0]
        if problem is None:
            return found.offset if found.offset >= 0 else None
        self._raise_if_unauthorized(problem, "Read", [self._topic])
        if is_one_of(problem, *_HELD_BACK):
            raise OffsetUnstable(problem.str())
        raise ClientFailed(f"cannot read the group's offsets: {problem.str()}")

    def start(self, partition: int, offset: int | None) -> None:
        at = TopicPartition(self._topic, partition, OFFSET_BEGINNING if offset is None else offset)
        with raising_client_failed("cannot read"):
            self._consumer.incremental_assign([at])
        self._membership.started(partition, offset)

    def commit(self, batch: Batch, messages: Sequence[Message]) -> None:
        if batch.member is None:
            raise BatchAborted("no longer a member of the consumer group")
        offsets = [TopicPartition(self._topic, *at) for at in batch.next_offsets().items()]
        self._transactions.commit(messages, offsets, batch.member)

    def rewind(self, batch: Batch) -> None:
        for partition, offset in self._membership.rewound(batch.first_offsets()).items():
            with raising_client_failed("cannot read again"):
                self._consumer.seek(TopicPartition(self._topic, partition, offset))

    def throttled_seconds(self) -> float:
        return self._transactions.throttled_seconds()

    def lag(self) -> int | None:
        if not self._standstill.has_joined(self._consumer):
            return None
        lags = [self._partition_lag(assigned) for assigned in self._consumer.assignment()]
        return None if None in lags or self._membership.waiting else sum(filter(None, lags))

    def waiting_for(self) -> Mapping[str, str]:
        return self._standstill.waiting_for(self._consumer)

    def close(self) -> None:
        self._transactions.close()
        close_consumer(self._consumer)

    def _on_statistics(self, statistics: str) -> None:
        watch_connections(statistics)
        self._standstill.on_statistics(statistics)

    def _consume(self, seconds: float, most: int) -> list[Any]:
        """Return what comes, after at most so many seconds, or as soon as the assignment changes."""
        deadline = monotonic() + seconds
        polled: list[Any] = []
        while not (polled or self._membership.has_changed) and (left := deadline - monotonic()) > 0:
            polled = self._consumer.consume(1, min(left, _POLL_SECONDS))
        if polled and most > 1:
            polled += self._consumer.consume(most - 1, 0)
        return polled

    def _member(self) -> Any:
        """Return the group metadata, None where this member is no longer in the group.

        The broker does not check a generation of -1: such a batch would be committed.
        """
        metadata: Any = self._consumer.consumer_group_metadata()
        return metadata if generation_of(metadata) >= 0 and self._consumer.memberid() else None

    def _is_read(self, message: Any, ends: dict[int, int], sought: dict[int, int]) -> bool:
        """Take note of a partition's end, or of an offset that is not there; raise for any other error."""
        found, offset = {_END: ends, _NOT_THERE: sought}.get(message.error().code()), message.offset()
        if found is None or offset is None:  # None: the log was cut short, by a leader that had less of it
            self._raise_if_unauthorized(message.error(), "Read", [self._topic])
            raise ClientFailed(f"cannot read: {message.error().str()}")
        found[message.partition()] = offset
        return False

    def _skip(self, partition: int, sought: int) -> tuple[int, int]:
        """Go on at the first record of a partition; return the offset that was sought there, and where it goes on."""
        at = TopicPartition(self._topic, partition)
        with raising_client_failed("cannot read"):
            first, _ = self._consumer.get_watermark_offsets(at, _FIRST_OFFSET_SECONDS)
            self._consumer.incremental_unassign([at])  # librdkafka has stopped there, and seeks nowhere
        self.start(partition, first)
        return sought, first

    def _raise_if_unauthorized(self, error: KafkaError, operation: str, topics: Iterable[str]) -> None:
        self._refusals.raise_if_unauthorized(error, operation, topics, self._group.consumer_group)

    def _partition_lag(self, assigned: TopicPartition) -> int | None:
        _, end = self._consumer.get_watermark_offsets(assigned, cached=True)
        position = self._membership.positions.get(assigned.partition)
        return None if end < 0 or position is None else max(0, end - position)


def _configuration(connection: ConnectionSettings, group: GroupSettings, refusals: Refusals) -> dict[str, Any]:
    return {
        **configuration(connection, refusals),
        "auto.offset.reset": "error",  # else it would go on elsewhere without a word
        "enable.auto.commit": False,
        "enable.partition.eof": True,  # then the end is known behind a Kafka transaction's markers too
        "fetch.queue.backoff.ms": 5,
        "group.id": group.consumer_group,
        "heartbeat.interval.ms": group.session_timeout_ms // 3,
        "isolation.level": "read_committed",
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": group.session_timeout_ms,
        # A topic that is missing is taken for a new one, of which not every broker knows yet, no longer than this.
        "topic.metadata.propagation.max.ms": 5_000,
        "topic.metadata.refresh.interval.ms": 10_000,
    }
