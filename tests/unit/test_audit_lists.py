"""The lists as they were at each version, which agrees with how a detector knows them."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.lists import ListsAt, ListsHistory
from decision.history import FORMAT, Reading
from decision.list_change import ListChange, ListChangeSet, encode
from decision.lists import ListBook
from messaging.batch import Record

EXPIRES = "2026-12-24T18:00:00Z"
VALUES: Sequence[object] = (1, "1", True, Decimal("1.0"), Decimal("0.1"), 0, False, "", "a", None, [], {}, 10**60)


def written(*made: ListChange) -> bytes:
    return encode(ListChangeSet(FORMAT, repr(made), "anna", made))


def taken(values: Sequence[bytes | None]) -> tuple[ListsHistory, Sequence[Reading]]:
    """Return the history, and how far it had been read after each of its records, none of them first."""
    history, book = ListsHistory(), ListBook()
    readings = [book.reading]
    for offset, value in enumerate(values):
        history.take(Record("lists", 0, offset, 0, None, value, ()))
        book.take(offset, value)
        readings.append(book.reading)
    return history, readings


def at(history: ListsHistory, reading: Reading) -> ListsAt:
    found = history.at(reading)
    assert found is not None
    return found


def test_each_version_has_the_members_of_its_time() -> None:
    history, readings = taken(
        [
            written(ListChange("blocked", 0, add=["a", "b"])),
            written(ListChange("blocked", 1, remove=["a"])),
            written(ListChange("blocked", 2, add=["a"], expires=EXPIRES)),
            written(ListChange("blocked", 3, clear=True)),
            written(ListChange("blocked", 4, clear=True, add=["b"])),
        ]
    )
    members = [[m for m in ("a", "b") if at(history, reading).find("blocked", m)] for reading in readings]
    assert members == [[], ["a", "b"], ["b"], ["a", "b"], [], ["b"]]
    spell = at(history, readings[3]).find("blocked", "a")
    assert spell is not None
    assert str(spell.expires) == "2026-12-24 18:00:00+00:00"


def test_a_number_a_text_and_a_truth_value_are_three() -> None:
    history, readings = taken([written(ListChange("l", 0, add=[1]))])
    found = [value for value in VALUES if at(history, readings[1]).find("l", value)]
    assert found == [1, Decimal("1.0")]
    assert not any(value is True for value in found)


def test_the_changes_of_one_set_come_one_after_the_other() -> None:
    history, readings = taken(
        [
            written(ListChange("l", 0, add=["a"]), ListChange("l", 0, clear=True)),
            written(ListChange("l", 1, remove=["b"], add=["b"])),
        ]
    )
    lists = at(history, readings[2])
    assert lists.find("l", "a") is None
    assert lists.find("l", "b")


@pytest.mark.parametrize("value", [None, b"no JSON", written(ListChange("no name", 0, add=["a"]))])
def test_what_is_no_change_set_changes_nothing_and_is_told(value: bytes | None) -> None:
    history = ListsHistory()
    assert history.take(Record("lists", 0, 0, 0, None, value, ()))
    _, readings = taken([value])
    assert at(history, readings[1]).find("no name", "a") is None


def test_a_version_of_another_topic_is_not_known() -> None:
    ours, _ = taken([written(ListChange("l", 0, add=["a"]))])
    _, readings = taken([written(ListChange("l", 0, add=["b"]))])
    assert ours.at(readings[1]) is None


MEMBERS = st.lists(st.sampled_from([1, "1", True, Decimal("0.10"), Decimal("0.1"), 0, False, "a"]), max_size=3)
CHANGES = st.builds(
    ListChange,
    st.sampled_from(["l", "m"]),
    st.integers(0, 6),
    MEMBERS,
    MEMBERS,
    st.booleans(),
    st.sampled_from([None, EXPIRES, "2026-11-27T23:30:00Z", "soon"]),
)
SETS = st.lists(CHANGES, min_size=1, max_size=3).map(lambda made: written(*made))


@given(st.lists(st.one_of(SETS, st.sampled_from([None, b"x"])), max_size=6), st.data())
def test_it_agrees_with_a_detector_at_any_version(values: list[bytes | None], data: st.DataObject) -> None:
    history, readings = taken(values)
    version = data.draw(st.integers(0, len(values)))
    book = ListBook()
    for offset, value in enumerate(values[:version]):
        book.take(offset, value)
    for name in ("l", "m", "n"):
        for asked in VALUES:
            spell, membership = at(history, readings[version]).find(name, asked), book.find(name, asked)
            expires = None if spell is None else spell.expires
            assert (spell is None, expires) == (membership is None, membership and membership.expires)
