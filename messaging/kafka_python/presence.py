"""Whether topics are there: the library raises nothing when one is deleted, and only keeps what Kafka says of it."""

import time
from collections.abc import Collection

from kafka import KafkaConsumer

from messaging.kafka_python.refusals import Refusals
from messaging.seam import ClientFailed
from messaging.standstill import does_not_exist

_PATIENCE_SECONDS = 2.0  # a broker that has just started may not know every topic yet


class Presence:
    """Watches topics in what the library keeps of the cluster; while one is missing, it asks for that all the time."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._cluster = consumer._cluster  # noqa: SLF001 - it has no other place
        self._missing_since: dict[str, float] = {}

    def is_missing(self, topic: str) -> bool:
        """Tell whether Kafka knows no such topic, by its last answer; one that may not be seen is not missing."""
        return (
            self._cluster.partitions_for_topic(topic) is None
            and topic not in self._cluster.unauthorized_topics
            and self._answered > 0
        )

    def raise_if_gone(self, topics: Collection[str], refusals: Refusals) -> None:
        """Raise ClientFailed where Kafka has known no such topic for a while, AccessRefused where it hides one."""
        hidden = self._cluster.unauthorized_topics.intersection(topics)
        if hidden:
            raise refusals.missing(dict.fromkeys(hidden, "Read"))
        now = time.monotonic()
        self._missing_since = {topic: self._missing_since.get(topic, now) for topic in topics if self.is_missing(topic)}
        for topic, since in self._missing_since.items():
            if self._answered - since > _PATIENCE_SECONDS:
                raise ClientFailed(f"cannot read: {does_not_exist(topic)}")

    @property
    def _answered(self) -> float:
        """When Kafka has last answered, by the monotonic clock in seconds, 0 before that."""
        return float(self._cluster._last_successful_refresh_ms) / 1000  # noqa: SLF001 - it has no other place
