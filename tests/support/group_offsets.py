"""How far a group has read the input, asked by one who is no member of it and outlives a broker's death."""

from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from tests.support.topics import Names
from tests.support.waiting import BUSY, wait_until

_ANSWER_SECONDS = 2.0
_PATIENCE_SECONDS = 30.0
# The answers while the broker makes its own topic of offsets, or finds leaders for a new topic.
NOT_YET = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError._NOENT,  # noqa: SLF001 - librdkafka's own answers begin so
)

Ends = Mapping[int, int]


class GroupOffsets:
    """Asks for the end of each partition of the input, and for the group's offset in it.

    AdminClient.list_consumer_group_offsets would do for the latter, but librdkafka crashes when the coordinator has
    just begun: see confluentinc/confluent-kafka-javascript#374.
    """

    def __init__(self, servers: str, names: Names, partitions: int) -> None:
        self._configuration = {
            "bootstrap.servers": servers,
            "group.id": names.group,
            "isolation.level": "read_uncommitted",  # else it waits for a moment in which no detector commits anything
            "log_level": 2,
            "reconnect.backoff.max.ms": 500,
        }
        self._consumer = Consumer(self._configuration)
        self._partitions = [TopicPartition(names.transactions, number) for number in range(partitions)]

    def begin_anew(self) -> None:
        """Take another consumer: one may never notice that a broker is back (librdkafka's issue 5511)."""
        self._consumer.close()
        self._consumer = Consumer(self._configuration)

    def ends(self) -> Ends:
        """Return the offset behind the last record of each partition."""
        return wait_until(self._ends, _PATIENCE_SECONDS, "an answer about the ends of the input")

    def ends_behind(self, before: Ends) -> Ends:
        """Wait until each partition has got something behind these ends, and return the new ends."""
        wait_until(lambda: self._has_grown(before), _PATIENCE_SECONDS, "something new in each partition of the input")
        return self.ends()

    def wait_until_judged(self, ends: Ends) -> None:
        """Wait until everything before these ends is judged."""
        wait_until(lambda: self._is_judged(ends), _PATIENCE_SECONDS, f"everything up to {dict(ends)} judged")

    def committed(self) -> int:
        """Return how many records, and Kafka's own marks between them, the group has committed."""
        try:
            committed = self._consumer.committed(self._partitions, _PATIENCE_SECONDS * BUSY)
        except KafkaException as error:
            if error.args[0].code() in NOT_YET:
                return 0
            raise
        return sum(max(0, each.offset) for each in committed)

    def lag(self) -> int:
        """Return how many the group has not committed."""
        committed = self.committed()
        return sum(self.ends().values()) - committed

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close()

    def _ends(self) -> Ends:
        try:
            return {
                each.partition: self._consumer.get_watermark_offsets(each, _ANSWER_SECONDS)[1]
                for each in self._partitions
            }
        except KafkaException:
            self.begin_anew()
            return {}

    def _has_grown(self, before: Ends) -> bool:
        ends = self._ends()
        return bool(ends) and all(ends[partition] > end for partition, end in before.items())

    def _is_judged(self, ends: Ends) -> bool:
        try:
            committed = self._consumer.committed(self._partitions, _ANSWER_SECONDS)
        except KafkaException:
            self.begin_anew()
            return False
        return all(
            each.error is None and each.offset >= ends[each.partition] for each in committed if ends[each.partition]
        )
