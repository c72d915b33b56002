"""An independent hand on the cluster: creates topics, writes records of any form, reads what is committed.

What reads is kafka-python's, and librdkafka's where there is much to read. What writes is librdkafka's: it takes
records without key and value, and headers without value.
"""

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from typing import NamedTuple

import confluent_kafka
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import ConfigResource, NewTopic
from msgspec.structs import replace

from messaging import kafka_python
from messaging.batch import Headers, Message, Offsets, Record
from messaging.seam import ClientFailed, Reader
from messaging.settings import ConnectionSettings
from runtime.settings import read_settings
from tests.support.waiting import BUSY, wait_until

_READ_SECONDS = 30.0
WRITE_SECONDS = 20.0 * BUSY
_TIME_LIMITS = {"request_timeout_ms": 30_000 * BUSY, "bootstrap_timeout_ms": 30_000 * BUSY}
_LEADER_MS = 10_000 * BUSY
_UP_TO_ANY_SIZE = 1_000_000_000
NOW = time.time_ns() // 1_000_000  # a broker may delete what is older than its retention at any moment


class Names(NamedTuple):
    """The topics and the consumer group of one test, or of one run of a benchmark."""

    transactions: str
    fraud: str
    legit: str
    dead_letter: str
    rules: str
    lists: str
    provenance: str
    group: str

    def settings(self) -> dict[str, str]:
        """Return them as settings of the services."""
        return {
            "TRANSACTIONS_TOPIC": self.transactions,
            "FRAUD_TOPIC": self.fraud,
            "LEGIT_TOPIC": self.legit,
            "DEAD_LETTER_TOPIC": self.dead_letter,
            "RULES_TOPIC": self.rules,
            "LISTS_TOPIC": self.lists,
            "PROVENANCE_TOPIC": self.provenance,
            "CONSUMER_GROUP": self.group,
        }

    @property
    def outputs(self) -> Sequence[str]:
        """The topics that the detector writes."""
        return (self.fraud, self.legit, self.dead_letter)

    @property
    def topics(self) -> Sequence[str]:
        """The four topics that transactions pass through."""
        return (self.transactions, *self.outputs)


class NotUtf8(str):
    """A header's name that producers cannot help sending in other bytes."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"\xff" * len(self)


def unique_names() -> Names:
    """Return names that nobody has used."""
    mark = uuid.uuid4().hex[:12]
    return Names(*(f"{name}-{mark}" for name in Names._fields))


def create_topics(servers: str, *names: str, partitions: int = 4, settings: Mapping[str, str] | None = None) -> None:
    """Create topics of one replica, and return when each of their partitions has its leader."""
    with closing(open_admin(servers)) as admin:
        admin.create_topics([NewTopic(name, partitions, 1, topic_configs=dict(settings or {})) for name in names])
        admin.wait_for_topics(names, _LEADER_MS)


def delete_topic(servers: str, name: str) -> None:
    """Delete a topic, and return when it is gone."""
    with closing(open_admin(servers)) as admin:
        admin.delete_topics([name])
        wait_until(lambda: name not in admin.list_topics(), _READ_SECONDS, f"the end of {name}")


def delete_records(servers: str, name: str, before: int) -> None:
    """Delete the records of a topic's first partition that come before an offset."""
    admin = AdminClient({"bootstrap.servers": servers})  # it has to live until the answer is there
    place = confluent_kafka.TopicPartition(name, 0, before)
    (deleted,) = admin.delete_records([place]).values()
    assert deleted.result(WRITE_SECONDS).low_watermark == before


def change_topic(servers: str, name: str, settings: Mapping[str, str]) -> None:
    """Change settings of a topic."""
    with closing(open_admin(servers)) as admin:
        admin.alter_configs([ConfigResource("topic", name, dict(settings))])


def existing_topics(servers: str) -> set[str]:
    """Return the names of all topics that there are."""
    with closing(open_admin(servers)) as admin:
        return set(admin.list_topics())


def open_admin(servers: str) -> KafkaAdminClient:
    """Return an admin client that waits as long as a busy machine needs."""
    return KafkaAdminClient(bootstrap_servers=servers, **_TIME_LIMITS)


def message(
    topic: str,
    value: bytes | None,
    key: bytes | None = b"key",
    *,
    headers: Headers = (),
    timestamp: int = NOW,
    partition: int | None = 0,
) -> Message:
    return Message(topic, key, value, headers, timestamp, partition)


def write(servers: str, messages: Iterable[Message], compression: str = "none") -> None:
    """Write the messages in their order."""
    producer = raw_producer(servers, {"compression.type": compression})
    send(producer, messages)
    assert producer.flush(WRITE_SECONDS) == 0


def raw_producer(servers: str, settings: Mapping[str, str]) -> Producer:
    """Return librdkafka's producer with these settings of its own."""
    common: dict[str, str | int | bool] = {
        "bootstrap.servers": servers,
        "enable.idempotence": True,
        "message.max.bytes": _UP_TO_ANY_SIZE,
        "partitioner": "murmur2_random",
    }
    return Producer({**common, **settings})


def send(producer: Producer, messages: Iterable[Message]) -> None:
    for sent in messages:
        producer.produce(
            sent.topic,
            sent.value,
            sent.key,
            partition=-1 if sent.partition is None else sent.partition,
            timestamp=sent.timestamp,
            headers=list(sent.headers),
            on_delivery=_expect_delivered,
        )
        producer.poll(0)


def committed(servers: str, topic: str) -> Sequence[Record]:
    """Return all committed records of a topic, partition after partition.

    Reads up to where the topic ends now, open Kafka transactions included: it waits until each has its outcome.
    """
    connection = read_settings(ConnectionSettings, {"KAFKA_BOOTSTRAP_SERVERS": servers})
    found: list[Offsets] = []
    wait_until(lambda: _has_told_ends(connection, topic, found), _READ_SECONDS, f"an answer about {topic}")
    with closing(kafka_python.open_reader(connection, {}, found[0])) as reader:
        records: list[Record] = []
        wait_until(lambda: _has_read_on(reader, records), _READ_SECONDS, f"the end of {topic}")
    return sorted(records, key=lambda record: (record.partition, record.offset))


def _has_told_ends(connection: ConnectionSettings, topic: str, found: list[Offsets]) -> bool:
    with suppress(ClientFailed):  # a busy machine may not answer in time
        found.append(kafka_python.end_offsets(connection, [topic]))
    return bool(found)


def _has_read_on(reader: Reader, records: list[Record]) -> bool:
    records += [replace(record, headers=tuple(record.headers)) for record in reader.poll(0.2)]
    return not reader.left


def open_consumer(servers: str, **settings: object) -> KafkaConsumer:
    """Return a consumer that waits as long as a busy machine needs, and commits only what it is told to."""
    return KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, **_TIME_LIMITS, **settings)


def open_reader(servers: str, topics: Sequence[str], partitions: int, settings: Mapping[str, str]) -> Consumer:
    """Return librdkafka's consumer of all committed records of topics from the beginning, with settings of its own."""
    common = {
        "bootstrap.servers": servers,
        "enable.auto.commit": "false",
        "group.id": "reader",  # has to be there, and is not joined
        "isolation.level": "read_committed",
        "log_level": "2",
    }
    reader = Consumer({**common, **settings})
    beginnings = [
        confluent_kafka.TopicPartition(topic, number, confluent_kafka.OFFSET_BEGINNING)
        for topic in topics
        for number in range(partitions)
    ]
    reader.assign(beginnings)
    return reader


def _expect_delivered(error: object, _message: object) -> None:
    assert error is None, error
