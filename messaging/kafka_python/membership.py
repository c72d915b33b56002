"""The partitions assigned to this member."""

from collections.abc import Collection, Mapping
from contextlib import suppress

from kafka import KafkaConsumer
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError
from kafka.structs import ConsumerGroupMetadata, MemberState, TopicPartition

_NOWHERE = 0  # a position that is not used, because the partition is paused there: else the library looks for one


class Membership(ConsumerRebalanceListener):
    """Keeps what the group has given and taken until the processor's poll asks; what is given is paused.

    `waiting` are the partitions that are gained and not started. `positions` are the next offsets of those that are
    started, as far as they have been read: the library's own may be further, behind markers.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._lost: set[int] = set()
        self._gained: set[int] = set()
        self._member_id: str | None = None
        self.waiting: set[int] = set()
        self.positions: dict[int, int] = {}

    def started(self, partition: int, offset: int | None) -> None:
        """Take note that a partition is read from there."""
        self.waiting.discard(partition)
        self.positions[partition] = offset or 0

    def ends(self, read: Mapping[int, int]) -> Mapping[int, int]:
        """Return how far the partitions are read that are read to their ends, where only markers lie in between."""
        self.positions |= {partition: offset for partition, offset in read.items() if partition in self.positions}
        ends: dict[int, int] = {}
        with suppress(KafkaError):  # what lasts is raised by a poll
            for at in self._consumer.assignment():
                now = self._consumer.position(at, timeout_ms=0) if at.partition in self.positions else None
                if now is not None and self.positions[at.partition] < now == self._consumer.highwater(at):
                    ends[at.partition] = now
        self.positions |= ends
        return ends

    def follow(self, member: ConsumerGroupMetadata) -> None:
        """Take what was kept for lost and gained where this has become another member of the group.

        kafka-python 3.0.12 tells of a loss only where it begins to join: one that the group has gone on without while
        it was joining gets a new id, and what it is given again counts there as never lost.
        """
        if member.state == MemberState.STABLE and member.member_id != self._member_id:
            self._member_id = member.member_id
            kept = [each for each in self._consumer.assignment() if each.partition not in self._gained]
            self.on_partitions_revoked(kept)
            self.on_partitions_assigned(kept)

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
        for partition in taken:
            self.positions.pop(partition, None)
        for partition in revoked:  # a late answer to a question of before would be taken for one of then
            self._consumer._coordinator._offset_fetch_futures.pop(frozenset([partition]), None)  # noqa: SLF001
