"""An expression cannot fail, whatever the record holds, and reaches nothing outside of it; what it sees is limited."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest

from audit.interpreter import value_of
from audit.reading import read as read_by_audit
from decision.expression import translate
from decision.rule import Rule
from decision.rulebook import Held
from decision.ruleset import RuleSet
from decision.scope import Scope
from decision.source import InvalidExpression
from messaging.batch import Record
from payments.document import read_document
from payments.mapping import DEFAULT_MAPPING
from payments.mapping import Path as FieldPath
from payments.reading import TransactionReader
from tests.support.expressions import paid

ROOT = Path(__file__).parents[2]


def saw(expression: str, value: bytes) -> bool | None:
    """Return what both the detector and the audit say."""
    rules = RuleSet({"rule": Held(Rule(expression))})
    record = Record("t", 0, 0, 0, None, value, ())
    audited = read_by_audit(record, DEFAULT_MAPPING)
    assert audited is not None
    [answer] = rules.outcomes(TransactionReader(DEFAULT_MAPPING).read(value), 0)
    assert value_of(expression, audited, 0) is answer
    return answer


def fields_of(expression: str) -> Sequence[FieldPath]:
    scope = Scope()
    translate(expression, scope)
    return scope.fields


def test_a_field_of_more_than_256_characters_is_none() -> None:
    for character, written in (("a", "a"), ("\n", "\\n"), ("é", "é"), ("é", "\\u00e9"), ("😀", "\\ud83d\\ude00")):
        ends_so = f'ends_with(field["x"], {character!r}) and length(field["x"]) == 256'
        assert saw(ends_so, paid(x=f'"{written * 256}"'.encode())) is True
        assert saw('field["x"] is None', paid(x=f'"{written * 257}"'.encode())) is True
    assert saw('field["x"] > 1', paid(x=b"9" * 256)) is True
    assert saw('field["x"] is None', paid(x=b"9" * 257)) is True
    assert saw('field["x"] is None', paid(x=b'"%s"' % (rb"\\u" * 300))) is True


@pytest.mark.parametrize("name", ["id", "source", "target", "currency"])
def test_a_name_that_stands_for_a_text_of_more_than_256_characters_is_none(name: str) -> None:
    assert saw(f"length({name}) == 256", paid(**{name: b'"%s"' % (b"x" * 256)})) is True
    assert saw(f"{name} is None", paid(**{name: b'"%s"' % (b"x" * 257)})) is True


def test_what_becomes_longer_in_lower_case_is_none() -> None:
    assert saw("length(lower(id)) == 256", paid(id=b'"%s"' % ("\u0130" * 128).encode())) is True
    assert saw("lower(id) is None", paid(id=b'"%s"' % ("\u0130" * 129).encode())) is True


def test_an_amount_is_compared_exactly_however_many_digits_it_has() -> None:
    for digits in (5, 4_990, 5_010, 20_000):
        zeros = b"0" * digits
        assert saw("amount > 900 and amount != 900", paid(amount=b"900.%s1" % zeros)) is True
        assert saw("amount == 900 and amount in {900}", paid(amount=b"900.%s" % zeros)) is True
        assert saw("amount < 900", paid(amount=b"899.%s" % zeros.replace(b"0", b"9"))) is True


def test_an_amount_is_compared_exactly_however_small_it_is() -> None:
    smallest, longer = b"1e-1999999999999999997", b"1%s1e-1999999999999999997" % (b"0" * 6_000)
    assert saw('amount == field["amount"] and amount > 0', paid(amount=smallest)) is True
    assert saw('amount > field["x"]', paid(amount=longer, x=b"1e-1999999999999993996")) is True
    assert saw("amount == 0", paid(amount=b"0e-1999999999999999997")) is True


def test_a_text_that_is_written_out_has_at_most_256_characters() -> None:
    RuleSet({"rule": Held(Rule(f'"{"x" * 256}" == id'))})
    with pytest.raises(InvalidExpression, match="a text is at most 256 characters long"):
        RuleSet({"rule": Held(Rule(f'"{"x" * 257}" == id'))})


def test_a_rule_set_knows_its_fields_before_the_first_record() -> None:
    assert fields_of('field["b"] == field["a"]["c"] or field["b"] is None or amount > 1') == [("b",), ("a", "c")]


def test_what_is_wanted_is_never_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.decoded.read_document", pytest.fail)
    transaction = TransactionReader(DEFAULT_MAPPING, wanted=[("x",), ("y", "z")]).read(paid(x=b"1", y=b'{"z":2}'))
    assert (transaction.glance(("x",)), transaction.glance(("y", "z"))) == (1, 2)


@pytest.mark.parametrize("accounts", [b'"a"', b"7"])
def test_whatever_cannot_be_decoded_is_parsed_once_a_record(monkeypatch: pytest.MonkeyPatch, accounts: bytes) -> None:
    parsed = Mock(side_effect=read_document)
    monkeypatch.setattr("payments.decoded.read_document", parsed)
    wanted = [("amount",), ("o",), ("o", "x"), *((f"f{number}",) for number in range(100)), ('"',), ("x",) * 60]
    reader = TransactionReader(DEFAULT_MAPPING, wanted=wanted)
    reader.read(paid(source=accounts))
    value = paid(source=accounts, o=b'{"x":1}', f99=b"9")
    transaction = reader.read(value)
    assert [transaction.glance(path) for path in wanted] == [5, {}, 1, *[None] * 99, 9, None, None]
    assert transaction.field("o") == {"x": 1}
    assert parsed.call_count == 1


def test_what_is_read_field_by_field_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payments.decoded.read_document", pytest.fail)
    transaction = TransactionReader(DEFAULT_MAPPING).read(paid(currency=b"5", x=b"1"))
    assert transaction.glance(("x",)) == 1


def at_depth(frames: int, do: Callable[[], object]) -> object:
    return do() if frames == 0 else at_depth(frames - 1, do)


@pytest.mark.parametrize("frames", [600, 800])
def test_a_check_deep_in_the_stack_says_that_it_is_nested_too_deeply(frames: int) -> None:
    text = "not " * 190 + "True"
    with pytest.raises(InvalidExpression, match="nested too deeply"):
        at_depth(frames, lambda: translate(text, Scope()))
    translate(text, Scope())


@pytest.mark.parametrize("sign", [" and ", " or ", " < ", " == "])
def test_what_is_long_is_not_nested(sign: str) -> None:
    rule = Rule(sign.join(['field["x"]'] * 49))
    transaction = TransactionReader(DEFAULT_MAPPING).read(paid())
    assert at_depth(850, lambda: RuleSet({"rule": Held(rule)}).outcomes(transaction, 0)) == [None]


def test_an_evaluation_deep_in_the_stack_is_as_any_other() -> None:
    rules = RuleSet({"rule": Held(Rule("not " * 90 + 'field["x"] == -(-(-amount))'))})
    transaction = TransactionReader(DEFAULT_MAPPING).read(paid(x=b"-5"))
    assert at_depth(850, lambda: rules.outcomes(transaction, 0)) == [True]


def test_it_does_not_matter_how_many_digits_python_converts() -> None:
    said = """
from tests.support.expressions import paid
from tests.unit.test_expression_limits import DEFAULT_MAPPING, TransactionReader, saw
digits = b"9" * 1000
assert saw('field["x"] is None and amount > 1', paid(x=digits, amount=digits)) is True
for name in ("x", "y"):
    value = paid(x=b"[%s]" % digits, y=digits, timestamp=digits, currency=b"null")
    assert TransactionReader(DEFAULT_MAPPING).read(value).field(name) in ([10**1000 - 1], 10**1000 - 1)
"""
    command = [sys.executable, "-X", "int_max_str_digits=640", "-c", said]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stderr == ""


@pytest.mark.parametrize("zone", ["Europe.__init__/x", "__init__", "../UTC", "Europe/__init__.py", "tzdata.zones"])
def test_a_zone_reaches_neither_a_module_nor_a_file(zone: str) -> None:
    loaded = set(sys.modules)
    with pytest.raises(InvalidExpression, match="no such time zone"):
        translate(f'hour("{zone}") < 5', Scope())
    translate('hour("Pacific/Chatham") < 5', Scope())
    assert set(sys.modules) == loaded


def test_hundreds_of_rules_on_hundreds_of_fields_are_answered() -> None:
    rules = {f"r{n}": Held(Rule(f'field["f{n % 300}"] == {n}')) for n in range(500)}
    scope = Scope()
    for rule, _ in rules.values():
        assert rule is not None
        translate(rule.when, scope)
    reader = TransactionReader(DEFAULT_MAPPING, wanted=scope.fields)
    value = paid(**{f"f{number}": b"%d" % number for number in range(300)})
    transaction = reader.read(value)
    assert RuleSet(rules).outcomes(transaction, 0) == [True] * 300 + [False] * 200
