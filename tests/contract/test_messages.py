"""What is written is what is read."""

import pytest

from messaging.batch import Headers
from tests.contract.stage import Stage, next_batch, values
from tests.support.partitioner import partition_for
from tests.support.topics import message

FORMS: dict[str, tuple[bytes | None, bytes | None, Headers]] = {
    "without key": (None, b"value", ()),
    "without value": (b"key", None, ()),
    "without key, value and headers": (None, None, ()),
    "with empty key and value": (b"", b"", ()),
    "with a header without value": (b"key", b"value", [("name", None)]),
    "with an empty header": (b"key", b"value", [("", b"")]),
    "with repeated header names": (b"key", b"value", [("b", b"1"), ("a", b"2"), ("b", b"3"), ("b", b"3")]),
    "with headers without key and value": (None, None, [("only", b"header")]),
    "with bytes of any kind": (bytes(range(256)), bytes(range(256)), [("ключ", bytes(range(256)))]),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_message_passes_unchanged(stage: Stage, form: str) -> None:
    key, value, headers = FORMS[form]
    stage.write([message(stage.names.transactions, value, key, headers=headers)])
    [read] = stage.read(stage.names.transactions, 1)
    assert (read.key, read.value, list(read.headers)) == (key, value, list(headers))


@pytest.mark.parametrize("form", FORMS)
def test_a_message_of_a_batch_passes_unchanged(stage: Stage, form: str) -> None:
    key, value, headers = FORMS[form]
    stage.write([message(stage.names.transactions, b"anything")])
    client = stage.member()
    next_batch(client)
    client.commit([message(stage.names.legit, value, key, headers=headers)])
    [read] = stage.read(stage.names.legit, 1)
    assert (read.key, read.value, list(read.headers)) == (key, value, list(headers))


def test_a_record_says_where_it_was(stage: Stage) -> None:
    topic = stage.names.transactions
    stage.write([message(topic, b"first"), message(topic, b"second")])
    read = stage.read(topic, 2)
    assert [(record.topic, record.partition, record.offset) for record in read] == [(topic, 0, 0), (topic, 0, 1)]


@pytest.mark.parametrize("timestamp", [-5, -1, 1, 2, 1_000_000_000_000, 1_700_000_000_123])
def test_a_timestamp_is_kept(stage: Stage, timestamp: int) -> None:
    stage.write([message(stage.names.transactions, b"value", timestamp=timestamp)])
    client = stage.member()
    [read] = next_batch(client)
    client.commit([message(stage.names.legit, b"value", timestamp=read.timestamp)])
    [passed_on] = stage.read(stage.names.legit, 1)
    assert (read.timestamp, passed_on.timestamp) == (timestamp, timestamp)


def test_a_timestamp_of_0_is_kept_or_becomes_1(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, b"value", timestamp=0)])
    [read] = stage.read(stage.names.transactions, 1)
    assert read.timestamp in (0, 1)


def test_a_partition_that_is_given_is_kept_whatever_the_key(stage: Stage, topic_of_4: str) -> None:
    stage.write([message(topic_of_4, str(number).encode(), b"same key", partition=number) for number in range(4)])
    read = stage.read(topic_of_4, 4)
    assert sorted((record.partition, record.value) for record in read) == [(0, b"0"), (1, b"1"), (2, b"2"), (3, b"3")]


def test_a_key_has_the_same_partition_whichever_implementation_writes_it(stage: Stage, topic_of_4: str) -> None:
    keys = [b"", b"foobar", bytes(range(256)), *(f"account-{n}".encode() for n in range(20))]
    stage.write([message(topic_of_4, None, key, partition=None) for key in keys])
    read = stage.read(topic_of_4, len(keys))
    assert {record.key: record.partition for record in read} == {key: partition_for(key, 4) for key in keys}


def test_a_batch_chooses_partitions_by_key_too(stage: Stage, topic_of_4: str) -> None:
    keys = [f"account-{n}".encode() for n in range(20)]
    stage.write([message(stage.names.transactions, b"anything")])
    client = stage.member()
    next_batch(client)
    client.commit([message(topic_of_4, None, key, partition=None) for key in keys])
    read = stage.read(topic_of_4, len(keys))
    assert {record.key: record.partition for record in read} == {key: partition_for(key, 4) for key in keys}


def test_records_of_one_key_stay_in_order(stage: Stage, topic_of_4: str) -> None:
    sent = [message(topic_of_4, str(n).encode(), f"account-{n % 7}".encode(), partition=None) for n in range(2_000)]
    stage.write(sent)
    read = stage.read(topic_of_4, len(sent))
    for number in range(7):
        key = f"account-{number}".encode()
        assert values([r for r in read if r.key == key]) == values([m for m in sent if m.key == key])


def test_messages_without_key_and_partition_all_arrive(stage: Stage, topic_of_4: str) -> None:
    stage.write([message(topic_of_4, str(n).encode(), None, partition=None) for n in range(100)])
    read = stage.read(topic_of_4, 100)
    assert sorted(int(record.value or b"") for record in read) == list(range(100))
