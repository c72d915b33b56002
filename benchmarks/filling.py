"""Fills topics with transactions made as the generator makes them."""

import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from confluent_kafka import Producer

from benchmarks.cluster import AT_ONCE
from benchmarks.progress import bar
from generator.fake_transactions import fake_transactions
from generator.messages import as_message, written_time
from payments.mapping import AUTO, DEFAULT_MAPPING
from payments.writing import TransactionWriter
from tests.support.topics import raw_producer

THRESHOLD = 900
ACCOUNTS = 1_000
DIFFERENT = 100_000
Shape = Callable[[int, bytes], bytes | None]
MANY_AT_ONCE = {"linger.ms": "20", "log_level": "2", "queue.buffering.max.messages": "1000000"}


class Written(NamedTuple):
    """What a topic was filled with: so many records, of them so many over the threshold and so many bad."""

    records: int
    fraud: int
    bad: int = 0


def fill(producer: Producer, topic: str, records: int, shape: Shape | None = None) -> Written:
    """Write so many transactions, 100,000 different ones over and over, and wait until they have arrived.

    `shape` returns the value of one of these by its number and its value.
    """
    samples = _samples(min(records, DIFFERENT))
    values = [value if shape is None else shape(number, value or b"") for number, (_, value, _) in enumerate(samples)]
    _write(producer, topic, records, [(key, value) for (key, _, _), value in zip(samples, values, strict=True)])
    fraud = sum(is_fraud for _, _, is_fraud in itertools.islice(itertools.cycle(samples), records))
    return Written(records, fraud)


def fill_with_bad_input(producer: Producer, topic: str, records: int) -> Written:
    """Do the same with transactions each of which has been spoiled in one of five ways."""
    fill(producer, topic, records, _spoiled)
    return Written(records, 0, records)


def _write(producer: Producer, topic: str, records: int, samples: Sequence[tuple[bytes | None, bytes | None]]) -> None:
    with bar(f"filling {topic.partition('-')[0]}", records) as shown:
        for number, (key, value) in enumerate(itertools.islice(itertools.cycle(samples), records)):
            producer.produce(topic, value, key)
            if number % AT_ONCE == 0:
                _wait_for_room(producer)
                shown.update(number - shown.n)
        producer.flush()


def _spoiled(number: int, whole: bytes) -> bytes | None:
    not_utf8, amount_is_text = (
        b"\xff" + whole[1:],
        whole.replace(b'"amount":', b'"amount":"about ').replace(b',"cur', b'","cur'),
    )
    return (whole[:-1], not_utf8, amount_is_text, whole.replace(b'"target"', b'"to"'), None)[number % 5]


def open_producer(servers: str, settings: Mapping[str, str] = MappingProxyType({})) -> Producer:
    """Return an idempotent producer that chooses partitions as the generator does."""
    return raw_producer(servers, {**MANY_AT_ONCE, **settings})


def open_transactional_producer(servers: str) -> Producer:
    """Return a producer that has begun a Kafka transaction: what it writes is to be seen when that is committed."""
    limits = {"transactional.id": str(uuid.uuid4()), "transaction.timeout.ms": "600000"}
    producer = open_producer(servers, limits)
    producer.init_transactions()
    producer.begin_transaction()
    return producer


def _samples(count: int) -> list[tuple[bytes | None, bytes | None, bool]]:
    """Return key, value and whether it is fraud of so many transactions, made as the generator makes them."""
    stream = itertools.islice(fake_transactions(None, ACCOUNTS, partial(written_time, AUTO)), count)
    writer = TransactionWriter(DEFAULT_MAPPING)
    made = ((as_message("", writer, transaction), transaction.amount > THRESHOLD) for transaction in stream)
    return [(message.key, message.value, is_fraud) for message, is_fraud in made]


def _wait_for_room(producer: Producer) -> None:
    producer.poll(0)
    while len(producer) > 10 * AT_ONCE:
        producer.poll(0.01)
