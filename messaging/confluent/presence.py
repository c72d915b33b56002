"""Whether topics are there: librdkafka tells a consumer nothing when one is deleted, but its statistics do."""

from collections.abc import Mapping
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError

from messaging.confluent.connection import STATISTICS_SECONDS, is_one_of, watch_connections
from messaging.confluent.refusals import Refusals
from messaging.seam import ClientFailed
from messaging.standstill import does_not_exist
from runtime.timing import Every

_ANSWER_SECONDS = 0.5
_PATIENCE_SECONDS = 2  # a broker that has just started may not know every topic yet
# Statistics for each second; and librdkafka takes a topic that is missing for a new one no longer than that.
CONFIGURATION = {"statistics.interval.ms": 1_000, "topic.metadata.propagation.max.ms": 1_000}


class Presence:
    """Watches the topics that a consumer reads; its statistics have to come once a second."""

    def __init__(self) -> None:
        self._missing: Mapping[str, int] = {}  # by topic, in how many statistics in a row
        self._every = Every(STATISTICS_SECONDS, starts_due=False)

    def on_statistics(self, statistics: str) -> None:
        """Take note of the topics that Kafka does not know; for `stats_cb`."""
        if self._every.is_due():
            watch_connections(statistics)
        topics = msgspec.json.decode(statistics)["topics"]
        self._missing = {name: self._missing.get(name, 0) + 1 for name in topics if _is_missing(topics[name])}

    def raise_if_gone(self, consumer: Consumer, refusals: Refusals) -> None:
        """Raise ClientFailed where Kafka has known no such topic for a while, AccessRefused where it hides one.

        The statistics show both alike, so Kafka is asked, for half a second at most. Raises KafkaException.
        """
        for topic in [topic for topic, seconds in self._missing.items() if seconds > _PATIENCE_SECONDS]:
            error = consumer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic].error
            if is_one_of(error, KafkaError.TOPIC_AUTHORIZATION_FAILED):
                raise refusals.missing({topic: "Read"})
            if error is not None:
                raise ClientFailed(f"cannot read: {does_not_exist(topic)}")


def _is_missing(topic: Mapping[str, Any]) -> bool:
    """Tell whether Kafka has answered, and named none of the partitions that are read."""
    is_answered = topic["metadata_age"] > 0
    return is_answered and any(each["desired"] and each["unknown"] for each in topic["partitions"].values())
