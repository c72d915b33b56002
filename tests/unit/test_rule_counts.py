"""How often rules have hit, and how a candidate compares with the rule it may replace."""

from collections import Counter
from decimal import Decimal

from decision.rule import Rule
from decision.rulebook import Change, RuleBook
from decision.ruleset import RuleSet
from detector.rule_counts import RuleCounts, counts_in_words
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from payments.transaction import Transaction
from tests.support.change_sets import book_of

LOW, HIGH = Rule("amount > 10"), Rule("amount < 100")


def count(counts: RuleCounts, book: RuleBook, *amounts: int) -> None:
    rules = RuleSet(book.held)
    for amount in amounts:
        counts.add(rules.judge(Transaction("1", "a", "b", Decimal(amount)), 0))


def test_a_candidate_is_compared_with_its_rule() -> None:
    counts, book = RuleCounts(), book_of(Change("r", 0, LOW, HIGH))
    counts.follow(book)
    count(counts, book, 5, 50, 60, 500, 501, 502)
    assert counts.texts() == {
        "in shadow": "(r (candidate) 3)",
        "r and its candidate": "(only the rule 3, both 2, only the candidate 1)",
    }
    assert counts.fields()["candidates"] == {"r": {"both": 2, "only the rule": 3, "only the candidate": 1}}


def test_it_is_compared_from_its_beginning_and_goes_on_while_others_change() -> None:
    counts, book = RuleCounts(), book_of(Change("r", 0, LOW, HIGH), Change("other", 0, LOW))
    counts.follow(book)
    count(counts, book, 50)
    counts.follow(book_of(Change("other", 1, HIGH), book=book))
    count(counts, book, 50)
    assert counts.fields()["candidates"] == {"r": {"both": 2}}
    counts.follow(book_of(Change("r", 1, LOW, LOW), book=book))
    count(counts, book, 5)
    assert counts.fields()["candidates"] == {"r": {}}
    counts.follow(book_of(Change("r", 3, LOW), book=book))
    assert counts.fields()["candidates"] == {}


def test_nothing_is_said_of_what_has_not_happened() -> None:
    assert RuleCounts().texts() == {}


def test_hits_in_shadow_and_undecided_rules_are_counted() -> None:
    book = book_of(
        Change("live", 0, LOW),
        Change("shadow", 0, Rule("amount > 10", "shadow")),
        Change("field", 0, Rule('field["x"] > 1')),
    )
    counts = RuleCounts()
    paid = TransactionReader(DEFAULT_MAPPING).read(b'{"id":"1","source":"a","target":"b","amount":50}')
    counts.add(RuleSet(book.held).judge(paid, 0))
    assert counts.texts() == {"in shadow": "(shadow 1)", "undecided": "(field 1)"}
    assert counts.fields()["fraud_by_rule"] == {"live": 1}


def test_hits_on_what_stays_legit_are_counted_apart() -> None:
    counts, book = RuleCounts(), book_of(Change("r", 0, Rule("amount > 10", points="60")))
    count(counts, book, 50, 60)
    assert counts.texts() == {"hits on legit": "(r 2)"}
    assert (counts.fields()["fraud_by_rule"], counts.fields()["legit_by_rule"]) == ({}, {"r": 2})


def test_of_many_counts_the_ten_largest_are_shown() -> None:
    assert counts_in_words(Counter({f"r{n}": n + 1 for n in range(12)})).endswith("r2 3, 2 more")
