"""What follows from a set of rules: modes, points, shares, reasons."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import decision.ruleset
from decision.rule import InvalidRule, Rule, raise_if_invalid
from decision.rulebook import NOTHING, Held
from decision.ruleset import RuleSet
from decision.source import InvalidExpression
from decision.verdict import Verdict
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from payments.transaction import Transaction

YES, NO, UNDECIDED = Rule("amount > 0"), Rule("amount < 0"), Rule('field["x"] > 0')
PAID = TransactionReader(DEFAULT_MAPPING).read(b'{"id":"1","source":"a","target":"b","amount":812.10,"n":40}')


def of_amount(amount: str) -> Transaction:
    return Transaction("1", "a", "b", Decimal(amount))


def judged(*rules: Rule, paid: Transaction = PAID) -> Verdict:
    return RuleSet({f"r{number}": Held(rule) for number, rule in enumerate(rules)}).judge(paid, 0)


def over(threshold: str, amount: str) -> Verdict:
    return RuleSet({"amount_over_threshold": Held(Rule(f"amount > {threshold}"))}).judge(of_amount(amount), 0)


@pytest.mark.parametrize("amount", ["0", "899.99", "900", "900.00", "9e2"])
def test_an_amount_up_to_the_threshold_is_legit(amount: str) -> None:
    assert not over("900", amount).is_fraud


@pytest.mark.parametrize("amount", ["900.01", "9.0001e2", "900.00000000000000001", "1e400"])
def test_an_amount_over_the_threshold_is_fraud(amount: str) -> None:
    assert over("900", amount).is_fraud


def test_the_reason_of_the_threshold_says_what_is_over_what() -> None:
    assert [hit.reason for hit in over("900", "950.10").hits] == ["amount_over_threshold: 950.10 is over 900"]
    assert len(over("900", "9" * 100_000).hits[0].reason) < 100


def test_any_other_rule_of_that_name_shows_what_it_saw() -> None:
    rules = RuleSet({"amount_over_threshold": Held(Rule("amount >= 900"))})
    [hit] = rules.judge(of_amount("950"), 0).hits
    assert hit.reason == "amount_over_threshold: amount = 950"


def test_it_is_fraud_where_the_points_of_live_hits_reach_100() -> None:
    half = replace(YES, points="50")
    assert not judged(half, replace(YES, points="49.999")).is_fraud
    assert judged(half, half).is_fraud
    assert judged(half, half).score == 100
    assert not judged(half, replace(half, mode="shadow")).is_fraud
    assert not judged(half, replace(half, mode="off")).is_fraud


@pytest.mark.parametrize(
    ("points", "counted"),
    [("-5", 0), ("1001", 1000), ('field["n"] * 2', 80), ('field["x"]', 0), ('number(field["x"])', 0), ("0", 0)],
)
def test_points_may_be_calculated_and_are_capped(points: str, counted: int) -> None:
    assert judged(replace(YES, points=points)).score == counted


def test_points_are_a_number_of_any_type_but_no_truth_value() -> None:
    assert judged(replace(YES, points='field["yes"] if amount > 1 else 1')).score == 0
    read = TransactionReader(DEFAULT_MAPPING).read(b'{"id":"1","source":"a","target":"b","amount":1,"yes":true}')
    assert judged(replace(YES, points='field["yes"]'), paid=read).score == 0


def test_hits_of_rules_in_shadow_and_of_candidates_do_not_count_and_are_told() -> None:
    shadow, off = replace(YES, mode="shadow"), replace(YES, mode="off")
    rules = RuleSet({"a": Held(YES, YES), "b": Held(shadow), "c": Held(off), "d": Held(None, NO)})
    verdict = rules.judge(PAID, 0)
    assert [hit.rule for hit in verdict.hits] == ["a"]
    assert [hit.rule for hit in verdict.shadow] == ["b", "a (candidate)"]
    assert str(rules) == "1 live, 1 in shadow, 2 candidates"


def test_an_undecided_rule_does_not_hit_and_is_told() -> None:
    verdict = judged(UNDECIDED, replace(UNDECIDED, mode="shadow"), NO)
    assert (verdict.hits, verdict.shadow, verdict.undecided) == ((), (), ("r0", "r1"))


def many() -> dict[str, Held]:
    return {f"r{number}": Held(Rule(f"amount > {number}"), Rule(f"amount < {number}")) for number in range(300)}


def misses() -> int:
    return decision.ruleset._compiled.cache_info().misses  # noqa: SLF001 - that it is quick can be seen only there


def test_each_of_many_rules_is_told_by_its_name() -> None:
    verdict = RuleSet(many()).judge(of_amount("5"), 0)
    assert [hit.rule for hit in verdict.hits] == [f"r{number}" for number in range(5)]
    assert [hit.rule for hit in verdict.shadow] == [f"r{number} (candidate)" for number in range(6, 300)]


@pytest.mark.parametrize("name", ["r0", "r150", "r299"])
@pytest.mark.parametrize("becomes", [NOTHING, Held(replace(YES, mode="off")), Held(YES)])
def test_where_one_rule_changes_most_others_stay_compiled(name: str, becomes: Held) -> None:
    before = RuleSet(many())
    compiled = misses()
    after = RuleSet({**many(), name: becomes})
    assert misses() - compiled <= 2
    assert len({*before.asked} - {*after.asked}) <= 2


def test_nothing_found_is_nothing_told() -> None:
    verdict = judged(NO)
    assert (verdict.hits, verdict.shadow, verdict.undecided, verdict.is_fraud) == ((), (), (), False)


def hits_at(share: str, name: str = "rule", accounts: int = 2_000, when: Rule = YES) -> set[str]:
    rules = RuleSet({name: Held(replace(when, share=share))})
    names = [f"account-{number}" for number in range(accounts)]
    verdicts = [rules.judge(replace(PAID, source=source), 0) for source in names]
    return {verdict.transaction.source for verdict in verdicts if verdict.hits or verdict.undecided}


def test_a_share_is_of_accounts_and_a_larger_one_holds_for_those_of_a_smaller_one() -> None:
    tenth, half = hits_at("10"), hits_at("50")
    assert tenth < half
    assert 100 < len(tenth) < 300
    assert 850 < len(half) < 1_150
    assert (hits_at("0"), len(hits_at("100"))) == (set(), 2_000)
    assert hits_at("50", "other") != half
    assert hits_at("10", when=UNDECIDED) == tenth


def test_which_accounts_are_in_a_share_never_changes() -> None:
    assert hits_at("10", accounts=30) == {"account-14", "account-16", "account-17", "account-22", "account-29"}


def test_a_reason_is_cut_to_256_characters() -> None:
    rule = Rule(" or ".join(f'field["{"x" * 40}{number}"] == {number}' for number in range(9)) + " or amount > 1")
    [hit] = judged(rule).hits
    assert len(hit.reason) == 256


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", YES),
        ("1st", YES),
        ("a b", YES),
        ("a:b", YES),
        ("a" * 101, YES),
        ("a", replace(YES, share="101")),
        ("a", replace(YES, share="-1")),
        ("a", replace(YES, share="1e1")),
        ("a", replace(YES, note="x" * 1_001)),
        ("a", replace(YES, note="two\nlines")),
        ("a", replace(YES, note="two\u2028lines")),
        ("a b", None),
    ],
)
def test_what_is_not_allowed_is_named(name: str, rule: Rule | None) -> None:
    with pytest.raises(InvalidRule):
        raise_if_invalid(name, rule)


@pytest.mark.parametrize("rule", [replace(YES, when="amount"), replace(YES, points="amount > 1"), Rule("amont > 1")])
def test_both_expressions_are_checked(rule: Rule) -> None:
    with pytest.raises(InvalidExpression):
        raise_if_invalid("a", rule)


@given(st.from_regex(r"100|[0-9]{1,2}(\.[0-9]{1,9})?", fullmatch=True))
def test_any_share_is_a_percentage(share: str) -> None:
    raise_if_invalid("a", replace(YES, share=share))
    assert RuleSet({"a": Held(replace(YES, share=share))}).judge(PAID, 0) is not None
