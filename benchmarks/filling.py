"""Fills topics with transactions made as the generator makes them."""

import itertools
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import Producer

from benchmarks.cluster import AT_ONCE, QUIET
from benchmarks.progress import bar
from generator.__main__ import as_message, timestamp
from generator.fake_transactions import fake_transactions

THRESHOLD = 900
ACCOUNTS = 1_000
DIFFERENT = 100_000


class Written(NamedTuple):
    """What a topic was filled with: so many records, so many of them over the threshold."""

    records: int
    fraud: int


def fill(producer: Producer, topic: str, records: int) -> Written:
    """Write so many transactions, 100,000 different ones over and over, and wait until they have arrived."""
    fraud = 0
    with bar(f"filling {topic.partition('-')[0]}", records) as shown:
        cycle = itertools.cycle(_samples(min(records, DIFFERENT)))
        for number, (key, value, is_fraud) in enumerate(itertools.islice(cycle, records)):
            producer.produce(topic, value, key)
            fraud += is_fraud
            if number % AT_ONCE == 0:
                _wait_for_room(producer)
                shown.update(number - shown.n)
        producer.flush()
    return Written(records, fraud)


def open_producer(servers: str, settings: Mapping[str, str | int] | None = None) -> Producer:
    """Return an idempotent producer that chooses partitions as the generator does."""
    return Producer(
        {
            **QUIET,
            "bootstrap.servers": servers,
            "enable.idempotence": True,
            "linger.ms": 20,
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 1_000_000,
            **(settings or {}),
        }
    )


def open_transactional_producer(servers: str) -> Producer:
    """Return a producer that has begun a Kafka transaction: what it writes is to be seen when that is committed."""
    limits: dict[str, str | int] = {"transactional.id": str(uuid.uuid4()), "transaction.timeout.ms": 600_000}
    producer = open_producer(servers, limits)
    producer.init_transactions()
    producer.begin_transaction()
    return producer


def _samples(count: int) -> list[tuple[bytes | None, bytes | None, bool]]:
    """Return key, value and whether it is fraud of so many transactions, made as the generator makes them."""
    stream = itertools.islice(fake_transactions(None, ACCOUNTS, timestamp), count)
    made = ((as_message("", transaction), transaction.amount > THRESHOLD) for transaction in stream)
    return [(message.key, message.value, is_fraud) for message, is_fraud in made]


def _wait_for_room(producer: Producer) -> None:
    producer.poll(0)
    while len(producer) > 10 * AT_ONCE:
        producer.poll(0.01)
