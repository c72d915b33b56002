import re
import sys
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from audit import law
from decision.code_rules import CodeRule, named_rules, with_code_rules
from decision.verdict import Verdict
from payments.mapping import DEFAULT_MAPPING
from payments.reading import TransactionReader
from payments.transaction import Transaction


def of_amount(amount: str) -> Transaction:
    return Transaction("1", "a", "b", Decimal(amount))


def saw(_transaction: Transaction) -> str:
    return "something"


def saw_nothing(_transaction: Transaction) -> None:
    return None


def broken(_transaction: Transaction) -> str:
    raise KeyError("missing")


def calls_another(transaction: Transaction) -> str:
    return broken(transaction)


def ends_the_process(_transaction: Transaction) -> str:
    sys.exit(0)


class Indescribable(Exception):
    def __str__(self) -> str:
        raise ValueError


def raises_what_fails_too(_transaction: Transaction) -> str:
    raise Indescribable


def sees_what_fails_too(_transaction: Transaction) -> object:
    return Indescribable()


def raises_what_cannot_be_formatted(_transaction: Transaction) -> str:
    error = SyntaxError("odd")
    error.text, error.offset = "abc", "y"  # type: ignore[assignment]
    raise error


async def is_a_coroutine(_transaction: Transaction) -> str:
    return "never awaited"


def sees_bytes(_transaction: Transaction) -> bytes:
    return b"something"


class HasNoClass:
    """Like a lazy proxy, which asks for what it stands for even when only its class is asked for."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("there is nothing behind it")


class HasNoTraceback(Exception):
    """Whose own code runs whatever is asked of it, and ends the process."""

    @property
    def __traceback__(self) -> Any:  # type: ignore[override]
        sys.exit(0)

    @property
    def __notes__(self) -> Any:  # type: ignore[override]
        sys.exit(0)


class HasNoName(type):
    """A type whose name cannot be asked for."""

    @property
    def __name__(cls) -> Any:  # type: ignore[override]
        sys.exit(0)


class Nameless(metaclass=HasNoName):
    """One of that type."""


def raises_what_has_no_traceback(_transaction: Transaction) -> str:
    raise HasNoTraceback


def sees_what_has_no_name(_transaction: Transaction) -> Any:
    return Nameless()


def sees_what_has_no_class(_transaction: Transaction) -> Any:
    return HasNoClass()


def sees_half_a_character(_transaction: Transaction) -> str:
    return "\ud800"


def reads_a_field_that_is_none(transaction: Transaction) -> str:
    return str(transaction.country)  # type: ignore[attr-defined]


def asked(*rules: CodeRule, paid: Transaction | None = None) -> Verdict:
    return with_code_rules(Verdict(paid or of_amount("1")), rules)


def reasons(*rules: CodeRule) -> list[str]:
    return [hit.reason for hit in asked(*rules).hits]


def failure(rule: Callable[[Transaction], Any], name: str = "r") -> str:
    verdict = asked(CodeRule(name, rule))
    assert not verdict.hits
    assert verdict.failed is not None
    return verdict.failed


def test_every_rule_that_sees_something_gives_a_reason() -> None:
    rules = CodeRule("first", saw), CodeRule("quiet", saw_nothing), CodeRule("second", saw)
    assert reasons(*rules) == ["first: something", "second: something"]
    assert asked(*rules).score == 200


def test_where_one_fails_the_others_still_decide_and_the_first_failure_is_named() -> None:
    verdict = asked(CodeRule("broken", broken), CodeRule("seen", saw), CodeRule("other", calls_another))
    assert [hit.reason for hit in verdict.hits] == ["seen: something"]
    assert (verdict.failed or "").startswith("rule broken failed")


def test_a_rule_that_raises_is_named() -> None:
    assert re.match(r"rule broken failed \(test_code_rules\.py:\d+\): KeyError", failure(broken, "broken"))


def test_a_rule_is_named_with_its_own_line_not_that_of_what_it_calls() -> None:
    line = calls_another.__code__.co_firstlineno + 1
    assert failure(calls_another).startswith(f"rule r failed (test_code_rules.py:{line}): KeyError")


def test_of_a_rule_without_lines_none_is_named() -> None:
    assert failure(attrgetter("country")).startswith("rule r failed: AttributeError")


ODD = [
    ends_the_process,
    raises_what_fails_too,
    sees_what_fails_too,
    raises_what_cannot_be_formatted,
    is_a_coroutine,
    sees_bytes,
    sees_what_has_no_class,
    sees_what_has_no_name,
    raises_what_has_no_traceback,
]


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize("rule", ODD)
def test_what_a_rule_raises_or_returns_but_text_is_no_verdict_and_no_end(rule: Callable[[Transaction], Any]) -> None:
    assert re.match(r"rule r failed( \([^)]*:\d+\))?: ", failure(rule))
    assert law.asked(law.CodeRule("bad", rule), of_amount("1")) is None


@pytest.mark.parametrize(("saw", "expected"), [(True, ["r: True"]), (False, []), ("", []), (None, [])])
def test_a_rule_may_answer_yes_or_no(saw: Any, expected: list[str]) -> None:
    assert reasons(CodeRule("r", lambda _: saw)) == expected
    assert law.asked(law.CodeRule("r", lambda _: saw), of_amount("1")) is bool(expected)


def test_what_utf_8_cannot_hold_is_spelled_out_in_a_reason() -> None:
    assert reasons(CodeRule("half", sees_half_a_character)) == ["half: \\ud800"]


def test_a_rule_that_reads_a_field_that_is_none_is_told_so_of_a_transaction() -> None:
    paid = TransactionReader(DEFAULT_MAPPING).read(b'{"id":"1","source":"a","target":"b","amount":1}')
    verdict = asked(CodeRule("reads", reads_a_field_that_is_none), paid=paid)
    assert "AttributeError: 'Transaction' object has no attribute 'country'" in (verdict.failed or "")


def test_rules_are_loaded_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bank_rules.py").write_text("def round_amount(transaction):\n    return 'no cents'\n")
    monkeypatch.syspath_prepend(tmp_path)
    rules = named_rules("bank_rules:round_amount, bank_rules:round_amount")
    assert reasons(*rules) == ["round_amount: no cents"] * 2


def test_no_names_are_no_rules() -> None:
    assert named_rules("") == []


@pytest.mark.parametrize(
    "name", ["no_such_module:rule", "json:no_such_function", "json", "json:__name__", "1:2", "this_ends:rule"]
)
def test_what_is_not_a_function_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "this_ends.py").write_text("raise SystemExit(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="module:function"):
        named_rules(name)
