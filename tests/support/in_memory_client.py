"""The seam in memory: the cluster is an object, for tests. Nothing waits here, and nothing outlives the object."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence

from messaging.message_size import batch_bytes
from messaging.seam import AccessRefused, BatchAborted, ClientFailed, Message, Record, Topic
from messaging.settings import KafkaSettings
from messaging.topics import KAFKAS_MAX_MESSAGE_BYTES
from tests.support.partitioner import partition_for


class InMemoryCluster:
    """A ClientLibrary (see messaging.seam) and the cluster that its clients share.

    `logs` holds the records of each topic, a list for each partition. The next commits raise what a test puts into
    `faults`, one each, and write nothing.
    """

    def __init__(self) -> None:
        self.logs: dict[str, list[list[Record]]] = {}
        self.groups: defaultdict[str, InMemoryGroup] = defaultdict(InMemoryGroup)
        self.faults: deque[AccessRefused | BatchAborted | ClientFailed] = deque()

    def create_topics(self, settings: KafkaSettings, names: Sequence[str]) -> None:
        for name in names:
            self.logs.setdefault(name, [[] for _ in range(settings.topic_partitions)])

    def describe_topics(self, settings: KafkaSettings, names: Sequence[str]) -> Mapping[str, Topic]:  # noqa: ARG002 - the seam's
        return {name: Topic(len(self.logs[name]), KAFKAS_MAX_MESSAGE_BYTES) for name in names}

    def open_detector_client(self, settings: KafkaSettings, topic: str) -> "InMemoryDetectorClient":
        return InMemoryDetectorClient(self, self.groups[settings.consumer_group], topic, settings.batch_size)

    def open_generator_client(self, settings: KafkaSettings) -> "InMemoryGeneratorClient":  # noqa: ARG002 - the seam's
        return InMemoryGeneratorClient(self)

    def records(self, topic: str) -> list[Record]:
        """Return the records of a topic, partition after partition."""
        return [record for log in self.logs[topic] for record in log]

    def takes(self, message: Message) -> bool:
        """Tell whether a message is small enough, and its partition one that its topic has."""
        return batch_bytes(message) <= KAFKAS_MAX_MESSAGE_BYTES and (message.partition or 0) < len(
            self.logs[message.topic]
        )

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
        self.members: list[InMemoryDetectorClient] = []
        self.generation = 0
        self.committed: dict[tuple[str, int], int] = {}

    def join(self, member: "InMemoryDetectorClient") -> None:
        """Take on a member, unless it is one."""
        if member not in self.members:
            self.members.append(member)
            self.generation += 1

    def leave(self, member: "InMemoryDetectorClient") -> None:
        """Let a member go, if it is one; a test may do so behind its back."""
        if member in self.members:
            self.members.remove(member)
            self.generation += 1


class InMemoryDetectorClient:
    """A DetectorClient (see messaging.seam) of an InMemoryCluster."""

    def __init__(self, cluster: InMemoryCluster, group: InMemoryGroup, topic: str, batch_size: int) -> None:
        self._cluster = cluster
        self._group = group
        self._topic = topic
        self._batch_size = batch_size
        self._generation = 0
        self._next_offsets: dict[tuple[str, int], int] = {}
        group.join(self)

    def poll(self, seconds: float) -> Sequence[Record]:  # noqa: ARG002 - nothing waits here
        self._group.join(self)
        self._generation = self._group.generation
        self._next_offsets = {}
        batch: list[Record] = []
        for partition in self._assigned():
            start = self._position(partition)
            batch += self._cluster.logs[self._topic][partition][start : start + self._batch_size - len(batch)]
        self._next_offsets = {(record.topic, record.partition): record.offset + 1 for record in batch}
        return batch

    def commit(self, messages: Sequence[Message]) -> None:
        next_offsets, self._next_offsets = self._next_offsets, {}
        if self._cluster.faults:
            raise self._cluster.faults.popleft()
        if self._generation != self._group.generation:
            raise BatchAborted("the group has gone on without this member")
        if not all(map(self._cluster.takes, messages)):
            raise BatchAborted("a message is larger than its topic takes, or its partition is none")
        for message in messages:
            self._cluster.append(message)
        self._group.committed.update(next_offsets)

    def lag(self) -> int:
        logs = self._cluster.logs[self._topic]
        return sum(len(logs[partition]) - self._position(partition) for partition in self._assigned())

    def close(self) -> None:
        self._group.leave(self)

    def _assigned(self) -> Sequence[int]:
        members = self._group.members
        return range(members.index(self), len(self._cluster.logs[self._topic]), len(members))

    def _position(self, partition: int) -> int:
        at = (self._topic, partition)
        return self._next_offsets.get(at, self._group.committed.get(at, 0))


class InMemoryGeneratorClient:
    """A GeneratorClient (see messaging.seam) of an InMemoryCluster; delivers when it is asked what is delivered."""

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
