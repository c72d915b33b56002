"""Records as others write them: in Kafka transactions, compressed, in partitions that their keys do not belong to."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing

import pytest
from kafka.partitioner import murmur2

from messaging.batch import Message
from tests.support.conservation import wait_until_judged
from tests.support.group_offsets import GroupOffsets
from tests.support.services import Services
from tests.support.topics import WRITE_SECONDS, Names, committed, create_topics, message, raw_producer, send, write
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

LEGIT, FRAUD = "899.99", "900.01"


def paid(topic: str, number: int, amount: str = LEGIT) -> Message:
    """Return a transaction whose key belongs to one of four partitions, and which is written to any of them."""
    value = f'{{"id":"{number}","source":"a{number}","target":"b","amount":{amount}}}'.encode()
    return message(topic, value, f"a{number}".encode(), headers=[("trace", b"%d" % number)], partition=number // 3 % 4)


def judge(services: Services, servers: str, names: Names, count: int) -> None:
    detector = services.start("detector", LOG_TRANSACTIONS="none")
    wait_until_judged(servers, names, count)
    assert detector.stop() == 0


def values(messages: Sequence[Message]) -> Counter[bytes | None]:
    return Counter(sent.value for sent in messages)


def test_what_an_upstream_kafka_transaction_aborted_is_not_judged(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions)
    upstream = raw_producer(broker, {"transactional.id": names.group, "transaction.timeout.ms": "900000"})
    upstream.init_transactions()
    for outcome, first in ((upstream.commit_transaction, 0), (upstream.abort_transaction, 100)) * 2:
        upstream.begin_transaction()
        send(upstream, [paid(names.transactions, number) for number in range(first, first + 50)])
        assert upstream.flush(WRITE_SECONDS) == 0
        outcome()
    detector = services.start("detector")
    detector.wait_for_line("LEGIT", count=100)
    write(broker, [paid(names.transactions, 1_000 + number) for number in range(12)])
    detector.wait_for_line("LEGIT", count=112)
    assert detector.stop() == 0
    judged = Counter(record.value for record in committed(broker, names.legit))
    twice = values([paid(names.transactions, number) for number in range(50)] * 2)
    assert judged == twice + values([paid(names.transactions, 1_000 + number) for number in range(12)])


def test_what_an_upstream_kafka_transaction_has_not_committed_yet_is_not_judged(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions)
    upstream = raw_producer(broker, {"transactional.id": names.group, "transaction.timeout.ms": "900000"})
    upstream.init_transactions()
    write(broker, [paid(names.transactions, 1)])
    upstream.begin_transaction()
    send(upstream, [paid(names.transactions, 2)])
    assert upstream.flush(WRITE_SECONDS) == 0
    detector = services.start("detector", LOG_FORMAT="json")
    detector.wait_for_line('"verdict":"legit","id":"1"')
    assert not detector.matches('"id":"2"')
    upstream.commit_transaction()
    detector.wait_for_line('"verdict":"legit","id":"2"')


def test_the_groups_lag_becomes_0_for_whoever_asks_kafka_behind_markers_too(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions)
    upstream = raw_producer(broker, {"transactional.id": names.group})
    upstream.init_transactions()
    detector = services.start("detector", LOG_TRANSACTIONS="none")
    for outcome, first in ((upstream.commit_transaction, 0), (upstream.abort_transaction, 12)) * 3:
        upstream.begin_transaction()
        send(upstream, [paid(names.transactions, number) for number in range(first, first + 12)])
        assert upstream.flush(WRITE_SECONDS) == 0
        outcome()
    with closing(GroupOffsets(broker, names, 4)) as group:
        wait_until(lambda: group.lag() == 0, 30, "a lag of 0")
    assert detector.stop() == 0
    assert values_of(broker, names) == values([paid(names.transactions, number) for number in range(12)] * 3)
    assert services.start("audit").wait(60) == 0


def values_of(servers: str, names: Names) -> Counter[bytes | None]:
    """Return what was judged legit."""
    return Counter(record.value for record in committed(servers, names.legit))


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_records_are_read_whichever_codec_compressed_them(
    services: Services, broker: str, names: Names, codec: str
) -> None:
    create_topics(broker, names.transactions)
    messages = [paid(names.transactions, number) for number in range(100)]
    write(broker, messages, compression=codec)
    detector = services.start("detector")
    wait_until(lambda: detector.matches("cannot read|LEGIT"), 20, "a line")
    assert not detector.matches("cannot read")
    wait_until_judged(broker, names, 100)
    assert Counter(record.value for record in committed(broker, names.legit)) == values(messages)


def test_a_record_keeps_its_partition_whatever_its_key_and_its_headers_with_it(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions)
    sent = [paid(names.transactions, number, FRAUD if number % 2 else LEGIT) for number in range(100)]
    write(broker, sent)
    judge(services, broker, names, 100)
    legit, fraud = committed(broker, names.legit), committed(broker, names.fraud)
    by_partition = sorted(sent, key=lambda each: each.partition or 0)
    assert [(r.partition, r.key, r.value, r.timestamp) for r in legit] == [
        (m.partition, m.key, m.value, m.timestamp) for m in by_partition if LEGIT.encode() in (m.value or b"")
    ]
    assert [(r.partition, r.key, r.value, r.timestamp) for r in fraud] == [
        (m.partition, m.key, m.value, m.timestamp) for m in by_partition if FRAUD.encode() in (m.value or b"")
    ]
    added = [("fraud.reason", b"amount_over_threshold: 900.01 is over 900"), ("fraud.score", b"100")]
    assert all(list(r.headers) == [("trace", (r.key or b"")[1:])] for r in legit)
    assert all(list(r.headers) == [("trace", (r.key or b"")[1:]), *added] for r in fraud)


def test_where_a_topic_has_another_number_of_partitions_the_key_chooses_as_in_java(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions)
    create_topics(broker, names.legit, partitions=7)
    write(broker, [paid(names.transactions, number) for number in range(100)])
    judge(services, broker, names, 100)
    records = committed(broker, names.legit)
    assert len(records) == 100
    assert all(record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 7 for record in records)
