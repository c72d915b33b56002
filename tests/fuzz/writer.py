"""Writes records in every way that a producer may: in each compression, and in Kafka transactions that are aborted."""

import random
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from confluent_kafka import Producer
from kafka import KafkaProducer

from tests.fuzz.records import COMPRESSIONS, ProducerRecord
from tests.support.topics import NotUtf8, raw_producer
from tests.support.waiting import BUSY

_AT_ONCE = 1_000
_BYTES_AT_ONCE = 8_000_000
_SMALL_BYTES = 1_000
_UNREADABLE = 5
_FLUSH_SECONDS = 30.0 * BUSY


class Writer:
    """Writes to one topic; what the broker refuses, because it is too large for it, is left out."""

    def __init__(self, servers: str, topic: str, chance: random.Random) -> None:
        self._topic = topic
        self._chance = chance
        common = {"enable.idempotence": "false", "linger.ms": "5", "log_level": "2"}
        self._plain = [raw_producer(servers, {**common, "compression.type": each}) for each in COMPRESSIONS]
        identity = {"transactional.id": str(uuid.uuid4()), "enable.idempotence": "true"}
        self._transactional = raw_producer(servers, {**common, **identity})
        self._transactional.init_transactions()
        self._unreadable = KafkaProducer(bootstrap_servers=servers)

    def write(self, records: Iterator[ProducerRecord]) -> int:
        """Write some of the records, and return how many; of others than plain ones there are fewer."""
        taken = list(_some(records))
        if self._chance.random() < 0.05:
            self._in_a_transaction([each for each in taken if len(each.value or b"") < _SMALL_BYTES])
            self._with_unreadable_headers(taken[:_UNREADABLE])
        else:
            producer = self._chance.choice(self._plain)
            self._send(producer, taken)
            producer.flush(_FLUSH_SECONDS)
        return len(taken)

    def end(self, partitions: int) -> Mapping[int, int]:
        """Write a last record to each partition, and return the offset behind it.

        A group's offset stays before what was aborted at the end, and before Kafka's mark of that, which comes late.
        """
        ends: dict[int, int] = {}

        def on_delivery(error: object, last: Any) -> None:
            assert error is None, error
            ends[last.partition()] = last.offset() + 1

        for partition in range(partitions):
            self._plain[0].produce(self._topic, b"the end", partition=partition, on_delivery=on_delivery)
        self._plain[0].flush(_FLUSH_SECONDS)
        return ends

    def close(self) -> None:
        """Write no more."""
        self._unreadable.close(timeout=1)

    def _in_a_transaction(self, records: Sequence[ProducerRecord]) -> None:
        self._transactional.begin_transaction()
        self._send(self._transactional, records)
        if self._chance.random() < 0.5:
            self._transactional.flush(_FLUSH_SECONDS)  # else what is not on its way yet would never be there
            self._transactional.abort_transaction()
        else:
            self._transactional.commit_transaction()

    def _with_unreadable_headers(self, records: Iterable[ProducerRecord]) -> None:
        for each in records:
            key, value = each.key or b"key", each.value or b""  # this producer wants both
            if len(value) < _SMALL_BYTES:
                self._unreadable.send(self._topic, value, key, [("well", b"1"), (NotUtf8("bad"), b"2")])
        self._unreadable.flush()

    def _send(self, producer: Producer, records: Iterable[ProducerRecord]) -> None:
        for each in records:
            while not _taken_on(producer, self._topic, each):
                producer.poll(0.1)
        producer.poll(0)


def _some(records: Iterable[ProducerRecord]) -> Iterator[ProducerRecord]:
    size = 0
    for each in islice(records, _AT_ONCE):
        yield each
        size += len(each.value or b"")
        if size > _BYTES_AT_ONCE:
            return


def _taken_on(producer: Producer, topic: str, each: ProducerRecord) -> bool:
    try:
        producer.produce(topic, each.value, each.key, timestamp=each.timestamp, headers=list(each.headers))
    except BufferError:
        return False
    return True


def open_writer(servers: str, topic: str, chance: random.Random) -> closing[Writer]:
    """Return a writer that is closed in the end."""
    return closing(Writer(servers, topic, chance))
