"""The history of lists: every reader comes to the same members, and nobody overwrites what he has not seen."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decision.history import Entry, Fate
from decision.list_change import NAME_EXPECTED, ListChange, ListChangeSet
from decision.lists import MOST_LISTS, ListBook, Membership
from decision.members import EXPECTED
from tests.support.lists import added, list_book, list_set, members_of, take, value_of

TRUE, FALSE = True, False
APPLIED, OUTDATED, INVALID, REPEATED = Fate.APPLIED, Fate.OUTDATED, Fate.INVALID, Fate.REPEATED


def fates(book: ListBook, *values: ListChangeSet | ListChange | bytes | None) -> Sequence[Fate]:
    return [take(book, value).fate for value in values]


def test_a_change_set_holds_from_the_version_behind_it() -> None:
    book = ListBook()
    made = list_set(added("a", 1, expires="2026-12-24T18:00:00+01:00", note="n"))
    entry = book.take(17, msgspec.json.encode(made))
    assert entry == Entry(18, APPLIED, entry.change_set)
    known = Membership(18, expires=datetime(2026, 12, 24, 17, tzinfo=UTC), note="n")
    assert (book.find("blocked", "a"), book.find("blocked", 1), book.version) == (known, known, 18)
    assert str(book) == "1 list"


def test_members_match_exactly_by_their_type() -> None:
    book = list_book(added(1, "true", "", Decimal("2.50")))
    found = [1, Decimal("1.0"), "true", "", Decimal("2.5"), Decimal(0)]
    assert [book.find("blocked", value) is not None for value in found] == [True] * 5 + [False]
    others: Sequence[object] = ("1", TRUE, FALSE, "1.0", "2.5", None, [1], {}, 0)
    assert [book.find("blocked", other) for other in others] == [None] * len(others)
    truths = list_book(added(TRUE))
    assert truths.find("blocked", TRUE) is not None
    assert [truths.find("blocked", other) for other in (FALSE, 1, "true", Decimal(1))] == [None] * 4
    assert [*map(kind_and, members_of(list_book(added(FALSE, 0, TRUE, 1, "1"))))] == [
        *((bool, False), ("number", 0), (bool, True), ("number", 1), (str, "1"))
    ]


def test_a_list_that_does_not_exist_is_empty() -> None:
    book = list_book(added("a"))
    assert book.find("nowhere", "a") is None
    assert [book.is_empty(name) for name in ("nowhere", "blocked")] == [True, False]
    take(book, ListChange("blocked", 1, remove=["a"]))
    assert book.is_empty("blocked")


def test_the_last_change_of_a_member_counts() -> None:
    book = list_book(added("a", "b", note="first"), added("a", base=1, expires="2026-12-24T18:00:00.5Z"))
    assert book.find("blocked", "a") == Membership(2, expires=datetime(2026, 12, 24, 18, 0, 0, 500_000, UTC))
    assert book.find("blocked", "b") == Membership(1, note="first")
    assert fates(book, ListChange("blocked", 2, add=["b"], remove=["a", "b", "c"])) == [APPLIED]
    assert members_of(book) == ["b"]


def test_a_list_is_cleared_before_others_come() -> None:
    book = list_book(added("a", "b"), ListChange("blocked", 1, clear=True, add=["c"]))
    assert members_of(book) == ["c"]


def test_of_two_who_change_one_member_the_second_changes_nothing() -> None:
    book = list_book(added("a"))
    assert fates(book, ListChange("blocked", 1, remove=["a"])) == [APPLIED]
    entry = take(book, list_set(added("b", name="other"), added(1, "a", base=1)))
    assert (entry.fate, entry.problem) == (OUTDATED, 'changed by somebody else meanwhile: "a" in blocked')
    assert members_of(book) == members_of(book, "other") == []


def test_of_two_who_change_different_members_both_hold() -> None:
    book = ListBook()
    assert fates(book, added("a"), added(1), added("1"), ListChange("blocked", 0, remove=["c"])) == [APPLIED] * 4
    assert members_of(book) == ["a", 1, "1"]


def test_who_clears_a_list_must_have_seen_all_of_it() -> None:
    book = list_book(added("a"), added("b"))
    entry = take(book, ListChange("blocked", 1, clear=True))
    assert (entry.fate, entry.problem) == (OUTDATED, "changed by somebody else meanwhile: blocked")
    assert fates(book, ListChange("blocked", 3, clear=True)) == [APPLIED]


def test_who_has_not_seen_that_a_list_was_cleared_changes_nothing() -> None:
    book = list_book(added("a"), ListChange("blocked", 1, clear=True))
    assert fates(book, added("b", base=1), added("c", base=2)) == [OUTDATED, APPLIED]


def test_only_the_first_of_those_that_somebody_else_changed_are_named() -> None:
    book = list_book(added(*range(9)))
    assert take(book, added(*range(9), note="again")).problem.count(" in blocked") == 5


def test_a_change_that_starts_from_a_version_to_come_is_no_change() -> None:
    book = list_book(added("a"))
    assert fates(book, added("b", base=1)) == [APPLIED]
    entry = take(book, list_set(added("c", base=3)))
    assert (entry.fate, entry.problem) == (INVALID, "it starts from version 3, which there was not yet")


def test_a_repeated_write_is_known_by_its_id_and_one_that_was_void_may_come_again() -> None:
    book = ListBook()
    late = list_set(added("a", base=0, note="late"), identity="late")
    assert fates(book, added("a"), added("a"), late) == [APPLIED, REPEATED, OUTDATED]
    assert fates(book, list_set(added("a", base=3), identity="late")) == [APPLIED]


def record(**changed: Any) -> bytes:
    change = {"name": "blocked", "base": 0, "add": ["a"], **changed}
    return msgspec.json.encode({"format": 1, "id": "1", "author": "ann", "changes": [change]})


@pytest.mark.parametrize("time", ["2026-12-24T18:00:00Z", "2026-12-24T18:00:00.123456-23:59", "0001-01-01T00:00:00Z"])
def test_a_time_is_allowed(time: str) -> None:
    assert take(ListBook(), record(expires=time)).fate is APPLIED


@pytest.mark.parametrize(
    "time",
    [
        *("", "tomorrow", "2026-12-24", "2026-12-24 18:00:00Z", "2026-12-24T18:00:00", "2026-12-24T18:00Z"),
        *("2026-02-30T18:00:00Z", "2026-12-24T24:00:00Z", "2026-12-24T18:00:60Z", "0000-12-24T18:00:00Z"),
        *("2026-12-24T18:00:00.1234567Z", "2026-12-24T18:00:00+01:75", "2026-12-24T18:00:00+24:00", "\u0662026-12-24"),
    ],
)
def test_any_other_time_is_invalid(time: str) -> None:
    entry = take(ListBook(), record(expires=time))
    assert entry.fate is INVALID
    assert entry.problem.endswith(" is not a time such as 2026-12-24T18:00:00Z")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "not understood: Input data was truncated"),
        (b"[", "not understood: Expected `object`, got `array`"),
        (b"[" * 100_000, "not understood: "),
        (b"\xff", "not understood: "),
        (record()[:-1], "not understood: "),
        (record(size=1), "not understood: Object contains unknown field `size`"),
        (record(base="0"), "not understood: Expected `int`, got `str`"),
        (record(add="a"), "not understood: Expected `array`, got `str`"),
        (record(add=[None]), EXPECTED),
        (record(add=["a", ["a"]]), EXPECTED),
        (record(remove=[{"a": 1}]), EXPECTED),
        (record(add=["x" * 257]), EXPECTED),
        (record(add=[1, "x" * 257]), EXPECTED),
        (record().replace(b'["a"]', b"[1e999999]"), EXPECTED),
        (record().replace(b'["a"]', b"[1e-51]"), EXPECTED),
        (record().replace(b'["a"]', b"[%s]" % (b"1" * 51)), EXPECTED),
        (record().replace(b'["a"]', b"[%s]" % (b"1" * 5_000)), "not understood: Integer value out of range"),
        (record().replace(b'["a"]', b"[1e99999999999999999999]"), "not understood: it has a number beyond all numbers"),
        (record().replace(b'["a"]', b"[NaN]"), "not understood: JSON is malformed"),
        (record().replace(b'["a"]', rb'["\ud800"]'), "not understood: "),
        (record().replace(b'["a"]', b"[" * 5_000), "not understood: "),
        (record(name=""), NAME_EXPECTED),
        (record(name="a b"), NAME_EXPECTED),
        (record(name="a" * 101), NAME_EXPECTED),
        (record(name="\u0430"), NAME_EXPECTED),
        (record(note="a\nb"), "a note is one line"),
        (record(note="x" * 1_001), "a note is one line"),
        (record().replace(b'"format":1', b'"format":2'), "written in format 2 by another version of this program"),
        (record(add=["x" * 200] * 10_000), "2,030,084 bytes, more than 2,000,000"),
    ],
)
def test_what_is_not_allowed_changes_nothing_and_says_why(value: bytes | None, problem: str) -> None:
    book = ListBook()
    entry = take(book, value)
    assert entry.fate is INVALID
    assert entry.problem.startswith(problem)
    assert (book.lists, book.version) == ({}, 1)


def test_a_member_is_any_short_text_and_any_number_that_can_be_calculated_with() -> None:
    book = ListBook()
    members = ["", "x" * 256, "\x00\n\x1b[31m", "\U0001f4b6", 0, -5, 10**49, Decimal("1e-50"), Decimal("-0.0")]
    assert take(book, added(*members)).fate is APPLIED
    assert all(book.find("blocked", member) for member in members)


def test_there_are_at_most_1000_lists() -> None:
    book = list_book(list_set(*(added("a", name=f"l{number}") for number in range(MOST_LISTS - 1))))
    assert fates(book, added("a", name="one more")) == [INVALID]
    both = list_set(added("a", name="one.more"), added("a", name="two.more"))
    assert take(book, both).problem == "more than 1,000 lists"
    assert fates(book, added("a", name="one.more"), added("b", name="l0"), added("b", name="two.more")) == [
        *(APPLIED, APPLIED, INVALID)
    ]


MEMBERS = st.lists(st.sampled_from(["a", "b", "1", 1, True, False, Decimal("1.0"), None]), max_size=3)
CHANGES = st.builds(
    ListChange,
    st.sampled_from(["x", "y", "no name"]),
    st.integers(0, 6),
    MEMBERS,
    MEMBERS,
    st.booleans(),
    st.sampled_from([None, "2026-12-24T18:00:00Z", "never"]),
)
SETS = st.builds(ListChangeSet, st.just(1), st.sampled_from("abcdefgh"), st.just("ann"), st.lists(CHANGES, max_size=3))
VALUES = st.lists(st.one_of(SETS, st.sampled_from([None, b"{}"])), max_size=8)


def kind_and(value: object) -> object:
    """Return a value with its kind, so that 1, "1" and true are three."""
    return "number" if type(value) in (int, Decimal) else type(value), value


def state(book: ListBook) -> Sequence[object]:
    return [(name, kind_and(member), known) for name, found in book.lists.items() for member, known in found]


@given(VALUES)
def test_a_change_set_holds_whole_or_not_at_all(values: Sequence[ListChangeSet | bytes | None]) -> None:
    book = ListBook()
    expected: dict[str, set[object]] = {}
    for value in values:
        entry = take(book, value)
        for change in entry.change_set.changes if entry.fate is APPLIED else ():
            members = set() if change.clear else expected.get(change.name, set())
            removed = members - {*map(kind_and, change.remove)}
            expected[change.name] = removed | {*map(kind_and, change.add)}
        assert {name: {*map(kind_and, members_of(book, name))} for name in book.lists} == expected


@given(VALUES, st.integers(0, 8))
def test_every_reader_comes_to_the_same(values: Sequence[ListChangeSet | bytes | None], pause: int) -> None:
    at_once, in_two = list_book(*values), list_book(*values[:pause])
    for value in values[pause:]:
        take(in_two, value)
    assert state(in_two) == state(at_once)
    assert in_two.reading == at_once.reading
    void = [take(list_book(*values[:n]), value).fate is not APPLIED for n, value in enumerate(values)]
    only_applied = ListBook()
    for number, value in enumerate(values):
        if not void[number]:
            only_applied.take(number, value_of(value))
    assert state(only_applied) == state(at_once)


def test_to_take_up_one_member_costs_microseconds_however_many_there_are() -> None:
    book = list_book(*(list_set(added(*(f"{n}-{m}" for m in range(10_000))), identity=str(n)) for n in range(10)))
    begin = datetime.now(UTC)
    for number in range(1_000):
        assert take(book, list_set(added(f"new {number}"), identity=f"new {number}")).fate is APPLIED
    assert (datetime.now(UTC) - begin).total_seconds() < 1.0
