"""What a record was judged with is known by the notes: the last one of its partition at or below its offset."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from decision.history import Reading
from decision.note_history import NoteHistory
from tests.support.past import Past

PAST = Past()
FIRST, SECOND, THIRD = (PAST.basis(rules=Reading(number, "ab")) for number in range(3))


@pytest.fixture
def past() -> Past:
    return Past()


def bases(notes: NoteHistory, partition: int, offset: int) -> Sequence[int]:
    """Return the versions of the rules by which a record may have been judged."""
    return [notes.bases[found.basis].rules.version for found in notes.covering(partition, offset)]


def is_certain(past: Past, partition: int, offset: int) -> bool:
    return all(map(past.note_history.is_certain, past.note_history.covering(partition, offset)))


def test_a_note_holds_from_its_offset_on_until_the_next_one_of_its_partition(past: Past) -> None:
    past.take(past.note({0: 5, 1: 7}, FIRST), past.note({0: 9}, SECOND), past.note({1: 8}, THIRD, "d-2"))
    assert [bases(past.note_history, 0, offset) for offset in (4, 5, 8, 9, 10**9)] == [[], [0], [0], [1], [1]]
    assert [bases(past.note_history, 1, offset) for offset in (6, 7, 8)] == [[], [0], [2]]
    assert bases(past.note_history, 2, 10**9) == []


def test_notes_of_another_group_or_topic_say_nothing(past: Past) -> None:
    past.take(past.note({0: 0}, FIRST), past.note({0: 5}, SECOND, "d-2", group="other"))
    past.take(past.note({0: 5}, SECOND, "d-3", topic="other", number=9))
    assert bases(past.note_history, 0, 6) == [0]
    assert is_certain(past, 0, 6)


def test_what_was_noted_by_many_is_kept_once(past: Past) -> None:
    past.take(*(past.note({0: offset}, FIRST, f"d-{offset}") for offset in range(100)))
    assert len(past.note_history.bases) == 1


def test_a_group_that_was_set_back_may_have_judged_a_record_each_time(past: Past) -> None:
    past.take(past.note({0: 0}, FIRST), past.note({0: 10}, SECOND), past.note({0: 5}, THIRD, "d-2"))
    assert [bases(past.note_history, 0, offset) for offset in (4, 5, 10)] == [[0], [0, 2], [1, 2]]
    past.take(past.note({0: 5}, FIRST, "d-3"))
    assert bases(past.note_history, 0, 10) == [1, 2, 0]
    assert is_certain(past, 0, 10)


def test_a_copy_of_a_note_says_nothing_new(past: Past) -> None:
    first, second = past.note({0: 0}, FIRST), past.note({0: 10}, SECOND)
    past.take(first, replace(first, offset=3), second, replace(second, offset=7), replace(first, offset=9))
    assert [bases(past.note_history, 0, offset) for offset in (5, 15)] == [[0], [1]]
    assert is_certain(past, 0, 15)


def test_a_number_is_there_twice_where_a_detector_was_not_told_of_its_commit(past: Past) -> None:
    past.take(past.note({0: 0}, FIRST), past.note({0: 10}, SECOND), past.note({0: 20}, THIRD, number=2))
    assert [bases(past.note_history, 0, offset) for offset in (5, 15, 25)] == [[0], [1], [2]]
    assert is_certain(past, 0, 15)


def test_a_missing_note_may_have_been_about_any_partition_in_its_time(past: Past) -> None:
    past.take(past.note({0: 0, 1: 0}, FIRST), past.note({1: 5}, SECOND, "d-2"))
    past.note({0: 10}, SECOND)
    past.take(past.note({0: 20}, THIRD), past.note({1: 8}, THIRD, "d-2"), past.note({0: 30}, FIRST))
    assert [is_certain(past, 0, offset) for offset in (5, 15, 25, 35)] == [False, False, True, True]
    assert [is_certain(past, 1, offset) for offset in (2, 6, 9)] == [False, False, True]


def test_the_first_notes_of_a_detector_may_be_missing_too(past: Past) -> None:
    past.take(past.note({0: 0}, FIRST), past.note({1: 0}, FIRST, "d-2", number=3), past.note({0: 9}, FIRST))
    assert not is_certain(past, 0, 5)
    assert is_certain(past, 0, 9)


@pytest.mark.parametrize("value", [None, b"", b"no JSON", b'{"format":2}'])
def test_what_is_not_understood_may_have_been_a_note_of_any_partition(past: Past, value: bytes | None) -> None:
    past.take(past.note({0: 0}, FIRST), past.note({1: 0}, FIRST))
    broken = past.record(value)
    assert past.note_history.take(broken.offset, broken.value)
    past.take(past.note({0: 9}, SECOND))
    assert [is_certain(past, 0, offset) for offset in (5, 9)] == [False, True]
    assert not is_certain(past, 1, 5)
    assert bases(past.note_history, 0, 5) == [0]


def test_a_missing_note_is_known_where_no_place_is_empty_too(past: Past) -> None:
    first, second = past.note({0: 0, 1: 0}, FIRST), past.note({0: 5}, SECOND, number=3)
    past.take(first, replace(second, offset=first.offset + 1))
    assert [is_certain(past, 0, offset) for offset in (2, 7)] == [False, True]
    assert not is_certain(past, 1, 5)
