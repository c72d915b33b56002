"""Whatever comes in: what is a transaction is judged, what is none becomes a dead letter, and the detector goes on."""

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from messaging.batch import Message, Record
from messaging.message_size import batch_bytes
from tests.support.auditing import audit
from tests.support.conservation import wait_until_judged
from tests.support.services import ROOT, Services
from tests.support.topics import NOW, Names, NotUtf8, committed, create_topics, message, write

pytestmark = pytest.mark.integration

GOOD = b'{"id":"1","source":"a","target":"b","amount":1}'
BROKERS_LIMIT = 1_048_588
COORDINATES = ["topic", "partition", "offset", "message"]
BAD = [
    b"",
    b"not JSON",
    b"[1, 2]",
    b'"text"',
    b"7",
    b"\xff\xfe",
    GOOD[:-1],
    GOOD[:-1] + b',"unknown":"\xff"}',
    b'{"source":"a","target":"b","amount":1}',
    b'{"id":"1","target":"b","amount":1}',
    b'{"id":"1","source":"a","amount":1}',
    b'{"id":"1","source":"a","target":"b"}',
    b'{"id":1.5,"source":"a","target":"b","amount":1}',
    b'{"id":"1","source":null,"target":"b","amount":1}',
    b'{"id":"1","source":"a","target":{},"amount":1}',
    *(
        b'{"id":"1","source":"a","target":"b","amount":%s}' % amount
        for amount in [b"true", b"null", b'"NaN"', b"NaN", b"Infinity", b'"-Infinity"', b"-0.01", b'"ten"', b"[1]"]
    ),
    b"[" * 100_000,
    b'{"unknown":' + b"[" * 100_000,
    None,
]
LEGIT = [b"900", b"900.00", b'"900"', b"9e2", b"0", b"-0"]
FRAUD = [b"900.01", b'"900.01"', b"9.0001e2", b"900.00000000000000001", b"1e400"]


def paid(amount: bytes, padding: int = 0) -> bytes:
    return b'{"id":"1","source":"a","target":"b","amount":%s,"unknown":"%s"}' % (amount, b"x" * padding)


def padded_to(topic: str, size: int, amount: bytes = b"1") -> Message:
    """Return a message whose record batch has just this size."""
    roomy = message(topic, paid(amount, size // 2))
    return message(topic, paid(amount, size // 2 + size - batch_bytes(roomy)))


def judge(
    services: Services, servers: str, names: Names, messages: Sequence[Message], compression: str = "none"
) -> None:
    """Write the messages to a topic of one partition for a detector that then judges all of them."""
    create_topics(servers, names.transactions, partitions=1)
    write(servers, messages, compression)
    detector = services.start("detector", LOG_TRANSACTIONS="none")
    wait_until_judged(servers, names, len(messages))
    assert detector.stop() == 0


def headers(record: Record) -> dict[str, bytes | None]:
    return dict(record.headers)


def test_bad_records_become_dead_letters_among_the_good_ones(services: Services, broker: str, names: Names) -> None:
    before = [("trace", b"1"), ("trace", b"2"), ("nothing", None)]
    messages = [
        message(names.transactions, value, key, headers=before, timestamp=NOW - number)
        for number, (value, key) in enumerate([(bad, b"key") for bad in BAD] + [(None, None), (b"", b""), (b"x", None)])
    ]
    mixed = [each for bad in messages for each in (bad, message(names.transactions, GOOD))]
    judge(services, broker, names, mixed)
    dead = sorted(committed(broker, names.dead_letter), key=lambda r: int(headers(r)["__detector.errors.offset"] or 0))
    assert [(r.key, r.value, r.timestamp) for r in dead] == [(m.key, m.value, m.timestamp) for m in messages]
    assert all(list(r.headers[:3]) == before for r in dead)
    assert all([name for name, _ in r.headers[3:]] == [f"__detector.errors.{c}" for c in COORDINATES] for r in dead)
    assert [headers(r)["__detector.errors.offset"] for r in dead] == [b"%d" % (2 * n) for n in range(len(messages))]
    assert {headers(r)["__detector.errors.topic"] for r in dead} == {names.transactions.encode()}
    assert all(headers(r)["__detector.errors.message"] for r in dead)
    assert len(committed(broker, names.legit)) == len(messages)


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_header_name_that_is_not_utf_8_costs_a_dead_letter_its_headers(
    services: Services, broker: str, names: Names, compression: str | None
) -> None:
    create_topics(broker, names.transactions, partitions=2)
    unreadable = [("readable", b"1"), (NotUtf8("name"), b"2")]
    with closing(KafkaProducer(bootstrap_servers=broker, compression_type=compression, linger_ms=50)) as producer:
        for number in range(2_000):
            headers_of_it = unreadable if 500 <= number < 1_500 else []
            producer.send(names.transactions, GOOD, b"%d" % number, headers_of_it, 1, NOW + number)
    detector = services.start("detector", LOG_TRANSACTIONS="none")
    wait_until_judged(broker, names, 2_000, seconds=20)
    dead = sorted(committed(broker, names.dead_letter), key=lambda record: record.timestamp)
    assert [(r.value, r.key, r.timestamp) for r in dead] == [(GOOD, b"%d" % n, NOW + n) for n in range(500, 1_500)]
    assert {tuple(name for name, _ in r.headers) for r in dead} == {
        tuple(f"__detector.errors.{name}" for name in COORDINATES)
    }
    assert len(committed(broker, names.legit)) == 1_000
    assert detector.stop() == 0


@pytest.mark.parametrize(("limit", "distance"), [("after", 1_800_000), ("before", -1_800_000)], ids=["future", "past"])
def test_a_timestamp_that_an_output_refuses_makes_a_dead_letter(
    services: Services, broker: str, names: Names, limit: str, distance: int
) -> None:
    now = time.time_ns() // 1_000_000
    for topic in (names.legit, names.dead_letter):
        create_topics(broker, topic, settings={f"message.timestamp.{limit}.max.ms": "600000"})
    refused = [message(names.transactions, value, timestamp=now + distance) for value in (GOOD, b"not JSON")]
    judge(services, broker, names, [*refused, message(names.transactions, GOOD, timestamp=now)])
    assert len(committed(broker, names.legit)) == 1
    dead = committed(broker, names.dead_letter)
    assert [(r.key, r.value) for r in dead] == [(b"key", None)] * 2
    assert b"timestamp" in (headers(dead[0])["__detector.errors.message"] or b"")
    settings = {"KAFKA_BOOTSTRAP_SERVERS": broker, **names.settings()}
    assert audit(settings).law_holds


def test_amounts_are_compared_as_they_are_written(services: Services, broker: str, names: Names) -> None:
    judge(services, broker, names, [message(names.transactions, paid(amount)) for amount in LEGIT + FRAUD])
    legit = sorted(committed(broker, names.legit), key=lambda r: r.offset)
    fraud = sorted(committed(broker, names.fraud), key=lambda r: r.offset)
    assert [record.value for record in legit] == [paid(amount) for amount in LEGIT]
    assert [record.value for record in fraud] == [paid(amount) for amount in FRAUD]
    assert headers(fraud[0])["fraud.reason"] == b"amount_over_threshold: 900.01 is over 900"


def test_records_as_large_as_the_broker_takes_pass(services: Services, broker: str, names: Names) -> None:
    topic = names.transactions
    largest = [padded_to(topic, BROKERS_LIMIT), padded_to(topic, BROKERS_LIMIT, b"950")]
    not_json = message(topic, b"x" * len(largest[0].value or b""))
    assert batch_bytes(not_json) == BROKERS_LIMIT
    judge(services, broker, names, [*largest, not_json])
    assert [r.value for r in committed(broker, names.legit)] == [largest[0].value]
    assert [r.value for r in committed(broker, names.fraud)] == [largest[1].value]
    (dead,) = committed(broker, names.dead_letter)
    assert (dead.key, dead.value) == (b"key", None)
    assert headers(dead)["__detector.errors.offset"] == b"2"


def test_what_is_too_large_without_compression_leaves_its_coordinates(
    services: Services, broker: str, names: Names
) -> None:
    huge = message(names.transactions, paid(b"1", 3 * BROKERS_LIMIT))
    judge(services, broker, names, [huge, message(names.transactions, GOOD)], compression="gzip")
    (dead,) = committed(broker, names.dead_letter)
    assert dead.value is None
    assert b"exceed max.message.bytes=1048588" in (headers(dead)["__detector.errors.message"] or b"")
    assert len(committed(broker, names.legit)) == 1


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_every_compression_is_read(services: Services, broker: str, names: Names, compression: str) -> None:
    judge(services, broker, names, [message(names.transactions, paid(b"1", 500)) for _ in range(20)], compression)
    assert len(committed(broker, names.legit)) == 20


def test_a_topic_with_other_partitions_is_written_by_key(services: Services, broker: str, names: Names) -> None:
    create_topics(broker, names.legit, partitions=3)
    judge(services, broker, names, [message(names.transactions, GOOD, b"%d" % (n % 10)) for n in range(100)])
    records = committed(broker, names.legit)
    assert len(records) == 100
    assert {r.partition for r in records} == {0, 1, 2}
    assert len({(r.key, r.partition) for r in records}) == 10


def test_a_rule_that_always_raises_stops_the_detector_and_loses_nothing(
    services: Services, broker: str, names: Names
) -> None:
    create_topics(broker, names.transactions, partitions=1)
    write(broker, [message(names.transactions, GOOD) for _ in range(50)])
    broken = services.start("detector", FRAUD_RULES="operator:neg", DEAD_LETTER_LIMIT="10")
    assert broken.wait(20) == 1
    assert len(broken.matches("ERROR   rule neg failed.*: TypeError.*10 consecutive failures")) == 1
    assert not broken.matches("Traceback")
    mended = services.start("detector", LOG_TRANSACTIONS="none")
    wait_until_judged(broker, names, 50)
    assert mended.stop() == 0
    assert len(committed(broker, names.legit)) == 50
    assert not committed(broker, names.dead_letter)


def test_a_rule_of_ones_own_adds_its_reason(services: Services, broker: str, names: Names, tmp_path: Path) -> None:
    (tmp_path / "bank_rules.py").write_text(
        "def to_b(paid):\n    return 'b is known' if paid.target == 'b' else None\n"
    )
    create_topics(broker, names.transactions, partitions=1)
    write(broker, [message(names.transactions, paid(b"950"))])
    rules = {"FRAUD_RULES": "bank_rules:to_b", "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    services.start("detector", **rules).wait_for_line("FRAUD .*950 .*is over 900  to_b: b is known  200 points$")
    (fraud,) = committed(broker, names.fraud)
    assert [value for name, value in fraud.headers if name == "fraud.reason"] == [
        b"amount_over_threshold: 950 is over 900",
        b"to_b: b is known",
    ]
