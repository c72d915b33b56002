"""The audit's interpreter, which shares nothing with the compiler, gives the same answers."""

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from audit.interpreter import value_of
from audit.lists import ListsHistory
from audit.reading import read
from decision.expression import translate
from decision.history import FORMAT
from decision.list_change import ListChange, ListChangeSet, encode
from decision.lists import ListBook
from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from decision.scope import Scope
from decision.source import InvalidExpression
from messaging.batch import Record
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from tests.support.expressions import CONDITIONS, LIST_CHANGES, MEMBERSHIPS, paid, payloads

TIMES_MS = st.sampled_from([0, 1_790_000_000_123, -1, 10**17])


@settings(max_examples=500)
@given(CONDITIONS, payloads(), TIMES_MS, LIST_CHANGES)
def test_the_audit_agrees_on_any_expression(expression: str, value: bytes, record_ms: int, made: ListChangeSet) -> None:
    expect_agreement(expression, value, record_ms, made)


@settings(max_examples=500)
@given(MEMBERSHIPS, payloads(), TIMES_MS, LIST_CHANGES)
def test_the_audit_agrees_on_who_is_in_a_list(
    expression: str, value: bytes, record_ms: int, made: ListChangeSet
) -> None:
    expect_agreement(expression, value, record_ms, made)


@pytest.mark.parametrize("record_ms", [122, 123, 124])
def test_the_audit_agrees_on_when_a_member_expires(record_ms: int) -> None:
    change = ListChange("blocked", 0, add=["a"], expires="2026-09-21T14:13:20.123Z")
    made = ListChangeSet(FORMAT, "mark", "anna", [change])
    expect_agreement('source in list["blocked"]', paid(), 1_790_000_000_000 + record_ms, made)


def expect_agreement(expression: str, value: bytes, record_ms: int, made: ListChangeSet) -> None:
    try:
        rules = RuleSet({"rule": Held(Rule(expression))})
    except InvalidExpression:
        reject()
    lists, history = ListBook(), ListsHistory()
    lists.take(0, encode(made))
    history.take(Record("lists", 0, 0, 0, None, encode(made), ()))
    reader = TransactionReader(DEFAULT_MAPPING)
    found = rules.outcomes(reader.read(value), record_ms, lists)
    again = rules.outcomes(reader.read(value), record_ms, lists)
    assert again == found  # now that the fields that it looks at are decoded
    scope = Scope()
    translate(expression, scope)
    wanted = TransactionReader(DEFAULT_MAPPING, wanted=scope.fields)
    assert rules.outcomes(wanted.read(value), record_ms, lists) == found
    audited, known = read(Record("t", 0, 0, record_ms, None, value, ()), DEFAULT_MAPPING), history.at(lists.reading)
    assert audited is not None
    assert known is not None
    answer = value_of(expression, audited, record_ms, known)
    assert found == [answer if isinstance(answer, bool) else None]
