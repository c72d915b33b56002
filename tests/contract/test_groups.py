"""A consumer group: who reads what, who may commit, and how much is left."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from messaging.batch import Batch, Record
from messaging.seam import BatchAborted, OffsetUnstable, Processor
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

QUIET_POLLS = 15  # longer than a heartbeat


def test_a_new_member_goes_on_where_the_last_one_has_left(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, str(n).encode()) for n in range(10)])
    first = stage.member(batch_size=4)
    read_on(first, 4)
    first.close()
    assert values(read_on(stage.member(), 6)) == [b"4", b"5", b"6", b"7", b"8", b"9"]


def test_groups_do_not_share(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, b"value")])
    assert values(read_on(stage.member(group=stage.names.group + "-1"), 1)) == [b"value"]
    assert values(read_on(stage.member(group=stage.names.group + "-2"), 1)) == [b"value"]


def test_two_members_share_the_partitions(stage: Stage, topic_of_4: str) -> None:
    members = [stage.member(topic_of_4), stage.member(topic_of_4)]
    rounds: list[Sequence[Sequence[Record]]] = []
    wait_until(lambda: both_read(stage, topic_of_4, members, rounds), DEADLINE_SECONDS, "each member to read a part")
    first, second = ({record.partition for record in records} for records in rounds[-1])
    assert not first & second
    everything = Counter(value for read in rounds for records in read for value in values(records))
    assert everything == Counter(f"{n} to {partition}".encode() for n in range(len(rounds)) for partition in range(4))


def both_read(stage: Stage, topic: str, members: Sequence[Member], rounds: list[Sequence[Sequence[Record]]]) -> bool:
    """Write one record to each of four partitions and let the members read them; tell whether both had some."""
    stage.write(
        [message(topic, f"{len(rounds)} to {partition}".encode(), partition=partition) for partition in range(4)]
    )
    read: list[list[Record]] = [[], []]
    wait_until(lambda: read_or_abort(members, read) == 4, DEADLINE_SECONDS, "four records")
    rounds.append(read)
    return all(read)


def test_a_member_that_the_group_has_left_behind_cannot_commit(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, b"0"), message(stage.names.transactions, b"1")])
    left_behind = stage.member()
    assert values(next_batch(left_behind)) == [b"0", b"1"]
    stage.expel()
    successor = stage.member()
    assert values(next_batch(successor)) == [b"0", b"1"]
    with pytest.raises(BatchAborted):
        left_behind.commit([message(stage.names.legit, b"by the one left behind")])
    successor.commit([message(stage.names.legit, b"by its successor")])
    assert values(stage.read(stage.names.legit, 1)) == [b"by its successor"]


def test_a_member_that_the_group_has_left_behind_finds_back(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, b"0"), message(stage.names.transactions, b"1")])
    client = stage.member()
    next_batch(client)
    stage.expel()
    with pytest.raises(BatchAborted):
        client.commit([])
    assert values(wait_until(lambda: committed_batch(client), DEADLINE_SECONDS, "a commit")) == [b"0", b"1"]


def test_a_gained_partition_is_read_when_it_is_started_and_from_there(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, str(n).encode()) for n in range(4)])
    processor = stage.processor()
    [batch] = wait_until(lambda: gained(processor.poll(POLL_SECONDS, MOST_RECORDS)), DEADLINE_SECONDS, "a partition")
    assert (set(batch.gained), set(batch.lost), list(batch.records)) == ({0}, set(), [])
    assert not any(processor.poll(POLL_SECONDS, MOST_RECORDS).records for _ in range(5))
    assert processor.lag() is None
    processor.start(0, 2)
    assert values(next_records(processor)) == [b"2", b"3"]


def test_what_the_group_has_committed_is_told_of_each_partition(stage: Stage, topic_of_4: str) -> None:
    stage.write([message(topic_of_4, b"any", partition=1) for _ in range(3)])
    read_on(stage.member(topic_of_4), 3)
    stage.expel()
    processor = stage.processor(topic_of_4)
    wait_until(lambda: gained(processor.poll(POLL_SECONDS, MOST_RECORDS)), DEADLINE_SECONDS, "partitions")
    committed = {partition: committed_offset(processor, partition) for partition in range(4)}
    assert committed == {0: None, 1: 3, 2: None, 3: None}


def test_a_partition_that_is_not_started_holds_up_no_other(stage: Stage, topic_of_4: str) -> None:
    processor = stage.processor(topic_of_4)
    wait_until(lambda: gained(processor.poll(POLL_SECONDS, MOST_RECORDS)), DEADLINE_SECONDS, "partitions")
    for partition in (0, 1, 3):
        processor.start(partition, None)
    stage.write([message(topic_of_4, b"any", partition=partition) for partition in range(4)])
    read: set[int] = set()
    wait_until(lambda: read_partitions(processor, read) >= {0, 1, 3}, DEADLINE_SECONDS, "three partitions")
    assert read == {0, 1, 3}


def test_partitions_move_to_a_new_member_and_only_they(stage: Stage, topic_of_4: str) -> None:
    first, second = stage.processor(topic_of_4), stage.processor(topic_of_4)
    has: tuple[set[int], set[int]] = (set(), set())
    lost: list[int] = []
    wait_until(lambda: follow((first, second), has, lost) == [2, 2], DEADLINE_SECONDS, "two partitions each")
    assert has[0] | has[1] == set(range(4))
    second.close()
    wait_until(lambda: follow((first,), has[:1], lost) == [4], DEADLINE_SECONDS, "all partitions with the first")
    assert len(lost) == len(set(lost)) <= 2


def test_what_moves_is_read_on_by_the_other_and_nothing_twice(stage: Stage, topic_of_4: str) -> None:
    members = [stage.member(topic_of_4)]
    read: list[list[Record]] = [[], [], []]
    for round_ in range(12):
        stage.write([message(topic_of_4, f"{round_} to {p}".encode(), partition=p) for p in range(4)])
        if round_ in (3, 6):
            members.append(stage.member(topic_of_4))
        if round_ == 9:
            members.pop(0).close()
            read.append(read.pop(0))
        wanted = 4 * (round_ + 1)
        wait_until(lambda w=wanted: read_or_abort(members, read) >= w, DEADLINE_SECONDS, "four more records")  # type: ignore[misc]
    everything = Counter(value for records in read for value in values(records))
    assert everything == Counter(f"{round_} to {p}".encode() for round_ in range(12) for p in range(4))


def test_a_member_is_one_in_empty_batches_too(stage: Stage) -> None:
    client = stage.member()
    stage.write([message(stage.names.transactions, b"value")])
    read_on(client, 1)
    assert not client.poll(POLL_SECONDS)
    assert client.batch.member is not None


def test_a_rebalance_in_which_nothing_moves_lets_a_member_go_on(stage: Stage) -> None:
    """One partition and two members: whoever joins gets nothing, and each time the group has a new generation."""
    stage.write([message(stage.names.transactions, b"0")])
    first = stage.member()
    read_on(first, 1)
    for number in range(1, 3):
        second = stage.member()
        settle([first, second])
        stage.write([message(stage.names.transactions, str(number).encode())])
        assert values(read_one(first, second)) == [str(number).encode()]
        second.close()
        settle([first])
    stage.write([message(stage.names.transactions, b"last")])
    assert values(read_one(first)) == [b"last"]


def test_a_rebalance_between_poll_and_commit_costs_nothing(stage: Stage, topic_of_4: str) -> None:
    stage.write([message(topic_of_4, str(p).encode(), partition=p) for p in range(4)])
    first = stage.member(topic_of_4)
    records: list[Record] = []
    wait_until(lambda: polled(first, records), DEADLINE_SECONDS, "a batch")
    second = stage.member(topic_of_4)
    read: list[list[Record]] = [[], []]
    for _ in range(5):
        read_or_abort([second], read[1:])  # joins, and has the group wait for the first
    try:
        first.commit([])
        read[0] += records
    except BatchAborted:
        pass
    wait_until(lambda: read_or_abort([first, second], read) >= 4, DEADLINE_SECONDS, "four records")
    assert Counter(value for each in read for value in values(each)) == Counter(str(p).encode() for p in range(4))


def test_a_member_that_wakes_up_between_poll_and_commit_doubles_nothing(stage: Stage, topic_of_4: str) -> None:
    """It was suspended meanwhile, and wakes when its successor has judged the same records and has left."""
    stage.write([message(topic_of_4, str(p).encode(), partition=p) for p in range(4)])
    sleeper = stage.member(topic_of_4)
    records: list[Record] = []
    wait_until(lambda: polled(sleeper, records), DEADLINE_SECONDS, "a batch")
    stage.expel()
    successor = stage.member(topic_of_4)
    read_on(successor, 4)
    successor.close()
    with pytest.raises(BatchAborted):
        sleeper.commit([message(stage.names.legit, b"by the sleeper")])
    stage.write([message(stage.names.legit, b"after it")])
    assert values(stage.read(stage.names.legit, 1)) == [b"after it"]


def test_a_member_that_is_expelled_while_it_joins_keeps_nothing(stage: Stage, topic_of_4: str) -> None:
    """Its successor judges what it had, and is gone before it has joined anew."""
    write_to_each(stage, topic_of_4, 0)
    first, second = stage.member(topic_of_4), stage.member(topic_of_4)
    read: list[list[Record]] = [[], []]
    wait_until(lambda: read_or_abort([first, second], read) >= 4, DEADLINE_SECONDS, "four records")
    settle([first, second])
    third = stage.member(topic_of_4)
    for _ in range(QUIET_POLLS):  # the second does not poll, so the group waits for it
        read_or_abort([first, third], [[], []])
    stage.expel()
    second.close()
    write_to_each(stage, topic_of_4, 1)
    successor: list[list[Record]] = [[]]
    wait_until(lambda: read_or_abort([third], successor) >= 4, DEADLINE_SECONDS, "what the others left")
    third.close()
    settle([first])
    write_to_each(stage, topic_of_4, 2)
    again: list[list[Record]] = [[]]
    wait_until(lambda: read_or_abort([first], again) >= 4, DEADLINE_SECONDS, "what is new")
    assert sorted(values(again[0])) == [b"2", b"2", b"2", b"2"]  # type: ignore[type-var]


def test_what_was_taken_and_given_back_was_lost_and_is_gained(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, str(n).encode()) for n in range(2)])
    client = stage.member()
    next_batch(client)
    client.commit([])
    stage.expel()
    lost: set[int] = set()
    [batch] = wait_until(lambda: regained(client, lost), DEADLINE_SECONDS, "the partition again")
    assert set(batch.gained) == {0}
    assert lost == {0}
    stage.write([message(stage.names.transactions, b"2")])
    assert values(wait_until(lambda: committed_batch(client), DEADLINE_SECONDS, "a commit")) == [b"2"]


def test_the_lag_is_what_is_still_to_be_read(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, str(n).encode()) for n in range(100)])
    client = stage.member(batch_size=10)
    read_on(client, 10)
    assert client.lag() == 90
    read_on(client, 90)
    assert client.lag() == 0


def test_the_lag_falls_to_0_behind_batches_too(stage: Stage) -> None:
    stage.write([message(stage.names.transactions, str(n).encode()) for n in range(3)])
    upstream = stage.member(batch_size=1)
    for _ in range(3):
        next_batch(upstream)
        upstream.commit([message(stage.names.legit, b"value")])
    client = stage.member(stage.names.legit, group=stage.names.group + "-downstream")
    read_on(client, 3)
    wait_until(lambda: not client.poll(POLL_SECONDS) and client.lag() == 0, DEADLINE_SECONDS, "a lag of 0")


def test_what_is_committed_in_the_end_lies_behind_the_markers_of_kafka_transactions_too(stage: Stage) -> None:
    """Else the group's lag never becomes 0 for whoever asks Kafka, such as kafka-consumer-groups.sh."""
    topic, group = stage.names.legit, stage.names.group + "-downstream"
    stage.write([message(stage.names.transactions, str(n).encode()) for n in range(3)])
    upstream = stage.member(batch_size=1)
    client = stage.member(topic, group=group)
    for _ in range(3):
        next_batch(upstream)
        upstream.commit([message(topic, b"value")])
        read_on(client, 1)
    end = stage.library.end_offsets(stage.connection, [topic])[topic, 0]
    offsets: list[int] = []
    aborted: list[int] = []

    def is_committed() -> bool:
        offsets.append(max([0, *committed_next(client, stage.names.fraud, aborted)]))
        return client.processor.committed(0) == end

    wait_until(is_committed, DEADLINE_SECONDS, "the end to be committed")
    assert [dict(client.processor.poll(POLL_SECONDS, MOST_RECORDS).next_offsets()) for _ in range(5)] == [{}] * 5
    assert sum(offset > 0 for offset in offsets) <= 1


def committed_next(member: Member, elsewhere: str, aborted: list[int]) -> Sequence[int]:
    """Poll and commit what there is; return the offsets that were committed. The first attempt is aborted."""
    assert not member.poll(POLL_SECONDS)
    offsets = list(member.batch.next_offsets().values())
    if offsets and not aborted:
        aborted += offsets
        with pytest.raises(BatchAborted):
            member.commit([message(elsewhere, b"to nowhere", partition=9)])
        return []
    if offsets:
        member.commit([])
    return offsets


def test_a_member_without_records_has_no_lag(stage: Stage) -> None:
    client = stage.member()
    wait_until(lambda: not client.poll(POLL_SECONDS) and client.lag() == 0, DEADLINE_SECONDS, "a lag of 0")


def test_closing_twice_raises_nothing(stage: Stage) -> None:
    client = stage.member()
    client.poll(POLL_SECONDS)
    client.close()
    client.close()


def committed_batch(client: Member) -> Sequence[Record]:
    """Return the next batch if it could be committed, else nothing."""
    batch = client.poll(POLL_SECONDS)
    try:
        if batch:
            client.commit([])
    except BatchAborted:
        return ()
    return batch


def write_to_each(stage: Stage, topic: str, number: int) -> None:
    stage.write([message(topic, str(number).encode(), partition=partition) for partition in range(4)])


def gained(batch: Batch) -> Sequence[Batch]:
    """Return the batch if something was gained in it."""
    return [batch] if batch.gained else []


def regained(member: Member, lost: set[int]) -> Sequence[Batch]:
    """Return the batch in which it has come back; take note of what was lost up to there."""
    with suppress(BatchAborted):
        if member.poll(POLL_SECONDS):
            member.commit([])
    lost |= set(member.batch.lost)
    return gained(member.batch)


def next_records(processor: Processor) -> Sequence[Record]:
    return wait_until(lambda: processor.poll(POLL_SECONDS, MOST_RECORDS).records, DEADLINE_SECONDS, "a batch")


def committed_offset(processor: Processor, partition: int) -> int | None:
    """Return what the group has committed there, when that is certain."""
    found: list[int | None] = []

    def is_certain() -> bool:
        with suppress(OffsetUnstable):
            found.append(processor.committed(partition))
        return bool(found)

    wait_until(is_certain, DEADLINE_SECONDS, "an offset")
    return found[0]


def read_partitions(processor: Processor, read: set[int]) -> set[int]:
    """Add the partitions of which records come next."""
    batch = processor.poll(POLL_SECONDS, MOST_RECORDS)
    if batch.records:
        processor.commit(batch, [])
    read |= {record.partition for record in batch.records}
    return read


def follow(processors: Sequence[Processor], has: Sequence[set[int]], lost: list[int]) -> list[int]:
    """Let each poll; return how many partitions each has. What is lost was had before."""
    for processor, partitions in zip(processors, has, strict=True):
        batch = processor.poll(POLL_SECONDS, MOST_RECORDS)
        assert partitions >= set(batch.lost)
        lost += batch.lost
        partitions.difference_update(batch.lost)
        assert not partitions & set(batch.gained)
        partitions.update(batch.gained)
        for partition in batch.gained:
            processor.start(partition, None)
    return [len(partitions) for partitions in has]


def polled(member: Member, records: list[Record]) -> bool:
    """Poll once more, and tell whether there is a batch, which is then not committed."""
    records[:] = member.poll(POLL_SECONDS)
    return bool(records)


def read_or_abort(members: Sequence[Member], read: Sequence[list[Record]]) -> int:
    """Let each read and commit; return how many records have been committed by all."""
    with ThreadPoolExecutor(len(members)) as threads:  # a rebalance wants all of them at once
        for so_far, records in zip(read, threads.map(committed_batch, members), strict=False):
            so_far.extend(records)
    return sum(map(len, read))


def settle(members: Sequence[Member]) -> None:
    """Poll until nothing has changed for a while: heartbeats tell a member only now and then that others came.

    Nobody has anything left to commit; what a member fetched before it knew that it was expelled may still come.
    """
    quiet = 0
    while quiet < QUIET_POLLS:
        for member in members:
            assert not committed_batch(member)
        quiet = 0 if any(member.batch.lost or member.batch.gained for member in members) else quiet + 1


def read_one(*members: Member) -> Sequence[Record]:
    """Return what is read and committed next, by whichever member."""
    read: list[list[Record]] = [[] for _ in members]
    wait_until(lambda: read_or_abort(members, read) >= 1, DEADLINE_SECONDS, "a record")
    return [record for each in read for record in each]
