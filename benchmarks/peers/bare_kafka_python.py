"""The detector's work as a bare loop on kafka-python, exactly once: what remains without our code.

One poll, one Kafka transaction, with the settings of messaging/kafka_python_client.py. JSON is read by msgspec, the
amount alone and as a float; nothing is checked, and there are no reasons, dead letters, retries or logs.
"""

import os
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

BATCH_SIZE = 10_000
THRESHOLD = 900


class Amount(msgspec.Struct, gc=False):
    """All that the routing looks at."""

    amount: float


class Membership(ConsumerRebalanceListener):
    """Keeps the group metadata of the last assignment: it loses its generation later."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self.metadata: Any = None

    def on_partitions_assigned(self, _assigned: Sequence[TopicPartition]) -> None:
        """Take note of the generation."""
        self.metadata = self._consumer.group_metadata()

    def on_partitions_revoked(self, _revoked: Sequence[TopicPartition]) -> None:
        """Nothing is open between two polls."""


def main() -> None:
    """Route until the process is ended."""
    producer = open_producer()
    consumer = open_consumer()
    producer.init_transactions()
    membership = Membership(consumer)
    consumer.subscribe([os.environ["TRANSACTIONS_TOPIC"]], listener=membership)
    while True:
        polled = consumer.poll(timeout_ms=500)
        if polled:
            route(producer, polled, membership.metadata)


def route(producer: KafkaProducer, polled: Mapping[TopicPartition, Sequence[Any]], metadata: Any) -> None:
    """Write one batch and its offsets in one Kafka transaction, and check each record before the commit."""
    fraud, legit = os.environ["FRAUD_TOPIC"], os.environ["LEGIT_TOPIC"]
    decode = msgspec.json.Decoder(Amount).decode
    producer.begin_transaction()
    futures = [
        producer.send(
            fraud if decode(read.value).amount > THRESHOLD else legit,
            value=read.value,
            key=read.key,
            partition=read.partition,
            timestamp_ms=read.timestamp,
        )
        for reads in polled.values()
        for read in reads
    ]
    offsets = {partition: OffsetAndMetadata(reads[-1].offset + 1, "", -1) for partition, reads in polled.items()}
    producer.send_offsets_to_transaction(offsets, metadata)
    producer.flush()
    for future in futures:
        if future.failed():
            raise future.exception
    producer.commit_transaction()


def open_consumer() -> KafkaConsumer:
    """Return a consumer with the detector's settings."""
    return KafkaConsumer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        group_id=os.environ["CONSUMER_GROUP"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_poll_records=BATCH_SIZE,
        metrics_enabled=False,
    )


def open_producer() -> KafkaProducer:
    """Return a transactional producer with the detector's settings."""
    return KafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        transactional_id=str(uuid.uuid4()),
        acks="all",
        batch_size=256 * 1024,
        enable_idempotence=True,
        metrics_enabled=False,
        retry_backoff_ms=5,
    )


if __name__ == "__main__":
    main()
