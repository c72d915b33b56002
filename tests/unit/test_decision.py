"""How records are judged while rules change."""

from decimal import Decimal

from decision.code_rules import CodeRule
from decision.decision import Decision
from decision.lists import ListBook
from decision.provenance import DecisionSettings
from decision.rule import Rule
from decision.rulebook import Change, RuleBook
from messaging.batch import Record
from payments.mapping import DEFAULT_MAPPING
from tests.support.change_sets import book_of

PAID = Record("transactions", 0, 0, 0, None, b'{"id":"1","source":"a","target":"b","amount":901,"risk":30}', ())


def test_until_rules_say_otherwise_the_threshold_of_the_settings_holds() -> None:
    decision = Decision(DecisionSettings(DEFAULT_MAPPING, Decimal("9e2")), ())
    assert [hit.reason for hit in decision.judge(PAID).hits] == ["amount_over_threshold: 901 is over 900"]
    decision.take_up(book_of(Change("amount_over_threshold", 0, Rule("amount > 1000"))), ListBook())
    assert not decision.judge(PAID).hits
    decision.take_up(book_of(Change("other", 0, Rule("amount < 0"))), ListBook())
    assert decision.judge(PAID).is_fraud


def test_lists_are_taken_up_without_a_change_of_rules() -> None:
    decision, rules, lists = Decision(DecisionSettings(DEFAULT_MAPPING, Decimal(900)), ()), RuleBook(), ListBook()
    decision.take_up(rules, lists)
    compiled, before = decision.rules, decision.basis
    lists.take(0, None)
    decision.take_up(rules, lists)
    assert decision.rules is compiled
    assert (before.lists.version, decision.basis.lists.version) == (0, 1)


def test_a_field_that_only_points_look_at_is_read() -> None:
    decision = Decision(DecisionSettings(DEFAULT_MAPPING, Decimal(1_000)), ())
    decision.take_up(book_of(Change("risky", 0, Rule("amount > 1", points='field["risk"] * 2'))), ListBook())
    assert decision.judge(PAID).score == 60


def test_rules_of_code_are_asked_beside_the_others() -> None:
    decision = Decision(
        DecisionSettings(DEFAULT_MAPPING, Decimal(900)), [CodeRule("risk", lambda paid: str(paid.field("risk")))]
    )
    assert [hit.rule for hit in decision.judge(PAID).hits] == ["amount_over_threshold", "risk"]
    assert decision.judge(PAID).score == 200
