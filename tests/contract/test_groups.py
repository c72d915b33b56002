"""A consumer group: who reads what, who may commit, and how much is left."""

from collections import Counter
from collections.abc import Sequence

import pytest

from messaging.seam import BatchAborted, DetectorClient, Record
from tests.contract.stage import DEADLINE_SECONDS, POLL_SECONDS, Stage, next_batch, read_on, values
from tests.support.topics import message
from tests.support.waiting import wait_until


def test_a_new_member_goes_on_where_the_last_one_has_left(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, str(n).encode()) for n in range(10)])
    first = stage.reader(batch_size=4)
    read_on(first, 4)
    first.close()
    assert values(read_on(stage.reader(), 6)) == [b"4", b"5", b"6", b"7", b"8", b"9"]


def test_groups_do_not_share(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, b"value")])
    assert values(read_on(stage.reader(group=stage.names.group + "-1"), 1)) == [b"value"]
    assert values(read_on(stage.reader(group=stage.names.group + "-2"), 1)) == [b"value"]


def test_two_members_share_the_partitions(stage: Stage, topic_of_4: str) -> None:
    members = [stage.reader(topic_of_4), stage.reader(topic_of_4)]
    rounds: list[Sequence[Sequence[Record]]] = []
    wait_until(lambda: both_read(stage, topic_of_4, members, rounds), DEADLINE_SECONDS, "each member to read a part")
    first, second = ({record.partition for record in records} for records in rounds[-1])
    assert not first & second
    everything = Counter(value for read in rounds for records in read for value in values(records))
    assert everything == Counter(f"{n} to {partition}".encode() for n in range(len(rounds)) for partition in range(4))


def both_read(
    stage: Stage, topic: str, members: Sequence[DetectorClient], rounds: list[Sequence[Sequence[Record]]]
) -> bool:
    """Write one record to each of four partitions and let the members read them; tell whether both had some."""
    stage.write(
        [message(topic, f"{len(rounds)} to {partition}".encode(), partition=partition) for partition in range(4)]
    )
    read: list[list[Record]] = [[], []]
    wait_until(lambda: read_once(members, read) == 4, DEADLINE_SECONDS, "four records")
    rounds.append(read)
    return all(read)


def read_once(members: Sequence[DetectorClient], read: Sequence[list[Record]]) -> int:
    for member, so_far in zip(members, read, strict=True):
        if records := member.poll(POLL_SECONDS):
            member.commit([])
            so_far.extend(records)
    return sum(map(len, read))


def test_a_member_that_the_group_has_left_behind_cannot_commit(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, b"0"), message(stage.names.transactions, b"1")])
    left_behind = stage.reader()
    assert values(next_batch(left_behind)) == [b"0", b"1"]
    stage.expel()
    successor = stage.reader()
    assert values(next_batch(successor)) == [b"0", b"1"]
    with pytest.raises(BatchAborted):
        left_behind.commit([message(stage.names.legit, b"by the one left behind")])
    successor.commit([message(stage.names.legit, b"by its successor")])
    assert values(stage.read(stage.names.legit, 1)) == [b"by its successor"]


def test_a_member_that_the_group_has_left_behind_finds_back(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, b"0"), message(stage.names.transactions, b"1")])
    client = stage.reader()
    next_batch(client)
    stage.expel()
    with pytest.raises(BatchAborted):
        client.commit([])
    assert values(wait_until(lambda: committed_batch(client), DEADLINE_SECONDS, "a commit")) == [b"0", b"1"]


def test_the_lag_is_what_is_still_to_be_read(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, str(n).encode()) for n in range(100)])
    client = stage.reader(batch_size=10)
    read_on(client, 10)
    assert client.lag() == 90
    read_on(client, 90)
    assert client.lag() == 0


def test_the_lag_falls_to_0_behind_batches_too(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, str(n).encode()) for n in range(3)])
    upstream = stage.reader(batch_size=1)
    for _ in range(3):
        next_batch(upstream)
        upstream.commit([message(stage.names.legit, b"value")])
    client = stage.reader(stage.names.legit, group=stage.names.group + "-downstream")
    read_on(client, 3)
    wait_until(lambda: not client.poll(POLL_SECONDS) and client.lag() == 0, DEADLINE_SECONDS, "a lag of 0")


def test_a_member_without_records_has_no_lag(stage: Stage) -> None:
    client = stage.reader()
    wait_until(lambda: not client.poll(POLL_SECONDS) and client.lag() == 0, DEADLINE_SECONDS, "a lag of 0")


def test_closing_twice_raises_nothing(stage: Stage) -> None:
    client = stage.reader()
    client.poll(POLL_SECONDS)
    client.close()
    client.close()


def committed_batch(client: DetectorClient) -> Sequence[Record]:
    """Return the next batch if it could be committed, else nothing."""
    batch = client.poll(POLL_SECONDS)
    try:
        client.commit([])
    except BatchAborted:
        return ()
    return batch
