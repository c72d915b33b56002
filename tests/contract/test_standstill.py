"""What a member says of its own stall, so that the log can tell why nothing comes."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from messaging.seam import ClientFailed
from tests.contract.stage import (
    DEADLINE_SECONDS,
    MOST_RECORDS,
    POLL_SECONDS,
    Member,
    Stage,
    next_batch,
    read_on,
    values,
)
from tests.support.topics import message
from tests.support.waiting import wait_until

QUIET_QUESTIONS = 18  # of polls of 0.2 s: longer than a partition may stand still before it is asked about


def test_a_member_that_has_not_joined_says_so_and_knows_no_lag(stage: Stage) -> None:
    processor = stage.processor()
    assert processor.lag() is None
    [what] = processor.waiting_for()
    assert what.startswith("waiting for the group ")


def test_a_member_that_has_joined_and_is_at_the_end_waits_for_nothing(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, b"value")])
    client = stage.member()
    read_on(client, 1)
    wait_until(lambda: not client.poll(POLL_SECONDS) and client.lag() == 0, DEADLINE_SECONDS, "a lag of 0")
    assert answers(client) == [{}] * QUIET_QUESTIONS


def test_a_member_that_is_given_no_partition_has_a_lag_of_0_and_waits_for_nothing(stage: Stage) -> None:
    first, second = stage.member(), stage.member()
    wait_until(lambda: lags(first, second) == [0, 0], DEADLINE_SECONDS, "a lag of 0 of both")
    assert {bool(answer) for member in (first, second) for answer in answers(member)} == {False}


def test_a_partition_that_is_only_not_started_is_none_that_stands_still(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, b"value")])
    processor = stage.processor()
    wait_until(lambda: processor.poll(POLL_SECONDS, MOST_RECORDS).gained, DEADLINE_SECONDS, "a partition")
    wait_until(
        lambda: not processor.poll(POLL_SECONDS, 1).records and not processor.waiting_for(), DEADLINE_SECONDS, ""
    )
    assert processor.lag() is None


def test_a_topic_that_is_deleted_is_named(stage: Stage) -> None:
    topic = stage.names.transactions
    client = stage.member()
    wait_until(lambda: not client.poll(POLL_SECONDS) and client.lag() == 0, DEADLINE_SECONDS, "a lag of 0")
    stage.delete(topic)
    wait_until(lambda: is_told_to_be_missing(topic, client), DEADLINE_SECONDS, "a reason")


def is_told_to_be_missing(topic: str, member: Member) -> bool:
    """Tell whether it is named as what is waited for, or as why the client has failed."""
    try:
        member.poll(POLL_SECONDS)
    except ClientFailed as failed:
        return topic in str(failed)
    return member.processor.waiting_for() == {f"waiting for the topic {topic}": "it does not exist"}


def test_an_open_kafka_transaction_is_named_with_its_offset_until_it_ends(stage: Stage) -> None:
    topic = stage.names.transactions
    stage.write([message(topic, str(number).encode()) for number in range(3)])
    commit = stage.leave_open(message(topic, b"open"))
    stage.write([message(topic, b"behind it")])
    client = stage.member()
    read_on(client, 3)
    wait_until(lambda: not client.poll(POLL_SECONDS) and client.processor.waiting_for(), DEADLINE_SECONDS, "a reason")
    [(what, why)] = client.processor.waiting_for().items()
    assert what == f"committed records of {topic}[0] end at offset 3"
    assert "a Kafka transaction of another producer is open there" in why
    assert client.lag() == 2
    commit()
    assert values(next_batch(client)) == [b"open", b"behind it"]
    client.commit([])
    wait_until(lambda: not client.poll(POLL_SECONDS) and client.lag() == 0, DEADLINE_SECONDS, "a lag of 0")
    assert answers(client) == [{}] * QUIET_QUESTIONS


def test_an_open_kafka_transaction_is_named_although_other_partitions_go_on(stage: Stage, topic_of_4: str) -> None:
    stage.leave_open(message(topic_of_4, b"open", partition=2))
    client = stage.member(topic_of_4)
    stage.write([message(topic_of_4, b"0", partition=1)])
    read_on(client, 1)
    named: list[set[str]] = []  # one that goes on may be named where it was a moment ago, but not there again

    def is_named_twice() -> bool:
        stage.write([message(topic_of_4, b"more", partition=1)])
        while client.poll(POLL_SECONDS):
            client.commit([])
        named.append(set(client.processor.waiting_for()))
        return all(named[-2:]) and len(named) > 1

    wait_until(is_named_twice, DEADLINE_SECONDS, "a reason, twice")
    assert named[-1] & named[-2] == {f"committed records of {topic_of_4}[2] end at offset 0"}


@pytest.mark.parametrize("count", [0, 3])
def test_a_batch_that_is_not_committed_yet_is_no_stall(stage: Stage, count: int) -> None:
    stage.write([message(stage.names.transactions, b"value") for _ in range(5)])
    client = stage.member(batch_size=1)
    for _ in range(count):
        next_batch(client)
        client.commit([])
    next_batch(client)
    answered = []
    for _ in range(QUIET_QUESTIONS):
        time.sleep(POLL_SECONDS)
        answered.append(dict(client.processor.waiting_for()))
    assert answered == [{}] * QUIET_QUESTIONS


def answers(member: Member) -> list[dict[str, str]]:
    """Poll a few times, and return what the member says after each."""
    found = []
    for _ in range(QUIET_QUESTIONS):
        assert not member.poll(POLL_SECONDS)
        found.append(dict(member.processor.waiting_for()))
    return found


def lags(*members: Member) -> list[int | None]:
    """Let all poll at once, as a rebalance wants it, and return their lags."""
    with ThreadPoolExecutor(len(members)) as threads:
        assert not any(threads.map(Member.poll, members, [POLL_SECONDS] * len(members)))
    return [member.lag() for member in members]
