"""The rules as they were at each version."""

import pytest
from msgspec.structs import replace

from audit.history import RulesHistory
from audit.rules import Version
from decision.history import Reading
from decision.rule import Rule
from decision.rulebook import RuleBook
from messaging.batch import Record
from tests.support.change_sets import Changes, changes

A, B = (Rule(f"amount > {amount}") for amount in (10, 20))


def written(*made: Changes) -> list[Record]:
    return [each.record(offset) for offset, each in enumerate(made)]


def readings(records: list[Record]) -> list[Reading]:
    """Return how far a detector has read after each of the records, none of them first."""
    book = RuleBook()
    found = [book.reading]
    for record in records:
        book.take(record.offset, record.value)
        found.append(book.reading)
    return found


def taken(records: list[Record]) -> RulesHistory:
    history = RulesHistory()
    for record in records:
        history.take(record)
    return history


def labels(version: Version | None) -> tuple[bool, list[str], list[str]]:
    assert version is not None
    return version.has_threshold, [rule.label for rule in version.live], [rule.label for rule in version.shadow]


def test_without_a_topic_of_rules_the_threshold_holds_alone() -> None:
    assert labels(RulesHistory().at(Reading())) == (True, [], [])


def test_each_version_has_the_rules_of_its_time() -> None:
    records = written(changes(("r", A)), changes(("s", B)), changes(("r", None), base=1))
    history = taken(records)
    assert [labels(history.at(reading))[1] for reading in readings(records)] == [[], ["r"], ["r", "s"], ["s"]]


def test_a_version_of_another_topic_is_not_known() -> None:
    ours, others = written(changes(("r", A)), changes(("s", B))), written(changes(("r", B)), changes(("s", B)))
    assert not any(taken(ours).at(reading) for reading in readings(others)[1:])
    assert not any(taken(ours[1:]).at(reading) for reading in readings(ours)[1:])
    assert taken(ours[:1]).at(readings(ours)[2]) is None


def test_rules_that_are_off_are_none_and_candidates_are_asked_in_shadow_last() -> None:
    shadow, off = Rule("True", mode="shadow"), Rule("True", mode="off")
    made = changes(("a", off), ("b", shadow), ("c", A), candidates={"a": A, "c": B})
    records = written(made)
    expected = (True, ["c"], ["b", "a (candidate)", "c (candidate)"])
    assert labels(taken(records).at(readings(records)[-1])) == expected


def test_the_rule_of_the_threshold_comes_first_as_it_does_where_a_setting_gives_it() -> None:
    records = written(changes(("r", A)), changes(("amount_over_threshold", B)))
    assert labels(taken(records).at(readings(records)[-1])) == (False, ["amount_over_threshold", "r"], [])
    beside = written(
        changes(("r", A)), changes(("amount_over_threshold", None), candidates={"amount_over_threshold": B})
    )
    expected = (True, ["r"], ["amount_over_threshold (candidate)"])
    assert labels(taken(beside).at(readings(beside)[-1])) == expected


@pytest.mark.parametrize(
    "void", [changes(("r", B)), changes(("r", B), base=5)], ids=["somebody else's meanwhile", "of what never was"]
)
def test_a_void_change_set_makes_a_version_with_the_same_rules(void: Changes) -> None:
    records = written(changes(("r", A)), void)
    history = taken(records)
    assert history.at(readings(records)[2]) is history.at(readings(records)[1])
    assert not history.has_gaps


def test_a_change_set_that_stands_there_twice_counts_once() -> None:
    records = [*written(changes(("r", A))), replace(changes(("r", A)).record(0), offset=1)]
    assert labels(taken(records).at(readings(records)[2])) == (True, ["r"], [])


@pytest.mark.parametrize("value", [None, b"", b"no JSON", changes(("r", Rule("amont > 5")), base=1).value(1)])
def test_what_is_no_change_set_changes_nothing_and_is_told(value: bytes | None) -> None:
    first, second = written(changes(("r", A)), changes(("r", B)))
    broken = replace(second, value=value)
    history = taken([first])
    assert history.take(broken)
    assert history.has_gaps
    assert labels(history.at(readings([first, broken])[2])) == (True, ["r"], [])
