"""Which versions of the rules may have judged a record, by its time."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from audit.history import History
from decision.rule import Rule
from tests.support.change_sets import Changes, changes, history_of

SECOND = 1_000
A, B, C = (Rule(f"amount > {amount}") for amount in (10, 20, 30))


def first(rule: Rule, second: int) -> Changes:
    return changes(("r", rule), at=second * SECOND)


def then(rule: Rule | None, second: int, base: int) -> Changes:
    return changes(("r", rule), at=second * SECOND, base=base)


def in_question(history: History, second: float) -> Sequence[int]:
    """Return which versions are in question of a record of that time, by the number of live rules and their order."""
    everything = list(history.at(-(10**9)).versions)
    return [everything.index(version) for version in history.at(int(second * SECOND)).versions]


def test_without_a_topic_of_rules_there_is_one_version() -> None:
    assert in_question(History(), 0) == [0]
    assert History().count == 1


@pytest.mark.parametrize(
    ("second", "versions"),
    [(-1, [0, 1, 2]), (0, [0, 1, 2]), (110, [0, 1, 2]), (110.001, [1, 2]), (210, [1, 2]), (210.001, [2]), (10**9, [2])],
)
def test_a_version_is_in_question_until_10_s_behind_its_end_and_each_later_one(
    second: float, versions: Sequence[int]
) -> None:
    assert in_question(history_of(first(A, 100), then(B, 200, base=1)), second) == versions


def test_the_oldest_in_question_is_asked_first() -> None:
    history = history_of(first(A, 100), then(B, 200, base=1))
    assert history.at(150_000).oldest.versions == history.at(150_000).versions[:1]
    assert history.at(300_000).oldest is history.at(300_000)


def test_a_change_by_a_clock_that_is_behind_ends_no_version_too_early() -> None:
    history = history_of(first(A, 200), then(B, 100, base=1))
    assert in_question(history, 205) == [0, 1, 2]
    assert in_question(history, 211) == [2]


def test_what_changes_no_verdict_makes_no_version() -> None:
    noted = Rule(A.when, note="as agreed")
    history = history_of(first(A, 100), then(noted, 200, base=1))
    history.at(0)
    assert history.count == 2


def test_rules_that_come_back_are_no_other_version() -> None:
    history = history_of(first(A, 100), then(B, 200, base=1), then(A, 300, base=2), then(None, 400, base=3))
    assert in_question(history, 0) == [0, 1, 2]
    assert in_question(history, 250) == [2, 1, 0]
    assert history.count == 3


@pytest.mark.parametrize(
    "void", [first(B, 200), then(B, 200, base=5)], ids=["somebody else's meanwhile", "of what never was"]
)
def test_a_void_change_set_changes_nothing(void: Changes) -> None:
    history = history_of(first(A, 100))
    assert not history.take(void.record(1))
    assert in_question(history, 0) == [0, 1]


def test_a_change_set_that_stands_there_twice_counts_once() -> None:
    history = history_of(first(A, 100))
    assert not history.take(replace(first(A, 100).record(0), offset=1))
    assert in_question(history, 0) == [0, 1]


@pytest.mark.parametrize("value", [None, b"", b"no JSON", then(Rule("amont > 5"), 0, base=1).value(1)])
def test_what_is_no_change_set_changes_nothing_and_is_told(value: bytes | None) -> None:
    history = history_of(first(A, 100))
    assert history.take(replace(first(B, 200).record(1), value=value))
    assert in_question(history, 0) == [0, 1]


def test_a_version_that_comes_later_is_in_question_of_what_came_before() -> None:
    history = history_of(first(A, 100))
    assert in_question(history, 0) == [0, 1]
    assert not history.take(then(B, 200, base=1).record(1))
    assert in_question(history, 0) == [0, 1, 2]


def test_only_versions_that_have_been_in_question_are_counted() -> None:
    history = history_of(first(A, 100), then(B, 200, base=1))
    assert history.count == 1
    history.at(150 * SECOND)
    assert history.count == 2
    history.at(50 * SECOND)
    assert history.count == 3
