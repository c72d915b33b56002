"""The partitions assigned to this member, and how far each has been read."""

import struct
from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, TopicPartition

from messaging.seam import ClientFailed

_METADATA = struct.Struct("<7si")  # a mark and the generation, as rd_kafka_consumer_group_metadata_write has it
_MARK = b"CGMDv2:"


class Membership:
    """Keeps what the group has given and taken until the processor's poll asks.

    `waiting` are the partitions that are gained and not started: the library knows nothing of them yet. `positions` are
    the next offsets of those that are started, as far as known. `member_id` is the one to which the group has assigned
    them, or nothing, empty before that: one that is expelled gets another.
    """

    def __init__(self) -> None:
        self._lost: set[int] = set()
        self._gained: set[int] = set()
        self.waiting: set[int] = set()
        self._started: set[int] = set()
        self.positions: dict[int, int] = {}
        self.member_id = ""

    @property
    def has_changed(self) -> bool:
        """Whether anything was lost or gained since `changes` was called."""
        return bool(self._lost or self._gained)

    def changes(self) -> tuple[set[int], set[int]]:
        """Return what was lost and what was gained since the last call."""
        lost, self._lost = self._lost, set()
        gained, self._gained = self._gained, set()
        return lost, gained

    def started(self, partition: int, offset: int | None) -> None:
        """Take note that a partition is read from there."""
        self.waiting.discard(partition)
        self._started.add(partition)
        if offset is not None:
            self.positions[partition] = offset

    def read(self, records: Mapping[int, int], ends: Mapping[int, int]) -> Mapping[int, int]:
        """Take note of how far one poll has read, by its records and by ends that it told of.

        Return the ends behind which only markers lie: librdkafka may tell of an end, and then of records that have come
        there since.
        """
        before = {**self.positions, **records}
        ends = {partition: end for partition, end in ends.items() if partition in self._started}
        behind_markers = {partition: end for partition, end in ends.items() if end > before.get(partition, 0)}
        self.positions = {**ends, **before, **behind_markers}
        return behind_markers

    def is_next(self, partition: int, offset: int) -> bool:
        """Tell whether a partition is started, and not read beyond there: librdkafka may tell of one that was lost."""
        return partition in self._started and offset >= self.positions.get(partition, 0)

    def rewound(self, offsets: Mapping[int, int]) -> Mapping[int, int]:
        """Take note that these are read again from there; return those of them that are still read."""
        still_read = {partition: offset for partition, offset in offsets.items() if partition in self.positions}
        self.positions |= still_read
        return still_read

    def on_assign(self, consumer: Consumer, assigned: Sequence[TopicPartition]) -> None:
        """Take note, and let the library read nothing yet."""
        consumer.incremental_assign([])
        self.member_id = consumer.memberid()
        partitions = {each.partition for each in assigned}
        self._gained |= partitions
        self.waiting |= partitions

    def on_revoke(self, consumer: Consumer, revoked: Sequence[TopicPartition]) -> None:
        """Take note, and let the library stop reading."""
        consumer.incremental_unassign([each for each in revoked if each.partition not in self.waiting])
        for partition in {each.partition for each in revoked}:
            self._lost.add(partition)
            self._gained.discard(partition)
            self.waiting.discard(partition)
            self._started.discard(partition)
            self.positions.pop(partition, None)


def generation_of(metadata: bytes) -> int:
    """Return the generation in a group's metadata, -1 where this is no member. Raises ClientFailed for another form."""
    mark, generation = _METADATA.unpack_from(metadata)
    if mark != _MARK:
        raise ClientFailed(f"this version of confluent-kafka has group metadata of another form: {metadata[:16]!r}")
    return int(generation)
