"""The history of rules: every reader comes to the same rules, and nobody overwrites what he has not seen."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decision.history import Entry, Fate, InvalidRecord
from decision.rule import Rule
from decision.rulebook import MOST_RULES, Change, ChangeSet, Held, RuleBook, decode, encode, with_defaults
from tests.support.change_sets import change_set

RULE, OTHER = Rule("amount > 5", note="a"), Rule("amount > 6", mode="shadow", points="5", share="10")


def taken(book: RuleBook, *sets: ChangeSet | bytes | None) -> list[Fate]:
    return [take(book, each).fate for each in sets]


def take(book: RuleBook, value: ChangeSet | bytes | None) -> Entry:
    return book.take(book.version, encode(value) if isinstance(value, ChangeSet) else value)


def test_a_change_set_holds_from_the_version_behind_it() -> None:
    book = RuleBook()
    entry = book.take(17, encode(change_set(Change("a", 0, RULE, OTHER))))
    assert entry == Entry(18, Fate.APPLIED, entry.change_set)
    assert (book.held, book.versions, book.version) == ({"a": Held(RULE, OTHER)}, {"a": 18}, 18)


def test_what_holds_is_what_the_last_change_says() -> None:
    book = RuleBook()
    first, second = change_set(Change("a", 0, RULE)), change_set(Change("a", 1, None, OTHER), identity="2")
    assert taken(book, first, second) == [Fate.APPLIED] * 2
    assert book.held == {"a": Held(None, OTHER)}
    assert taken(book, change_set(Change("a", 2), identity="3")) == [Fate.APPLIED]
    assert (book.held, book.versions) == ({}, {"a": 3})


def test_of_two_who_change_the_same_rule_the_second_changes_nothing() -> None:
    book = RuleBook()
    both = [change_set(Change("b", 0, OTHER), Change("a", 0, rule), identity=rule.when) for rule in (RULE, OTHER)]
    assert taken(book, both[0], both[1]) == [Fate.APPLIED, Fate.OUTDATED]
    assert book.held == {"b": Held(OTHER), "a": Held(RULE)}
    assert book.outdated(both[1]) == ["b", "a"]
    assert "changed by somebody else meanwhile: b, a" in take(book, both[1]).problem


def test_of_two_who_change_different_rules_both_hold() -> None:
    book = RuleBook()
    sets = change_set(Change("a", 0, RULE)), change_set(Change("b", 0, OTHER), identity="2")
    assert taken(book, *sets) == [Fate.APPLIED] * 2
    assert book.held == {"a": Held(RULE), "b": Held(OTHER)}


def test_a_repeated_write_is_known_by_its_id() -> None:
    book = RuleBook()
    once = change_set(Change("a", 0, RULE))
    assert taken(book, once, once) == [Fate.APPLIED, Fate.REPEATED]
    assert (book.versions, book.version) == ({"a": 1}, 2)


def test_a_write_that_was_void_may_come_again_and_hold() -> None:
    book = RuleBook()
    late = change_set(Change("a", 1, OTHER), identity="late")
    assert taken(book, late, change_set(Change("a", 0, RULE)), change_set(Change("a", 2, OTHER), identity="late")) == [
        Fate.OUTDATED,
        Fate.APPLIED,
        Fate.APPLIED,
    ]


def as_json(**changed: Any) -> bytes:
    valid = {
        "format": 1,
        "id": "1",
        "author": "ann",
        "changes": [{"name": "a", "base": 0, "rule": {"when": "amount > 1"}}],
    }
    return msgspec.json.encode({**valid, **changed})


def one_change(**changed: Any) -> bytes:
    return as_json(changes=[{"name": "a", "base": 0, **changed}])


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "not understood"),
        (b"", "not understood"),
        (b"\xff", "not understood"),
        (b"[" * 100_000, "not understood"),
        (as_json(format=2), "written in format 2"),
        (as_json(format=2, changes="of another shape"), "written in format 2"),
        (as_json(more=1), "unknown field `more`"),
        (as_json(id=5), "Expected `str`"),
        (one_change(rule={"when": "amount > 1", "mode": "loud"}), "Invalid enum value 'loud'"),
        (one_change(rule={"when": "amont > 1"}), "a: there is no name amont"),
        (one_change(rule={"when": "amount > 1", "points": "amount > 1"}), "a: a number is expected"),
        (one_change(rule={"when": "amount > 1", "share": "200"}), "a: share '200' is not"),
        (one_change(candidate={"when": "amont > 1"}), "a: there is no name amont"),
        (one_change(name="a b", rule={"when": "amount > 1"}), "a b: a rule's name"),
        (as_json(changes=[{"name": "a", "base": 0}] * 2), "one rule twice"),
        (as_json(changes=[{"name": "a b", "base": 0}]), "a b: a rule's name"),
    ],
)
def test_what_cannot_be_understood_changes_nothing_and_is_named_in_one_line(value: bytes | None, problem: str) -> None:
    book = RuleBook()
    take(book, change_set(Change("other", 0, RULE), identity="0"))
    entry = take(book, value)
    assert (entry.version, entry.fate) == (2, Fate.INVALID)
    assert problem in entry.problem
    assert "\n" not in entry.problem
    assert (book.held, book.versions, book.version) == ({"other": Held(RULE)}, {"other": 1}, 2)


def test_only_what_would_be_applied_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    book = RuleBook()
    once = change_set(Change("a", 0, RULE))
    take(book, once)
    monkeypatch.setattr("decision.rulebook.raise_if_invalid", pytest.fail)
    late = change_set(Change("a", 0, OTHER), identity="2")
    assert taken(book, once, late) == [Fate.REPEATED, Fate.OUTDATED]


def test_who_wrote_what_is_not_allowed_is_known() -> None:
    entry = take(RuleBook(), one_change(rule={"when": "amont > 1"}))
    assert entry.change_set is not None
    assert (entry.fate, entry.change_set.author) == (Fate.INVALID, "ann")


def test_a_set_with_one_bad_rule_is_void_as_a_whole() -> None:
    bad = as_json(
        changes=[
            {"name": "a", "base": 0, "rule": {"when": "amount > 1"}},
            {"name": "b", "base": 0, "rule": {"when": "x"}},
        ]
    )
    book = RuleBook()
    assert (taken(book, bad), book.held) == ([Fate.INVALID], {})


def test_settings_give_a_rule_until_the_topic_has_it() -> None:
    defaults = {"a": Rule("amount > 900")}
    other = {"b": Held(None, OTHER)}
    assert list(with_defaults(other, defaults).items()) == [("a", Held(defaults["a"])), ("b", Held(None, OTHER))]
    assert with_defaults({"a": Held(None, OTHER)}, defaults) == {"a": Held(defaults["a"], OTHER)}
    assert with_defaults({"a": Held(RULE)}, defaults) == {"a": Held(RULE)}


def test_what_held_before_stays_what_it_was() -> None:
    book = RuleBook()
    before = book.held
    take(book, change_set(Change("a", 0, RULE)))
    assert (before, book.held) == ({}, {"a": Held(RULE)})


def test_there_are_at_most_500_rules() -> None:
    book = RuleBook()
    full = change_set(*(Change(f"r{number}", 0, RULE) for number in range(MOST_RULES)))
    assert taken(book, full) == [Fate.APPLIED]
    more = change_set(Change("more", 0, candidate=RULE), identity="2")
    assert taken(book, more) == [Fate.INVALID]
    instead = change_set(Change("r0", 1), Change("more", 0, RULE), identity="3")
    assert taken(book, instead) == [Fate.APPLIED]


def test_all_rules_together_have_a_bounded_length() -> None:
    long = Rule(" or ".join(["amount > 1"] * 40) + " " * 3_400)
    many = [Change(f"r{number}", 0, long) for number in range(60)]
    entry = take(RuleBook(), change_set(*many))
    assert (entry.fate, entry.problem) == (Fate.INVALID, "all rules together have more than 200,000 characters")
    assert taken(RuleBook(), change_set(*many[:40])) == [Fate.APPLIED]


def test_a_record_of_many_megabytes_is_not_read() -> None:
    assert take(RuleBook(), b" " * 2_000_001).problem == "2,000,001 bytes, more than 2,000,000"


@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise(value: bytes) -> None:
    assert take(RuleBook(), value).fate in Fate


def test_what_is_encoded_is_read_again() -> None:
    whole = change_set(Change("a", 3, RULE, OTHER), Change("b", 0))
    assert decode(encode(whole)) == msgspec.structs.replace(whole, changes=list(whole.changes))
    with pytest.raises(InvalidRecord):
        decode(b"{}")
