"""The harness's own hand on the cluster: deletes and reads topics, and asks how far they are."""

from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.support.group_offsets import NOT_YET
from tests.support.topics import open_reader

ANSWER_SECONDS = 30
READ_SECONDS = 30
COUNT_SECONDS = 5.0
AT_ONCE = 10_000
WITHOUT_A_PAUSE = {"enable.partition.eof": "true", "fetch.queue.backoff.ms": "5", "fetch.wait.max.ms": "5"}
QUIET = {"log_level": 2}  # librdkafka's: only what is critical


def open_admin(servers: str) -> AdminClient:
    """Return a client that deletes topics and asks about groups."""
    return AdminClient({**QUIET, "bootstrap.servers": servers})


def delete_topics(admin: AdminClient, names: Sequence[str]) -> None:
    """Delete topics."""
    for deleted in admin.delete_topics(list(names)).values():
        deleted.result(ANSWER_SECONDS)


def open_watcher(servers: str) -> Consumer:
    """Return a client that asks where topics end; the group is nobody's."""
    return Consumer({**QUIET, "bootstrap.servers": servers, "group.id": "watcher"})


def partitions_shared(admin: AdminClient, group: str) -> tuple[int, int]:
    """Return how many members a group has that have partitions, and how many partitions they have."""
    found = admin.describe_consumer_groups([group])[group].result(ANSWER_SECONDS)
    counts = [len(member.assignment.topic_partitions) for member in found.members if member.assignment]
    return sum(1 for count in counts if count), sum(counts)


def written_so_far(watcher: Consumer, topics: Sequence[str], partitions: int) -> int:
    """Return how many records the topics hold that no Kafka transaction has written to; 0 where they are too new."""
    wanted = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
    try:
        return sum(watcher.get_watermark_offsets(partition, ANSWER_SECONDS)[1] for partition in wanted)
    except KafkaException as error:
        if error.args[0].code() in NOT_YET:
            return 0
        raise


def open_quick_reader(servers: str, topics: Sequence[str], partitions: int) -> Consumer:
    """Return a reader that makes no pause, and is told where each partition ends."""
    return open_reader(servers, topics, partitions, WITHOUT_A_PAUSE)


def count_committed(servers: str, topic: str, partitions: int) -> int:
    """Return how many committed records the topic has, each of them read."""
    reader = open_quick_reader(servers, [topic], partitions)
    count, at_end, silent = 0, set[int | None](), False
    while len(at_end) < partitions and not silent:
        messages = reader.consume(1, COUNT_SECONDS)
        silent = not messages
        messages += reader.consume(AT_ONCE - 1, 0)
        at_end |= {message.partition() for message in messages if is_end(message.error())}
        count += sum(1 for message in messages if message.error() is None)
    reader.close()
    return count


def is_end(error: KafkaError | None) -> bool:
    """Whether what was read only says that the partition ends here."""
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - its name
