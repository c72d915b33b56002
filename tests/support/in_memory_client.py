"""The seam in memory: the cluster is an object, for tests. Nothing waits here, and nothing outlives the object."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

from messaging.batch import Batch, Message, Offsets, Record
from messaging.message_size import batch_bytes
from messaging.seam import AccessRefused, BatchAborted, ClientFailed, MessageRefused
from messaging.settings import ConnectionSettings, GroupSettings
from messaging.standstill import OTHER_MEMBERS, does_not_exist, not_joined, not_stable, not_there
from messaging.topics import KAFKAS_MAX_MESSAGE_BYTES, Topic, TopicShape, describe_topic, log_created
from tests.support.partitioner import partition_for


class InMemoryCluster:
    """A ClientLibrary (see messaging.seam) and the cluster that its clients share.

    `logs` holds the records of each topic, a list for each partition, and `configs` the settings that it was created
    with; `compacted` topics take no message without a key.
    The next commits raise what a test puts into `faults`, one each, and write nothing. `open` holds the offsets at
    which a Kafka transaction is open.
    """

    def __init__(self) -> None:
        self.logs: dict[str, list[list[Record]]] = {}
        self.configs: dict[str, Mapping[str, str]] = {}
        self.compacted: set[str] = set()
        self.groups: defaultdict[str, InMemoryGroup] = defaultdict(InMemoryGroup)
        self.faults: deque[AccessRefused | BatchAborted | ClientFailed] = deque()
        self.open: dict[tuple[str, int], int] = {}

    def create_topics(
        self,
        connection: ConnectionSettings,  # noqa: ARG002 - the seam's
        topics: Mapping[str, TopicShape],
    ) -> None:
        missing = [name for name in topics if name not in self.logs]
        self.logs |= {name: [[] for _ in range(topics[name].partitions)] for name in missing}
        self.configs |= {name: topics[name].configs for name in missing}
        log_created(missing)

    def describe_topics(self, connection: ConnectionSettings, names: Sequence[str]) -> Mapping[str, Topic]:  # noqa: ARG002 - the seam's
        self._raise_if_gone(names)
        largest = {"max.message.bytes": str(KAFKAS_MAX_MESSAGE_BYTES)}
        return {name: describe_topic(len(self.logs[name]), {**largest, **self.configs[name]}) for name in names}

    def end_offsets(self, connection: ConnectionSettings, names: Sequence[str]) -> Offsets:  # noqa: ARG002 - the seam's
        self._raise_if_gone(names)
        return {(name, number): len(log) for name in names for number, log in enumerate(self.logs[name])}

    def offsets_at(self, connection: ConnectionSettings, names: Sequence[str], milliseconds: int) -> Offsets:  # noqa: ARG002 - the seam's
        self._raise_if_gone(names)
        records = (record for name in names for record in reversed(self.records(name)))
        return {(at.topic, at.partition): at.offset for at in records if at.timestamp >= milliseconds}

    def open_processor(self, connection: ConnectionSettings, group: GroupSettings, topic: str) -> "InMemoryProcessor":  # noqa: ARG002 - the seam's
        return InMemoryProcessor(self, self.groups[group.consumer_group], topic)

    def open_publisher(self, connection: ConnectionSettings) -> "InMemoryPublisher":  # noqa: ARG002 - the seam's
        return InMemoryPublisher(self)

    def open_reader(self, connection: ConnectionSettings, starts: Offsets, ends: Offsets) -> "InMemoryReader":  # noqa: ARG002 - the seam's
        return InMemoryReader(self, starts, ends)

    def _raise_if_gone(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.logs:
                raise ClientFailed(f"cannot read the topics: {does_not_exist(name)}")

    def records(self, topic: str) -> list[Record]:
        """Return the records of a topic, partition after partition."""
        return [record for log in self.logs[topic] for record in log]

    def committed_records(self, topic: str, partition: int) -> list[Record]:
        """Return the records of a partition up to the first Kafka transaction that is open there."""
        return self.logs[topic][partition][: self.open.get((topic, partition))]

    def takes(self, message: Message) -> bool:
        """Tell whether a message is small enough, and its partition one that its topic has."""
        return batch_bytes(message) <= KAFKAS_MAX_MESSAGE_BYTES and (message.partition or 0) < len(
            self.logs[message.topic]
        )

    def refuses_for_good(self, message: Message) -> bool:
        """Tell whether a message lacks the key that its topic demands."""
        return message.topic in self.compacted and message.key is None

    def append(self, message: Message) -> None:
        """Write a message; one without partition and key goes where the least is."""
        logs = self.logs[message.topic]
        partition = message.partition
        if partition is None:
            partition = logs.index(min(logs, key=len)) if message.key is None else partition_for(message.key, len(logs))
        log = logs[partition]
        log.append(
            Record(message.topic, partition, len(log), message.timestamp, message.key, message.value, message.headers)
        )


class InMemoryGroup:
    """A consumer group: its members by age, how far it has read, and how often its members have changed."""

    def __init__(self) -> None:
        self.members: list[InMemoryProcessor] = []
        self.generation = 0
        self.committed: dict[tuple[str, int], int] = {}

    def join(self, member: "InMemoryProcessor") -> None:
        """Take on a member, unless it is one."""
        if member not in self.members:
            self.members.append(member)
            self.generation += 1

    def leave(self, member: "InMemoryProcessor") -> None:
        """Let a member go, if it is one; a test may do so behind its back."""
        if member in self.members:
            self.members.remove(member)
            self.generation += 1


class InMemoryProcessor:
    """A Processor (see messaging.seam) of an InMemoryCluster."""

    def __init__(self, cluster: InMemoryCluster, group: InMemoryGroup, topic: str) -> None:
        self._cluster = cluster
        self._group = group
        self._topic = topic
        self._assigned: set[int] = set()
        self._positions: dict[int, int] = {}  # of the partitions that are started
        self._has_joined = False
        group.join(self)

    def poll(self, seconds: float, most: int) -> Batch:  # noqa: ARG002 - nothing waits here
        lost, gained = self._changes()
        records: list[Record] = []
        for partition, position in self._positions.items():
            log = self._cluster.committed_records(self._topic, partition)
            records += log[position : position + most - len(records)]
        batch = Batch(records, lost, gained, self._group.generation)
        self._positions |= batch.next_offsets()
        return batch

    def committed(self, partition: int) -> int | None:
        return self._group.committed.get((self._topic, partition))

    def start(self, partition: int, offset: int | None) -> None:
        self._positions[partition] = offset or 0

    def commit(self, batch: Batch, messages: Sequence[Message]) -> None:
        self._raise_if_refused(batch, messages)
        for message in messages:
            self._cluster.append(message)
        self._group.committed.update({(self._topic, at): offset for at, offset in batch.next_offsets().items()})

    def rewind(self, batch: Batch) -> None:
        self._positions |= {at: offset for at, offset in batch.first_offsets().items() if at in self._positions}

    def throttled_seconds(self) -> float:
        return 0.0

    def lag(self) -> int | None:
        logs = self._cluster.logs.get(self._topic, [])
        if not self._is_in_group or self._assigned != self._positions.keys():
            return None
        return sum(len(logs[partition]) - position for partition, position in self._positions.items())

    def waiting_for(self) -> Mapping[str, str]:
        if not self._is_in_group:
            return not_joined("of the test", OTHER_MEMBERS)
        if self._topic not in self._cluster.logs:
            return not_there(self._topic)
        ends = {at: self._cluster.open.get((self._topic, at)) for at in self._positions}
        return not_stable(self._topic, {at: end for at, end in ends.items() if end == self._positions[at]})

    def close(self) -> None:
        self._group.leave(self)

    @property
    def _is_in_group(self) -> bool:
        return self._has_joined and self in self._group.members

    def _raise_if_refused(self, batch: Batch, messages: Sequence[Message]) -> None:
        if self._cluster.faults:
            raise self._cluster.faults.popleft()
        if batch.member != self._group.generation:
            raise BatchAborted("no longer a member of the consumer group")
        if any(map(self._cluster.refuses_for_good, messages)):
            raise MessageRefused("Compacted topic cannot accept message without key")
        if not all(map(self._cluster.takes, messages)):
            raise BatchAborted("a message is larger than its topic takes, or its partition is none")

    def _changes(self) -> tuple[set[int], set[int]]:
        """Return which partitions were lost and gained; whoever was expelled has lost all of them."""
        was_member = self in self._group.members
        self._has_joined = True
        self._group.join(self)
        members = self._group.members
        assigned = set(range(members.index(self), len(self._cluster.logs.get(self._topic, [])), len(members)))
        lost = self._assigned - assigned if was_member else self._assigned
        gained = assigned - (self._assigned - lost)
        self._assigned = assigned
        self._positions = {at: offset for at, offset in self._positions.items() if at not in lost}
        return lost, gained


class InMemoryPublisher:
    """A Publisher (see messaging.seam) of an InMemoryCluster; delivers when it is asked what is delivered."""

    def __init__(self, cluster: InMemoryCluster) -> None:
        self._cluster = cluster
        self._sent: list[Message] = []

    @property
    def in_flight(self) -> int:
        return len(self._sent)

    def send(self, message: Message) -> None:
        self._sent.append(message)

    def delivered(self, seconds: float) -> Sequence[Message]:  # noqa: ARG002 - nothing waits here
        delivered, self._sent = self._sent, []
        if not all(map(self._cluster.takes, delivered)):
            raise ClientFailed("a message is larger than its topic takes, or its partition is none")
        for message in delivered:
            self._cluster.append(message)
        return delivered

    def close(self) -> None:
        self._sent.clear()


class InMemoryReader:
    """A Reader (see messaging.seam) of an InMemoryCluster."""

    def __init__(self, cluster: InMemoryCluster, starts: Offsets, ends: Offsets) -> None:
        self._cluster = cluster
        self.left = {at: end for at, end in ends.items() if starts.get(at, 0) < end}
        self.positions = {at: starts.get(at, 0) for at in ends}

    def poll(self, seconds: float) -> Sequence[Record]:  # noqa: ARG002 - nothing waits here
        records = [record for at in self.left for record in self._read_on(at)]
        self.left = {at: end for at, end in self.left.items() if self.positions[at] < end}
        return records

    def close(self) -> None:
        self.left = {}

    def _read_on(self, at: tuple[str, int]) -> Sequence[Record]:
        topic, partition = at
        if topic not in self._cluster.logs:
            raise ClientFailed(f"cannot read: {does_not_exist(topic)}")
        log, position = self._cluster.committed_records(topic, partition), self.positions[at]
        start = position if position <= len(log) else 0  # the topic has been made anew
        records = log[start : self.left[at]]
        self.positions[at] = start + len(records)
        return records
