"""Reading from here to there: what is in between, all of it, and nothing else."""

from collections.abc import Mapping, Sequence
from contextlib import closing

from messaging.batch import Record
from tests.contract.stage import DEADLINE_SECONDS, POLL_SECONDS, Stage, next_batch, values
from tests.support.topics import message
from tests.support.waiting import wait_until

Places = Mapping[tuple[str, int], int]


def read(stage: Stage, starts: Places, ends: Places) -> Sequence[Record]:
    records: list[Record] = []
    with closing(stage.library.open_reader(stage.connection, starts, ends)) as reader:

        def is_done() -> bool:
            records.extend(reader.poll(POLL_SECONDS))
            return not reader.left

        wait_until(is_done, DEADLINE_SECONDS, "the ends")
    return records


def test_all_that_is_between_is_read_in_order(stage: Stage) -> None:
    topic = stage.names.transactions
    stage.write([message(topic, str(n).encode()) for n in range(3_000)])
    records = read(stage, {(topic, 0): 10}, {(topic, 0): 2_990})
    assert values(records) == [str(n).encode() for n in range(10, 2_990)]


def test_without_a_start_it_begins_with_the_first_record(stage: Stage, topic_of_4: str) -> None:
    stage.write([message(topic_of_4, str(p).encode(), partition=p) for p in range(4)])
    ends = stage.library.end_offsets(stage.connection, [topic_of_4])
    assert ends == {(topic_of_4, partition): 1 for partition in range(4)}
    assert sorted(values(read(stage, {}, ends))) == [b"0", b"1", b"2", b"3"]  # type: ignore[type-var]


def test_where_there_is_nothing_to_read_it_is_done_at_once(stage: Stage) -> None:
    topic = stage.names.transactions
    assert stage.library.end_offsets(stage.connection, [topic]) == {(topic, 0): 0}
    with closing(stage.library.open_reader(stage.connection, {}, {(topic, 0): 0})) as reader:
        assert not reader.left


def test_it_reads_up_to_the_end_behind_the_markers_of_kafka_transactions(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, str(n).encode()) for n in range(3)])
    member = stage.member(batch_size=1)
    for number in range(3):
        next_batch(member)
        member.commit([message(stage.names.legit, str(number).encode())])
    ends = stage.library.end_offsets(stage.connection, [stage.names.legit])
    assert values(read(stage, {}, ends)) == [b"0", b"1", b"2"]


def test_two_topics_are_read_at_once(stage: Stage) -> None:
    topics = stage.names.transactions, stage.names.legit
    stage.write([message(topic, topic.encode()) for topic in topics])
    ends = stage.library.end_offsets(stage.connection, topics)
    assert {(record.topic, record.value) for record in read(stage, {}, ends)} == {
        (topic, topic.encode()) for topic in topics
    }
