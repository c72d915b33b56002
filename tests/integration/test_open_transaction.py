"""A group's offsets that somebody's open Kafka transaction may still change."""

from collections.abc import Sequence
from contextlib import ExitStack, closing

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from messaging.settings import ConnectionSettings, GroupSettings
from messaging.supervisor import load_library
from runtime.settings import read_settings
from tests.contract.stage import Member
from tests.support.services import Services
from tests.support.topics import Names, committed, create_topics, message, raw_producer, write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

PARTITIONS = range(4)
COMMITTED = 10
MEMBERS = 2
POLLS_BETWEEN_JOINS = 4
POLL_SECONDS = 0.2
TIMEOUT_MS = 4_000
LONG_MS = 600_000


def test_they_are_waited_for_while_members_join(client: str, broker: str, names: Names) -> None:
    create_topics(broker, names.transactions, partitions=len(PARTITIONS))
    write(broker, [message(names.transactions, b"", partition=p) for p in PARTITIONS for _ in range(COMMITTED + 1)])
    holder = commit_and_hold(broker, names)
    connection = read_settings(ConnectionSettings, {"KAFKA_BOOTSTRAP_SERVERS": broker})
    group = read_settings(GroupSettings, names.settings())
    read: set[tuple[int, int]] = set()
    with ExitStack() as opened:
        members: list[Member] = []
        for _ in range(MEMBERS):
            joining = load_library(client).open_processor(connection, group, names.transactions)
            members.append(Member(opened.enter_context(closing(joining))))
            for _ in range(POLLS_BETWEEN_JOINS):
                poll(members, read)
        wait_until(lambda: poll(members, read) >= len(PARTITIONS), 30, "a record of each partition")
    assert read == {(partition, COMMITTED) for partition in PARTITIONS}
    del holder


def test_the_other_partitions_are_judged_meanwhile_with_the_same_client(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions, partitions=len(PARTITIONS))
    write(broker, [message(names.transactions, paid(p), partition=p) for p in PARTITIONS for _ in range(COMMITTED + 1)])
    holder = commit_and_hold(broker, names, held=[0], timeout_ms=LONG_MS)
    detector = services.start("detector")
    detector.wait_for_line(" LEGIT ", count=3)
    detector.wait_for_line(rf"not started yet: {names.transactions}\[0\]; the group's offset may still change: .+")
    assert {read.value for read in committed(broker, names.legit)} == {paid(1), paid(2), paid(3)}
    holder.abort_transaction()
    detector.wait_for_line(" LEGIT ", count=4)
    assert {read.value for read in committed(broker, names.legit)} == {paid(partition) for partition in PARTITIONS}
    assert not detector.matches("trying again")
    assert detector.stop() == 0


def paid(number: int) -> bytes:
    return b'{"id":"%d","source":"a","target":"b","amount":1}' % number


def commit_and_hold(
    broker: str, names: Names, held: Sequence[int] = PARTITIONS, timeout_ms: int = TIMEOUT_MS
) -> Producer:
    """Commit the offset of each partition, and leave some in a second Kafka transaction, which its timeout may end."""
    producer = raw_producer(broker, {"transactional.id": names.group, "transaction.timeout.ms": str(timeout_ms)})
    offsets = [TopicPartition(names.transactions, partition, COMMITTED) for partition in PARTITIONS]
    with closing(Consumer({"bootstrap.servers": broker, "group.id": names.group})) as consumer:
        metadata = consumer.consumer_group_metadata()
    producer.init_transactions()
    producer.begin_transaction()
    producer.send_offsets_to_transaction(offsets, metadata)
    producer.commit_transaction()
    producer.begin_transaction()
    producer.send_offsets_to_transaction([offsets[partition] for partition in held], metadata)
    return producer


def poll(members: list[Member], read: set[tuple[int, int]]) -> int:
    """Add the places of what the members read next; return how many there are."""
    for member in members:
        read |= {(record.partition, record.offset) for record in member.poll(POLL_SECONDS)}
    return len(read)
