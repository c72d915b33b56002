"""What holds up a member of a group, as far as the library knows."""

import math
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import MemberState, TopicPartition

from messaging.kafka_python.presence import Presence
from messaging.standstill import NO_ANSWER, NO_COORDINATOR, OTHER_MEMBERS, not_joined, not_led, not_stable, not_there

_ANSWER_SECONDS = 1.0  # a broker answers only after the fetch before, which may take half of that
_STANDS_SECONDS = 2.0
_ASK_AGAIN_SECONDS = 5.0


class Standstill:
    """Finds out whether a consumer is in its group, and where it stands before an open Kafka transaction."""

    def __init__(self, consumer: KafkaConsumer, group: str, topic: str) -> None:
        self._consumer = consumer
        self._group = group
        self._topic = topic
        self._presence = Presence(consumer)
        self._stands: Mapping[int, tuple[int, float]] = {}  # by partition: where, and since when
        self._ends: dict[int, int] = {}  # the last stable offsets, as told when they were asked for
        self._asked: dict[int, float] = {}  # by partition, when its last stable offset was asked for

    @property
    def has_joined(self) -> bool:
        """Whether the member is in the group, and knows what it is assigned and who coordinates that."""
        coordinator = self._consumer._coordinator  # noqa: SLF001 - it has no other place
        return bool(coordinator.state == MemberState.STABLE and coordinator.coordinator_id is not None)

    def why_not_joined(self) -> str:
        """Return what the member waits for, where it is not in the group."""
        coordinator = self._consumer._coordinator  # noqa: SLF001 - it has no other place
        if coordinator.coordinator_id is not None:
            return OTHER_MEMBERS
        return NO_COORDINATOR if coordinator._manager.least_used_connections() else NO_ANSWER  # noqa: SLF001 - as above

    def waiting_for(self) -> Mapping[str, str]:
        """Return what does not go on, and why (see messaging.seam)."""
        if not self.has_joined:
            return not_joined(self._group, self.why_not_joined())
        if self._presence.is_missing(self._topic):
            return not_there(self._topic)
        without_leader = self._without_leader()
        return {
            **not_led(self._topic, without_leader),
            **not_stable(self._topic, self._stable_ends(without_leader)),
        }

    def _without_leader(self) -> set[int]:
        cluster = self._consumer._cluster  # noqa: SLF001 - it has no other place
        assigned = self._consumer.assignment() - self._consumer.paused()
        return {at.partition for at in assigned if cluster.leader_for_partition(at) in (None, -1)}

    def _stable_ends(self, without_leader: set[int]) -> Mapping[int, int]:
        """Return the partitions that have not been read on for a while and are where committed records end.

        Kafka answers once for each place in which one stands: a last stable offset that is further stays further, and
        with one that moves on the partition does.
        """
        now, before = time.monotonic(), self._stands
        self._stands = {
            partition: before[partition] if before.get(partition, (None,))[0] == position else (position, now)
            for partition, position in self._behind().items()
        }
        standing = {at for at, (_, since) in self._stands.items() if now - since >= _STANDS_SECONDS}
        self._ends = {partition: end for partition, end in self._ends.items() if partition in standing}
        self._ask(standing - self._ends.keys() - without_leader)
        return {partition: end for partition, end in self._ends.items() if end == self._stands[partition][0]}

    def _behind(self) -> Mapping[int, int]:
        """Return how far the partitions have been read that are not read up to their ends."""
        found = {}
        for at in self._consumer.assignment() - self._consumer.paused():
            end, position = self._consumer.highwater(at), self._position(at)
            if end is not None and position is not None and position < end:
                found[at.partition] = position
        return found

    def _ask(self, partitions: Collection[int]) -> None:
        """Ask for the last stable offsets, which the library does not keep, for about a second: one after the other.

        One that gets no answer has no part in what is known of the others, and is asked for again a while later.
        """
        deadline = time.monotonic() + _ANSWER_SECONDS
        for partition in sorted(partitions, key=lambda each: self._asked.get(each, 0.0)):
            now = time.monotonic()
            if now >= deadline or now - self._asked.get(partition, -_ASK_AGAIN_SECONDS) < _ASK_AGAIN_SECONDS:
                return
            self._asked[partition] = now
            at = TopicPartition(self._topic, partition)
            with suppress(KafkaError, KeyError):  # it looks for what was not answered in the answer
                end = self._consumer.end_offsets([at], timeout_ms=math.ceil((deadline - now) * 1000))[at]
                self._ends[partition] = end
                del self._asked[partition]

    def _position(self, at: TopicPartition) -> Any:
        try:
            return self._consumer.position(at, timeout_ms=0)
        except KafkaError:  # what lasts is raised by a poll
            return None
