"""The partitions assigned to this member."""

from collections.abc import Collection

from kafka import KafkaConsumer
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.structs import TopicPartition

_NOWHERE = 0  # a position that is not used, because the partition is paused there: else the library looks for one


class Assignment(ConsumerRebalanceListener):
    """Keeps what the group has given and taken until the processor's poll asks; what is given is paused.

    `waiting` are the partitions that are gained and not started.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
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
