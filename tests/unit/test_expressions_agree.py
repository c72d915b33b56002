"""The audit's interpreter, which shares nothing with the compiler, gives the same answers."""

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from audit.interpreter import value_of
from audit.reading import read
from decision.expression import translate
from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from decision.scope import Scope
from decision.source import InvalidExpression
from messaging.batch import Record
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from tests.support.expressions import CONDITIONS, payloads

TIMES_MS = st.sampled_from([0, 1_790_000_000_123, -1, 10**17])


@settings(max_examples=500)
@given(CONDITIONS, payloads(), TIMES_MS)
def test_the_audit_agrees_on_any_expression(expression: str, value: bytes, record_ms: int) -> None:
    try:
        rules = RuleSet({"rule": Held(Rule(expression))})
    except InvalidExpression:
        reject()
    reader = TransactionReader(DEFAULT_MAPPING)
    found = rules.outcomes(reader.read(value), record_ms)
    assert rules.outcomes(reader.read(value), record_ms) == found  # now that the fields that it looks at are decoded
    scope = Scope()
    translate(expression, scope)
    assert rules.outcomes(TransactionReader(DEFAULT_MAPPING, wanted=scope.fields).read(value), record_ms) == found
    audited = read(Record("t", 0, 0, record_ms, None, value, ()), DEFAULT_MAPPING)
    assert audited is not None
    answer = value_of(expression, audited, record_ms)
    assert found == [answer if isinstance(answer, bool) else None]
