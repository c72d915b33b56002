"""A batch: its messages and the offsets behind it become visible together, or not at all."""

from collections import Counter

import pytest

from messaging.seam import BatchAborted, MessageRefused
from tests.contract.stage import POLL_SECONDS, Member, Stage, next_batch, read_on, values
from tests.support.topics import message

LARGER_THAN_ALLOWED = b"x" * 2_000_000


def write_numbers(stage: Stage, first: int, count: int) -> None:
    topic = stage.names.transactions
    stage.write([message(topic, str(number).encode()) for number in range(first, first + count)])


def abort_batch(client: Member, topic: str) -> None:
    """Commit a good message and one that the broker refuses: the batch is aborted as a whole."""
    with pytest.raises(BatchAborted):
        client.commit([message(topic, b"aborted"), message(topic, LARGER_THAN_ALLOWED)])


def test_what_is_committed_is_visible_and_is_not_read_again(stage: Stage) -> None:
    write_numbers(stage, 0, 3)
    first = stage.member()
    records = next_batch(first)
    first.commit([message(stage.names.legit, record.value) for record in records])
    first.close()
    write_numbers(stage, 3, 1)
    assert values(records) == [b"0", b"1", b"2"]
    assert values(stage.read(stage.names.legit, 3)) == [b"0", b"1", b"2"]
    assert values(next_batch(stage.member())) == [b"3"]


def test_a_batch_may_lead_to_several_topics_and_to_nothing(stage: Stage) -> None:
    write_numbers(stage, 0, 2)
    client = stage.member(batch_size=1)
    next_batch(client)
    client.commit(
        [message(stage.names.legit, b"a"), message(stage.names.fraud, b"b"), message(stage.names.legit, b"c")]
    )
    next_batch(client)
    client.commit([])
    assert values(stage.read(stage.names.legit, 2)) == [b"a", b"c"]
    assert values(stage.read(stage.names.fraud, 1)) == [b"b"]


def test_without_markers_no_end_lies_behind_the_records(stage: Stage) -> None:
    """Each poll meets the end that was reached before, and what has come since: librdkafka tells of both at once."""
    client = stage.member()
    batches = []
    for number in range(20):
        write_numbers(stage, number, 1)
        next_batch(client)
        batches.append(client.batch)
        client.commit([])
    batches += [client.batch for _ in range(3) if not client.poll(POLL_SECONDS)]
    assert [dict(batch.ends) for batch in batches] == [{}] * 23


def test_what_is_not_committed_is_read_again_by_the_next_member(stage: Stage) -> None:
    write_numbers(stage, 0, 3)
    first = stage.member()
    next_batch(first)
    first.close()
    assert values(next_batch(stage.member())) == [b"0", b"1", b"2"]


def test_an_aborted_batch_comes_again_from_its_first_record(stage: Stage) -> None:
    write_numbers(stage, 0, 5)
    client = stage.member(batch_size=2)
    assert values(read_on(client, 2)) == [b"0", b"1"]
    next_batch(client)
    abort_batch(client, stage.names.legit)
    assert values(read_on(client, 3)) == [b"2", b"3", b"4"]


def test_a_batch_can_be_aborted_again_and_again(stage: Stage) -> None:
    write_numbers(stage, 0, 2)
    client = stage.member()
    for _ in range(3):
        assert values(next_batch(client)) == [b"0", b"1"]
        abort_batch(client, stage.names.legit)
    assert values(read_on(client, 2)) == [b"0", b"1"]


def test_an_aborted_batch_of_several_partitions_comes_again_whole(stage: Stage, topic_of_4: str) -> None:
    stage.write([message(topic_of_4, str(n).encode(), partition=n % 4) for n in range(100)])
    client = stage.member(topic_of_4)
    seen = next_batch(client)
    abort_batch(client, stage.names.legit)
    read = read_on(client, 100)
    assert Counter(values(read)) == Counter(str(n).encode() for n in range(100))
    assert {record.offset for record in read if record.partition == seen[0].partition} == set(range(25))


def test_nothing_of_an_aborted_batch_is_visible(stage: Stage) -> None:
    write_numbers(stage, 0, 1)
    client = stage.member()
    next_batch(client)
    abort_batch(client, stage.names.legit)
    next_batch(client)
    client.commit([message(stage.names.legit, b"committed after it")])
    assert values(stage.read(stage.names.legit, 1)) == [b"committed after it"]


def test_a_batch_with_a_message_for_a_partition_that_is_none_is_aborted(stage: Stage) -> None:
    write_numbers(stage, 0, 1)
    client = stage.member()
    next_batch(client)
    with pytest.raises(BatchAborted):
        client.commit([message(stage.names.legit, b"aborted"), message(stage.names.legit, b"to nowhere", partition=9)])
    assert values(next_batch(client)) == [b"0"]
    client.commit([message(stage.names.legit, b"committed after it")])
    assert values(stage.read(stage.names.legit, 1)) == [b"committed after it"]


def test_what_a_topic_refuses_for_good_is_told_from_what_may_work_again(stage: Stage) -> None:
    stage.compact(stage.names.legit)
    write_numbers(stage, 0, 2)
    client = stage.member()
    for _ in range(2):
        assert values(next_batch(client)) == [b"0", b"1"]
        with pytest.raises(MessageRefused, match=r"(?i)key|failed to validate record"):
            client.commit([message(stage.names.legit, b"good"), message(stage.names.legit, b"refused", key=None)])
    next_batch(client)
    client.commit([message(stage.names.legit, b"committed after it")])
    assert values(stage.read(stage.names.legit, 1)) == [b"committed after it"]


def test_the_pieces_of_a_batch_can_be_committed_one_after_the_other_and_the_rest_comes_again(
    stage: Stage, topic_of_4: str
) -> None:
    stage.write([message(topic_of_4, str(n).encode(), partition=n % 4) for n in range(100)])
    client = stage.member(topic_of_4)
    records = next_batch(client)
    rest = client.batch
    committed: list[bytes | None] = []
    for _ in range(3):
        piece, rest = rest.split(len(records) // 4)
        client.processor.commit(piece, [message(stage.names.legit, b"any") for _ in piece.records])
        committed += values(piece.records)
    client.processor.rewind(rest)
    read = committed + list(values(read_on(client, 100 - len(committed))))
    assert Counter(read) == Counter(str(n).encode() for n in range(100))
    client.close()
    stage.write([message(topic_of_4, b"later", partition=p) for p in range(4)])
    assert values(read_on(stage.member(topic_of_4), 4)) == [b"later"] * 4


def test_a_piece_that_is_aborted_comes_again_with_what_followed_it(stage: Stage) -> None:
    write_numbers(stage, 0, 6)
    client = stage.member()
    next_batch(client)
    first, others = client.batch.split(2)
    client.processor.commit(first, [])
    second, _ = others.split(2)
    with pytest.raises(BatchAborted):
        client.processor.commit(second, [message(stage.names.legit, LARGER_THAN_ALLOWED)])
    client.processor.rewind(others)
    assert values(read_on(client, 4)) == [b"2", b"3", b"4", b"5"]


def test_nothing_was_throttled_where_there_is_no_quota(stage: Stage) -> None:
    write_numbers(stage, 0, 1)
    client = stage.member()
    next_batch(client)
    client.commit([message(stage.names.legit, b"any")])
    assert client.processor.throttled_seconds() == 0


def test_the_offsets_of_an_aborted_batch_are_not_committed(stage: Stage) -> None:
    write_numbers(stage, 0, 2)
    client = stage.member()
    next_batch(client)
    abort_batch(client, stage.names.legit)
    client.close()
    assert values(next_batch(stage.member())) == [b"0", b"1"]


def test_a_batch_holds_no_more_than_the_batch_size(stage: Stage) -> None:
    write_numbers(stage, 0, 25)
    client = stage.member(batch_size=10)
    sizes: list[int] = []
    while sum(sizes) < 25:
        sizes.append(len(next_batch(client)))
        client.commit([])
    assert max(sizes) == 10


def test_polling_an_empty_topic_gives_an_empty_batch(stage: Stage) -> None:
    assert not stage.member().poll(0.1)
