"""Which partitions a detector has, and when each is started."""

import logging

import pytest

from detector import assignment
from detector.assignment import Assignment
from messaging.batch import Batch
from messaging.seam import OffsetUnstable
from tests.support.in_memory_client import InMemoryCluster, InMemoryGroup, InMemoryProcessor


class Held(InMemoryProcessor):
    """A processor of a group whose offsets in some partitions are not certain."""

    def __init__(self, *held: int) -> None:
        super().__init__(InMemoryCluster(), InMemoryGroup(), "transactions")
        self.held = set(held)
        self.started: list[int] = []

    def committed(self, partition: int) -> int | None:
        if partition in self.held:
            raise OffsetUnstable("may change")
        return partition * 100 or None

    def start(self, partition: int, offset: int | None) -> None:
        assert offset == (partition * 100 or None)
        self.started.append(partition)


def test_what_is_gained_is_started_where_the_group_has_read_to() -> None:
    processor = Held()
    followed = Assignment(processor, "transactions")
    followed.change(Batch(gained={2, 0}))
    assert followed.is_starting
    followed.start()
    assert processor.started == [0, 2]
    assert not followed.is_starting


def test_what_is_not_certain_holds_up_no_other() -> None:
    processor = Held(0, 2)
    followed = Assignment(processor, "transactions")
    followed.change(Batch(gained=range(4)))
    for _ in range(4):
        followed.start()
    assert sorted(processor.started) == [1, 3]
    processor.held.clear()
    followed.start()
    assert sorted(processor.started) == [0, 1, 2, 3]


def test_what_is_lost_before_it_is_started_is_not_started() -> None:
    processor = Held(0)
    followed = Assignment(processor, "transactions")
    followed.change(Batch(gained={0}))
    followed.start()
    followed.change(Batch(lost={0}))
    processor.held.clear()
    followed.start()
    assert processor.started == []
    assert not followed.is_starting


def test_what_is_lost_and_gained_in_one_poll_is_started_anew() -> None:
    processor = Held()
    followed = Assignment(processor, "transactions")
    followed.change(Batch(lost={1}, gained={1}))
    followed.start()
    assert processor.started == [1]


def test_the_log_says_what_moves_and_what_is_waited_for(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(assignment, "_SECONDS_BETWEEN_LINES", 0.0)
    followed = Assignment(Held(3), "transactions")
    followed.change(Batch(lost={2}, gained={3, 1}))
    followed.start()
    assert caplog.messages == [
        "revoked: transactions[2]",
        "assigned: transactions[1], transactions[3]",
        "not started yet: transactions[3]; the group's offset may still change: may change",
    ]
