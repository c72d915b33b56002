"""The detector's work as a bare loop on confluent-kafka, exactly once: what remains without our code.

One poll, one Kafka transaction, with the settings of messaging/confluent_client.py. JSON is read by msgspec, the amount
alone and as a float; nothing is checked, and there are no reasons, dead letters, retries or logs.
"""

import os
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

BATCH_SIZE = 10_000
THRESHOLD = 900


class Amount(msgspec.Struct, gc=False):
    """All that the routing looks at."""

    amount: float


def main() -> None:
    """Route until the process is ended."""
    producer = open_producer()
    consumer = open_consumer()
    producer.init_transactions()
    consumer.subscribe([os.environ["TRANSACTIONS_TOPIC"]])
    while True:
        messages = consumer.consume(1, 0.5)
        if messages:
            messages += consumer.consume(BATCH_SIZE - 1, 0)
            route(producer, consumer, messages)


def route(producer: Producer, consumer: Consumer, messages: Sequence[Any]) -> None:
    """Write one batch and its offsets in one Kafka transaction."""
    fraud, legit = os.environ["FRAUD_TOPIC"], os.environ["LEGIT_TOPIC"]
    decode = msgspec.json.Decoder(Amount).decode
    offsets = {}
    producer.begin_transaction()
    for message in messages:
        value, partition = message.value(), message.partition()
        topic = fraud if decode(value).amount > THRESHOLD else legit
        producer.produce(topic, value, message.key(), partition, timestamp=message.timestamp()[1])
        offsets[partition] = message.offset() + 1
    source = os.environ["TRANSACTIONS_TOPIC"]
    positions = [TopicPartition(source, partition, offset) for partition, offset in offsets.items()]
    producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata())
    producer.commit_transaction()


def open_consumer() -> Consumer:
    """Return a consumer with the detector's settings."""
    return Consumer(
        {
            "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            "group.id": os.environ["CONSUMER_GROUP"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.queue.backoff.ms": 5,
        }
    )


def open_producer() -> Producer:
    """Return a transactional producer with the detector's settings."""
    return Producer(
        {
            "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            "transactional.id": str(uuid.uuid4()),
            "batch.size": 1_000_000,
            "linger.ms": 1,
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 1_000_000,
            "retry.backoff.ms": 1,
        }
    )


if __name__ == "__main__":
    main()
