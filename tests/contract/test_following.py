"""Following a topic: what is there, what comes, and what becomes of it; without ever waiting."""

import time
from functools import partial

import pytest

from messaging.batch import Message
from messaging.seam import FOLLOW, ClientFailed, Reader
from tests.contract.stage import DEADLINE_SECONDS, Stage, next_batch, values
from tests.support.topics import message
from tests.support.waiting import BUSY, wait_until

PROMPT_SECONDS = 1
AT_ONCE_SECONDS = 0.05


def numbered(topic: str, *numbers: int) -> list[Message]:
    return [message(topic, str(number).encode()) for number in numbers]


def followed(reader: Reader, count: int, seconds: float = DEADLINE_SECONDS) -> list[tuple[int, bytes | None]]:
    """Return the offsets and values of the next records, when at least so many have come."""
    found: list[tuple[int, bytes | None]] = []
    wait_until(partial(has_come, reader, found, count), seconds, f"{count} records")
    return found


def has_come(reader: Reader, found: list[tuple[int, bytes | None]], count: int) -> bool:
    found += [(record.offset, record.value) for record in reader.poll(0)]
    return len(found) >= count


def wait_for_position(reader: Reader, at: tuple[str, int], offset: int) -> None:
    wait_until(lambda: not reader.poll(0) and reader.positions[at] >= offset, DEADLINE_SECONDS, "the end")


def test_what_is_there_is_read_and_then_what_comes(stage: Stage) -> None:
    topic = stage.names.legit
    stage.write(numbered(topic, 0, 1))
    reader = stage.follower(topic)
    assert followed(reader, 2) == [(0, b"0"), (1, b"1")]
    wait_for_position(reader, (topic, 0), 2)
    for number in range(2, 5):
        stage.write(numbered(topic, number))
        assert followed(reader, 1, PROMPT_SECONDS) == [(number, str(number).encode())]
    assert reader.left == {(topic, 0): FOLLOW}


def test_one_that_goes_on_at_a_position_reads_what_comes_after_it(stage: Stage) -> None:
    topic = stage.names.legit
    stage.write(numbered(topic, 0, 1, 2))
    reader = stage.follower(topic, start=2)
    assert reader.positions == {(topic, 0): 2}
    assert followed(reader, 1) == [(2, b"2")]


def test_an_empty_topic_has_been_read_at_once(stage: Stage) -> None:
    topic = stage.names.legit
    reader = stage.follower(topic)
    assert reader.positions == stage.library.end_offsets(stage.connection, [topic])


def test_its_position_is_behind_markers_and_aborted_records(stage: Stage) -> None:
    topic = stage.names.legit
    stage.write(numbered(stage.names.transactions, 0))
    member = stage.member()
    next_batch(member)
    member.commit(numbered(topic, 0))
    stage.abort(message(topic, b"aborted"))
    reader = stage.follower(topic)
    assert values_of(followed(reader, 1)) == [b"0"]
    end = stage.library.end_offsets(stage.connection, [topic])[topic, 0]
    wait_for_position(reader, (topic, 0), end)
    assert reader.positions == {(topic, 0): end}


def test_what_is_not_committed_yet_is_not_read(stage: Stage) -> None:
    topic = stage.names.legit
    stage.write(numbered(topic, 0))
    commit = stage.leave_open(message(topic, b"1"))
    reader = stage.follower(topic)
    assert values_of(followed(reader, 1)) == [b"0"]
    wait_for_position(reader, (topic, 0), 1)
    assert reader.positions == {(topic, 0): 1}
    commit()
    assert values_of(followed(reader, 1)) == [b"1"]


def values_of(found: list[tuple[int, bytes | None]]) -> list[bytes | None]:
    return [value for _, value in found]


def test_to_look_for_what_has_come_takes_no_time(stage: Stage) -> None:
    topic = stage.names.legit
    stage.write(numbered(topic, 0))
    reader = stage.follower(topic)
    followed(reader, 1)
    assert min(seconds_to_look(reader) for _ in range(10)) < AT_ONCE_SECONDS
    assert max(seconds_to_look(reader) for _ in range(10)) < AT_ONCE_SECONDS * BUSY


def seconds_to_look(reader: Reader) -> float:
    begin = time.monotonic()
    assert not values(reader.poll(0))
    return time.monotonic() - begin


def test_a_topic_that_is_deleted_is_named(stage: Stage) -> None:
    topic = stage.names.legit
    stage.write(numbered(topic, 0))
    reader = stage.follower(topic)
    followed(reader, 1)
    stage.delete(topic)
    with pytest.raises(ClientFailed, match=f"^cannot read: the topic {topic} does not exist$"):
        followed(reader, 1)


def test_a_topic_that_was_never_there_is_named(stage: Stage) -> None:
    reader = stage.follower("absent")
    with pytest.raises(ClientFailed, match=r"^cannot read: the topic absent does not exist$"):
        followed(reader, 1)


@pytest.mark.parametrize("records", [1, 4])
def test_a_topic_that_is_made_anew_is_read_from_its_first_record(stage: Stage, records: int) -> None:
    topic = stage.names.legit
    stage.write(numbered(topic, *range(5)))
    reader = stage.follower(topic)
    followed(reader, 5)
    stage.delete(topic)
    stage.create_topics(1, [topic])
    stage.write(numbered(topic, *range(10, 10 + records)))
    assert followed(reader, records) == [(offset, str(offset + 10).encode()) for offset in range(records)]
    wait_for_position(reader, (topic, 0), records)
    assert reader.positions == {(topic, 0): records}


def test_one_that_goes_on_in_a_topic_made_anew_reads_it_from_its_first_record(stage: Stage) -> None:
    topic = stage.names.legit
    stage.write(numbered(topic, 0, 1))
    reader = stage.follower(topic, start=7)
    assert followed(reader, 2) == [(0, b"0"), (1, b"1")]
